/** The ledger in a database. */
import { createHash } from 'node:crypto';
import type { Transaction } from 'kysely';
import type { Database } from '../database.ts';
import { GroupCommit } from '../group-commit.ts';
import type { EventFilter, Ledger, LedgerCheck, LedgerDigest, LedgerHead, ReadOptions } from '../ledger.ts';
import type { LedgerEvent, NewEvent } from '../ledger-event.ts';
import type { Tables } from '../tables.ts';
import { appendEvents, type Submission } from './append-events.ts';
import { checkEvents } from './check-event.ts';
import { genesisHash, prepareEvent } from './event-row.ts';
import { getEvent } from './get-event.ts';
import { bounded, eventPages, readEvents, selectEvents, summarised } from './select-events.ts';
import { type LedgerSummary, Summary } from './summarise.ts';
import { verifyLedger } from './verify-ledger.ts';

export class DatabaseLedger implements Ledger {
  private readonly database: Database;
  private readonly commits: GroupCommit<Submission, LedgerEvent[]>;

  constructor(database: Database) {
    this.database = database;
    this.commits = new GroupCommit(
      database,
      (transaction, submissions) => appendEvents(database, transaction, submissions),
      (submission) => submission.length,
    );
  }

  append(event: NewEvent): Promise<LedgerEvent>;
  append(events: readonly NewEvent[]): Promise<LedgerEvent[]>;
  async append(given: NewEvent | readonly NewEvent[]): Promise<LedgerEvent | LedgerEvent[]> {
    const events = isList(given) ? given : [given];
    checkEvents(events);
    const stored = events.length === 0 ? [] : await this.commits.submit(events.map(prepareEvent));
    return isList(given) ? stored : stored[0];
  }

  read(filter: EventFilter & ReadOptions = {}): AsyncIterable<LedgerEvent> {
    return { [Symbol.asyncIterator]: () => readEvents(this.database, filter) };
  }

  get(id: string): Promise<LedgerEvent | null> {
    return getEvent(this.database, 'id', id);
  }

  async history(id: string): Promise<LedgerEvent[]> {
    let event = await this.get(id);
    while (event?.supersedes !== undefined) event = await this.get(event.supersedes);
    const events: LedgerEvent[] = [];
    for (; event !== null; event = await getEvent(this.database, 'supersedes', event.id)) events.push(event);
    return events;
  }

  async count(filter: EventFilter = {}): Promise<number> {
    const within = await bounded(this.database, filter);
    const row = await this.database.read((db) =>
      selectEvents(db, within)
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow(),
    );
    return row.count;
  }

  async head(): Promise<LedgerHead> {
    const last = await this.database.read((db) =>
      db
        .selectFrom('ledger_event')
        .select(['seq as count', 'hash'])
        .orderBy('seq', 'desc')
        .limit(1)
        .executeTakeFirst(),
    );
    return last ?? { count: 0, hash: genesisHash };
  }

  async digest(filter: EventFilter = {}): Promise<LedgerDigest> {
    return (await this.describe(filter)).digest;
  }

  async describe(
    filter: EventFilter = {},
  ): Promise<{ readonly digest: LedgerDigest; readonly summary: LedgerSummary }> {
    const head = await this.headAt(filter.until);
    const hash = createHash('sha256');
    const summary = new Summary();
    let [events, firstEvent, lastEvent] = [0, null as string | null, null as string | null];
    const within = { ...filter, until: head.count };
    for await (const rows of eventPages(this.database, within, summarised)) {
      hash.update(rows.map((row) => `${row.hash}\n`).join(''));
      for (const row of rows) summary.add(row);
      events += rows.length;
      firstEvent ??= rows[0]?.hash ?? null;
      lastEvent = rows.at(-1)?.hash ?? lastEvent;
    }
    const digest = { events, hash: `sha256:${hash.digest('hex')}`, firstEvent, lastEvent, head };
    return { digest, summary: summary.result() };
  }

  verify(expected: readonly LedgerHead[] = []): Promise<LedgerCheck> {
    return verifyLedger(this.database, expected);
  }

  /** Waits for what is being appended. */
  settled(): Promise<void> {
    return this.commits.settled();
  }

  /** The head as it was when the ledger had this many events; the present one where it has fewer. */
  private async headAt(count: number | undefined): Promise<LedgerHead> {
    if (count === undefined) return this.head();
    const row = await this.database.read((db) =>
      db
        .selectFrom('ledger_event')
        .select(['seq as count', 'hash'])
        .where('seq', '=', count)
        .executeTakeFirst(),
    );
    return row ?? this.head();
  }
}

/** Appends in a transaction that does other things too. What is refused is thrown, and undoes all of it. */
export function ledgerWithin(
  database: Database,
  transaction: Transaction<Tables>,
): Pick<Ledger, 'append' | 'get'> {
  function append(event: NewEvent): Promise<LedgerEvent>;
  function append(events: readonly NewEvent[]): Promise<LedgerEvent[]>;
  async function append(given: NewEvent | readonly NewEvent[]): Promise<LedgerEvent | LedgerEvent[]> {
    const events = isList(given) ? given : [given];
    checkEvents(events);
    const [outcome] = await appendEvents(database, transaction, [events.map(prepareEvent)]);
    if ('refusal' in outcome) throw outcome.refusal;
    return isList(given) ? outcome.answer : outcome.answer[0];
  }
  return { append, get: (id) => getEvent(database, 'id', id) };
}

function isList(given: NewEvent | readonly NewEvent[]): given is readonly NewEvent[] {
  return Array.isArray(given);
}
