/** Runs a suite on SQLite and on PostgreSQL. For tests only. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kysely, sql } from 'kysely';
import { afterAll, beforeAll, describe } from 'vitest';
import type { StoreDialect } from '../database.ts';
import { createPostgresDialect } from '../postgres/postgres-dialect.ts';
import { type PostgresCluster, startPostgres, whyNoPostgres } from './postgres-cluster.ts';

/** Addresses of stores that nobody has opened yet. */
export interface TestDatabase {
  readonly dialect: StoreDialect;
  newUrl(): Promise<string>;
  /** Of a store that is opened once and then gone: on SQLite in memory, which spares the disk. */
  passingUrl(): Promise<string>;
}

/**
 * Defines the suite once for each database. On PostgreSQL each store has a schema of its own in a throwaway cluster,
 * or in the server that TENET_TEST_POSTGRES names; where there is neither, the suite is skipped.
 */
export function onEachDatabase(suite: (database: TestDatabase) => void): void {
  describe('on SQLite', () => {
    let folder: string;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'tenet-store-'));
    });
    afterAll(() => rm(folder, { recursive: true }));
    suite({
      dialect: 'sqlite',
      newUrl: async () => join(folder, `${randomBytes(6).toString('hex')}.db`),
      passingUrl: async () => ':memory:',
    });
  });

  const given = process.env.TENET_TEST_POSTGRES;
  const whyNot = given === undefined ? whyNoPostgres : null;
  describe.skipIf(whyNot !== null)(`on PostgreSQL${whyNot === null ? '' : ` (skipped: ${whyNot})`}`, () => {
    let cluster: PostgresCluster | null = null;
    beforeAll(async () => {
      if (given === undefined) cluster = await startPostgres();
    });
    afterAll(() => cluster?.stop());
    const newUrl = (): Promise<string> => newSchema(given ?? cluster!.url);
    suite({ dialect: 'postgres', newUrl, passingUrl: newUrl });
  });
}

/** The address of a new, empty schema. */
async function newSchema(url: string): Promise<string> {
  const schema = `test_${randomBytes(6).toString('hex')}`;
  const db = new Kysely<unknown>({ dialect: await createPostgresDialect(url) });
  await sql`create schema ${sql.ref(schema)}`.execute(db);
  await db.destroy();
  return `${url}${url.includes('?') ? '&' : '?'}options=${encodeURIComponent(`-c search_path=${schema}`)}`;
}
