/** What a label project remembers besides tasks and labels, by name. */
import type { Database } from '../store/index.ts';

/** Null where nothing of the name was ever written. */
export async function readSetting<T>(database: Database, name: string): Promise<T | null> {
  const row = await database.read((db) =>
    db.selectFrom('setting').select('value').where('name', '=', name).executeTakeFirst(),
  );
  return row ? (JSON.parse(row.value) as T) : null;
}

/** Replaces what was there. */
export async function writeSetting(database: Database, name: string, value: unknown): Promise<void> {
  const row = { value: JSON.stringify(value) };
  await database.write((transaction) =>
    transaction
      .insertInto('setting')
      .values({ name, ...row })
      .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
      .execute(),
  );
}
