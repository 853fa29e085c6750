/** Puts events at the end of the chain, within a transaction. */
import type { Transaction } from 'kysely';
import { TenetError } from '../../base/index.ts';
import type { Database } from '../database.ts';
import type { Outcome } from '../group-commit.ts';
import type { Item, LedgerEvent } from '../ledger-event.ts';
import type { LedgerEventTable, Tables } from '../tables.ts';
import { eventHash, genesisHash, type PreparedEvent, toEvent } from './event-row.ts';
import { lastPlace, selectEvents, whole } from './select-events.ts';

/** Events that are appended all or none. */
export type Submission = readonly PreparedEvent[];

/** Rows per statement; SQLite allows 32,766 parameters in one. */
const rowsPerStatement = 500;

/** Appends submissions in order. One that is refused leaves the others as they are. */
export async function appendEvents(
  database: Database,
  transaction: Transaction<Tables>,
  submissions: readonly Submission[],
): Promise<Outcome<LedgerEvent[]>[]> {
  // Step 1. From here to the end of the transaction nobody else appends.
  await database.lock(transaction, 'ledger');
  const last = await transaction
    .selectFrom('ledger_event')
    .select(['seq', 'hash'])
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst();

  // Step 2. Sort out what is stored already, and what must be refused.
  const plan = new AppendPlan(
    await storedEvents(transaction, submissions),
    last ?? { seq: 0, hash: genesisHash },
  );
  const outcomes = submissions.map((submission): Outcome<LedgerEvent[]> => {
    try {
      return { answer: plan.add(submission) };
    } catch (refusal) {
      if (TenetError.is(refusal)) return { refusal };
      throw refusal;
    }
  });

  // Step 3. Write.
  const items = plan.items();
  for (let i = 0; i < items.length; i += rowsPerStatement) {
    await transaction
      .insertInto('ledger_item')
      .values(items.slice(i, i + rowsPerStatement))
      .onConflict((conflict) => conflict.column('hash').doNothing())
      .execute();
  }
  for (let i = 0; i < plan.rows.length; i += rowsPerStatement) {
    await transaction
      .insertInto('ledger_event')
      .values(plan.rows.slice(i, i + rowsPerStatement))
      .execute();
  }
  return outcomes;
}

/** An event that is in the ledger or about to be. */
interface KnownEvent {
  readonly content: string;
  readonly itemHash: string | null;
  /** For the answer. */
  readonly event: LedgerEvent;
  supersededBy: string | null;
}

/** Works out rows from submissions; nothing of a refused submission stays. */
class AppendPlan {
  readonly rows: LedgerEventTable[] = [];
  /** Of the items that submissions brought, by hash; also of refused ones. */
  private readonly itemContents = new Map<string, string>();
  private readonly known: Map<string, KnownEvent>;
  private readonly recordedAt = Date.now();
  private last: { readonly seq: number; readonly hash: string };

  constructor(known: Map<string, KnownEvent>, last: { seq: number; hash: string }) {
    this.known = known;
    this.last = last;
  }

  add(submission: Submission): LedgerEvent[] {
    const before = { last: this.last, rows: this.rows.length };
    try {
      return submission.map((prepared) => this.addEvent(prepared));
    } catch (error) {
      // The newest first, since events of a submission may supersede each other.
      for (const { id, supersedes } of this.rows.splice(before.rows).reverse()) {
        this.known.delete(id);
        if (supersedes !== null) this.known.get(supersedes)!.supersededBy = null;
      }
      this.last = before.last;
      throw error;
    }
  }

  /** What the rows are about, each once. */
  items(): { readonly hash: string; readonly content: string }[] {
    const hashes = new Set(this.rows.flatMap(({ item_hash }) => item_hash ?? []));
    return [...hashes].map((hash) => ({ hash, content: this.itemContents.get(hash)! }));
  }

  private addEvent(prepared: PreparedEvent): LedgerEvent {
    const { id, content, columns, item } = prepared;
    const stored = this.known.get(id);
    if (stored?.content === content) return { ...stored.event, supersededBy: stored.supersededBy };
    if (stored) {
      throw new TenetError(
        'store',
        `the ledger already has an event ${id} with other content, and nothing in it can be changed; append the ` +
          `correction under a new id with supersedes: "${id}".`,
        { details: { id, seq: stored.event.seq } },
      );
    }
    this.checkReferences(prepared);
    const place = {
      seq: this.last.seq + 1,
      id,
      recorded_at: this.recordedAt,
      previous_hash: this.last.hash,
      content,
    };
    const row: LedgerEventTable = { ...place, hash: eventHash(place), ...columns };
    const event = toEvent({ ...row, superseded_by: null }, item && (JSON.parse(item.content) as Item));
    this.rows.push(row);
    this.last = row;
    this.known.set(id, { content, itemHash: columns.item_hash, event, supersededBy: null });
    if (columns.supersedes !== null) this.known.get(columns.supersedes)!.supersededBy = id;
    if (item) this.itemContents.set(item.hash, item.content);
    return event;
  }

  private checkReferences({ id, columns, references }: PreparedEvent): void {
    const unknown = references.find((reference) => !this.known.has(reference));
    if (unknown !== undefined) {
      throw new TenetError(
        'store',
        `event ${id} builds on event ${unknown}, which is not in the ledger; append that first.`,
      );
    }
    const { supersedes } = columns;
    if (supersedes === null) return;
    const target = this.known.get(supersedes);
    if (!target) {
      throw new TenetError(
        'store',
        `event ${id} supersedes event ${supersedes}, which is not in the ledger.`,
      );
    }
    if (target.supersededBy !== null) {
      throw new TenetError(
        'store',
        `event ${id} supersedes event ${supersedes}, which event ${target.supersededBy} has superseded already; look at ` +
          'that one, and supersede it instead.',
        { details: { id, supersedes, supersededBy: target.supersededBy } },
      );
    }
    if (columns.item_hash !== null && target.itemHash !== null && columns.item_hash !== target.itemHash) {
      throw new TenetError(
        'store',
        `event ${id} supersedes event ${supersedes}, which is about other responses or another prompt; a correction ` +
          'judges the same item.',
      );
    }
  }
}

/** The stored events that the submissions repeat, refer to or supersede, by id. */
async function storedEvents(
  transaction: Transaction<Tables>,
  submissions: readonly Submission[],
): Promise<Map<string, KnownEvent>> {
  const ids = new Set<string>();
  for (const { id, columns, references } of submissions.flat()) {
    for (const known of [id, columns.supersedes, ...references]) if (known !== null) ids.add(known);
  }
  const known = new Map<string, KnownEvent>();
  const all = [...ids];
  for (let i = 0; i < all.length; i += rowsPerStatement) {
    const some = all.slice(i, i + rowsPerStatement);
    const rows = await whole(selectEvents(transaction, { until: lastPlace }), lastPlace)
      .where('event.id', 'in', some)
      .execute();
    for (const row of rows) {
      known.set(row.id, {
        content: row.content,
        itemHash: row.item_hash,
        event: toEvent(row, row.item === null ? null : (JSON.parse(row.item) as Item)),
        supersededBy: row.superseded_by,
      });
    }
  }
  return known;
}
