/**
 * Triggers that keep the ledger append-only, whoever holds the connection.
 *
 * They guard against mistakes, not against an owner who drops them; the hash chain finds what was changed then.
 */
import { type Kysely, sql } from 'kysely';
import type { StoreDialect } from '../database.ts';

/** Names of the triggers that must be in place. */
export function guardsOf(dialect: StoreDialect): readonly string[] {
  const events = dialect === 'sqlite' ? ['update', 'delete'] : ['update', 'delete', 'truncate'];
  return [
    ...['ledger_item', 'ledger_event'].flatMap((table) => events.map((event) => `${table}_no_${event}`)),
    ...(dialect === 'sqlite' ? ['ledger_item_no_replace'] : []),
    'ledger_event_in_order',
  ];
}

const refusal = 'the ledger is append-only: append an event that supersedes the old one';
const disorder = 'an event of the ledger must follow the last one';

/** Refuses UPDATE and DELETE on a table; on PostgreSQL TRUNCATE too. */
export async function refuseChanges(
  db: Kysely<unknown>,
  dialect: StoreDialect,
  table: string,
): Promise<void> {
  const triggers = [
    { name: `${table}_no_update`, event: 'update', each: 'row' },
    { name: `${table}_no_delete`, event: 'delete', each: 'row' },
    // SQLite has no TRUNCATE.
    ...(dialect === 'postgres'
      ? [{ name: `${table}_no_truncate`, event: 'truncate', each: 'statement' }]
      : []),
  ];
  if (dialect === 'postgres') {
    await sql`
      create or replace function ledger_refuse_change() returns trigger language plpgsql as
      ${sql.lit(`begin raise exception '${refusal}'; end`)}
    `.execute(db);
  }
  for (const { name, event, each } of triggers) {
    const body =
      dialect === 'sqlite'
        ? sql`begin select raise(abort, ${sql.lit(refusal)}); end`
        : sql`execute function ledger_refuse_change()`;
    await sql`
      create trigger ${sql.ref(name)} before ${sql.raw(event)} on ${sql.table(table)}
      for each ${sql.raw(each)} ${body}
    `.execute(db);
  }
}

/**
 * Refuses an event that does not continue the chain. This also stops SQLite's INSERT OR REPLACE, which removes rows
 * without asking the DELETE trigger.
 */
export async function refuseInsertsOutOfOrder(db: Kysely<unknown>, dialect: StoreDialect): Promise<void> {
  if (dialect === 'sqlite') {
    await sql`
      create trigger ledger_event_in_order before insert on ledger_event
      when new.seq <> 1 + coalesce((select max(seq) from ledger_event), 0)
        or new.previous_hash <> (select hash from ledger_event where seq = new.seq - 1)
        or exists (select 1 from ledger_event where id = new.id or supersedes = new.supersedes)
      begin select raise(abort, ${sql.lit(disorder)}); end
    `.execute(db);
    await sql`
      create trigger ledger_item_no_replace before insert on ledger_item
      when exists (select 1 from ledger_item where hash = new.hash and content <> new.content)
      begin select raise(abort, ${sql.lit(refusal)}); end
    `.execute(db);
    return;
  }
  await sql`
    create function ledger_check_order() returns trigger language plpgsql as ${sql.lit(`
      begin
        if new.seq <> 1 + coalesce((select max(seq) from ledger_event), 0)
          or new.previous_hash <> (select hash from ledger_event where seq = new.seq - 1)
        then raise exception '${disorder}'; end if;
        return new;
      end
    `)}
  `.execute(db);
  await sql`
    create trigger ledger_event_in_order before insert on ledger_event
    for each row execute function ledger_check_order()
  `.execute(db);
}
