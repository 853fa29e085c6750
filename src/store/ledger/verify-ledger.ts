/** Recomputes the chain, and says where it breaks first. */
import { sql } from 'kysely';
import { canonicalJson, hashOf } from '../../base/index.ts';
import type { Database } from '../database.ts';
import type { LedgerCheck, LedgerHead } from '../ledger.ts';
import type { Item } from '../ledger-event.ts';
import { guardsOf } from '../migrations/append-only.ts';
import type { LedgerEventTable } from '../tables.ts';
import { columnsOf, eventHash, genesisHash, type StoredContent } from './event-row.ts';

const eventsPerPage = 1000;

/** An event with its item's content as stored. */
type CheckedRow = LedgerEventTable & { readonly item: string | null };

/**
 * Checks every event against its hash, its predecessor, its item and its columns.
 * @param expected heads noted earlier, which the ledger must still contain
 */
export async function verifyLedger(
  database: Database,
  expected: readonly LedgerHead[],
): Promise<LedgerCheck> {
  const superseded = new Map<string, number>();
  const noted = new Map<number, Set<string>>();
  for (const { count, hash } of expected) noted.set(count, (noted.get(count) ?? new Set()).add(hash));
  let last: { seq: number; hash: string } = { seq: 0, hash: genesisHash };
  for await (const row of allRows(database)) {
    if (row.seq !== last.seq + 1) {
      return broken(last.seq + 1, null, `it is missing: the next one is event ${row.seq}`);
    }
    const isWhole = eventHash(row) === row.hash;
    if (row.previous_hash !== last.hash && isWhole && last.seq > 0) {
      return broken(
        last.seq,
        null,
        `it was replaced and its hash computed anew: event ${row.seq} follows an event with another hash (${row.previous_hash})`,
      );
    }
    const problem =
      (row.previous_hash !== last.hash && 'its previous_hash is not the hash of the event before it') ||
      (!isWhole && 'its content, id, time or hash was changed: they do not belong together') ||
      problemOfItem(row) ||
      problemOfColumns(row) ||
      (row.supersedes !== null &&
        superseded.has(row.supersedes) &&
        `it supersedes event ${row.supersedes} a second time, after event ${superseded.get(row.supersedes)}`);
    if (problem) return broken(row.seq, row.id, problem);
    if (row.supersedes !== null) superseded.set(row.supersedes, row.seq);
    last = row;
    const hashes = noted.get(row.seq);
    const other = hashes && [...hashes].find((hash) => hash !== row.hash);
    if (other !== undefined) {
      return broken(
        row.seq,
        row.id,
        `its hash is ${row.hash}, and ${other} was noted earlier: the chain was written anew from some event up to this one`,
      );
    }
  }
  const cut = expected.find(({ count }) => count > last.seq);
  if (cut) {
    return broken(
      last.seq + 1,
      null,
      `it is missing: the ledger ends with event ${last.seq}, and had ${cut.count} events when its head was noted`,
    );
  }
  return {
    ok: true,
    head: { count: last.seq, hash: last.hash },
    missingGuards: await missingGuards(database),
  };
}

function broken(seq: number, id: string | null, reason: string): LedgerCheck {
  return { ok: false, intact: seq - 1, seq, id, reason };
}

function problemOfItem({ item, item_hash }: CheckedRow): string | null {
  if (item_hash === null) return null;
  if (item === null) return `its item ${item_hash} is missing`;
  return hashOf(item) === item_hash
    ? null
    : `the text of its item was changed: it hashes to ${hashOf(item)}, not to ${item_hash}`;
}

/** The columns are not hashed: they must be those that the content has. */
function problemOfColumns(row: CheckedRow): string | null {
  const content = parse(row.content);
  if (content === null || canonicalJson(content) !== row.content) return 'its content is not canonical JSON';
  const item = row.item === null ? null : (JSON.parse(row.item) as Item);
  for (const [name, value] of Object.entries(columnsOf(content, item))) {
    const stored = row[name as keyof CheckedRow];
    if (stored !== value)
      return `its column ${name} was changed to ${JSON.stringify(stored)}: the content says ${JSON.stringify(value)}`;
  }
  return null;
}

function parse(content: string): StoredContent | null {
  try {
    return JSON.parse(content) as StoredContent;
  } catch {
    return null;
  }
}

async function* allRows(database: Database): AsyncGenerator<CheckedRow, void, undefined> {
  const smallest = -(2 ** 31); // a forged event may stand before the first
  for (let from = smallest; ; ) {
    const rows: CheckedRow[] = await database.read((db) =>
      db
        .selectFrom('ledger_event as event')
        .leftJoin('ledger_item as item', 'item.hash', 'event.item_hash')
        .where('seq', '>=', from)
        .orderBy('seq')
        .limit(eventsPerPage)
        .selectAll('event')
        .select('item.content as item')
        .execute(),
    );
    yield* rows;
    if (rows.length < eventsPerPage) return;
    from = rows.at(-1)!.seq + 1;
  }
}

/** Triggers that should refuse changes and are not there, or are switched off. */
async function missingGuards(database: Database): Promise<string[]> {
  const query =
    database.dialect === 'sqlite'
      ? sql<{ name: string }>`select name from sqlite_master where type = 'trigger'`
      : sql<{ name: string }>`
          select tgname as name from pg_trigger
          where tgenabled in ('O', 'A') and tgrelid in ('ledger_event'::regclass, 'ledger_item'::regclass)`;
  const { rows } = await database.read((db) => query.execute(db));
  const present = new Set(rows.map(({ name }) => name));
  return guardsOf(database.dialect).filter((name) => !present.has(name));
}
