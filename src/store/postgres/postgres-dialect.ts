/** Kysely on PostgreSQL: 64-bit integers as numbers, and commits that are flushed before they return. */
import { CompiledQuery, type DatabaseConnection, type Dialect, PostgresDialect } from 'kysely';
import type { CustomTypesConfig } from 'pg';

/** The driver is loaded here, so that whoever uses SQLite does not wait for it. */
export async function createPostgresDialect(url: string): Promise<Dialect> {
  const { default: pg } = await import('pg');
  // Counts and times fit a double exactly; by default the driver gives them as texts.
  const getTypeParser = ((id: number, format: 'text') =>
    id === pg.types.builtins.INT8
      ? Number
      : pg.types.getTypeParser(id, format)) as CustomTypesConfig['getTypeParser'];
  const pool = new pg.Pool({
    connectionString: url,
    application_name: 'tenet',
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    types: { getTypeParser },
  });
  // A connection that breaks while idle is replaced; without a listener it would end the process.
  pool.on('error', () => undefined);
  return new PostgresDialect({ pool, onCreateConnection: flushCommits });
}

/** A server may be set to acknowledge commits before they are on its disk. */
async function flushCommits(connection: DatabaseConnection): Promise<void> {
  await connection.executeQuery(
    CompiledQuery.raw(
      "select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'",
    ),
  );
}
