/** What a server remembers between starts. */
import { randomBytes } from 'node:crypto';
import type { Database } from '../../store/index.ts';

/**
 * The secret that signs cookies: from TENET_SECRET, else one made at the first start and kept in the store, so that
 * people stay signed in when the server is started again.
 */
export async function serverSecret(database: Database): Promise<string> {
  const given = process.env.TENET_SECRET?.trim();
  if (given) return given;
  const fresh = JSON.stringify(randomBytes(32).toString('base64url'));
  const name = 'cookie-secret';
  return database.write(async (transaction) => {
    await transaction
      .insertInto('setting')
      .values({ name, value: fresh })
      .onConflict((conflict) => conflict.column('name').doNothing())
      .execute();
    const row = await transaction
      .selectFrom('setting')
      .select('value')
      .where('name', '=', name)
      .executeTakeFirstOrThrow();
    return JSON.parse(row.value) as string;
  });
}
