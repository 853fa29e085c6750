/** Brings a database's tables up to date. */
import { Migrator, sql } from 'kysely';
import { TenetError } from '../base/index.ts';
import type { Database } from './database.ts';
import { migrationsFor } from './migrations/index.ts';
import { patiently } from './patience.ts';

/** Lists the migrations that a database has had. */
export const migrationTableName = 'tenet_migration';

/** @throws TenetError('store') when the tables were made by a newer version of Tenet */
export async function migrate(database: Database): Promise<void> {
  const migrations = migrationsFor(database.dialect);
  const migrator = new Migrator({
    db: database.db,
    provider: { getMigrations: () => Promise.resolve(migrations) },
    migrationTableName,
    migrationLockTableName: 'tenet_migration_lock',
    // Without it, Kysely takes another schema's table of this name for its own.
    migrationTableSchema: await currentSchema(database),
  });
  await patiently(database.url, async () => {
    const { error } = await migrator.migrateToLatest();
    if (!error) return;
    const unknown = (await appliedMigrations(database)).filter((name) => !(name in migrations));
    if (unknown.length === 0) throw error;
    throw new TenetError(
      'store',
      `${database.url} was made by a newer version of Tenet (it has ${unknown.join(', ')}); update Tenet to use it.`,
    );
  });
}

/** Names of the tables in the schema that new tables would go to. */
export async function tableNames(database: Database): Promise<string[]> {
  const schema = await currentSchema(database);
  const tables = await database.read((db) => db.introspection.getTables({ withInternalKyselyTables: true }));
  return tables.filter((table) => table.schema === schema).map(({ name }) => name);
}

/** Undefined on SQLite, which has no schemas. */
async function currentSchema(database: Database): Promise<string | undefined> {
  if (database.dialect === 'sqlite') return undefined;
  const query = sql<{ name: string | null }>`select current_schema() as name`;
  const { rows } = await database.read((db) => query.execute(db));
  if (rows[0].name !== null) return rows[0].name;
  throw new TenetError(
    'store',
    `no schema of ${database.url} is in the search path; create one, for example with "create schema public".`,
  );
}

async function appliedMigrations(database: Database): Promise<string[]> {
  if (!(await tableNames(database)).includes(migrationTableName)) return [];
  const query = sql<{ name: string }>`select name from ${sql.table(migrationTableName)}`;
  const { rows } = await database.read((db) => query.execute(db));
  return rows.map(({ name }) => name);
}
