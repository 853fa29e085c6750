/** Selects events: conditions, order, and pages that stay consistent while others append. */
import { type ExpressionBuilder, type Kysely, type SelectQueryBuilder, sql } from 'kysely';
import type { Database } from '../database.ts';
import type { EventFilter, ReadOptions } from '../ledger.ts';
import type { Item, LedgerEvent } from '../ledger-event.ts';
import type { LedgerEventTable, Tables } from '../tables.ts';
import { type EventRow, toEvent } from './event-row.ts';
import type { SummarisedRow } from './summarise.ts';

const eventsPerPage = 1000;
/** No event stands after this place: the column holds 32 bits. */
export const lastPlace: number = 2 ** 31 - 1;

/** A filter that says up to where it looks. */
export type BoundedFilter = EventFilter & { readonly until: number };

/** The tables, with the one selected from under its short name. */
type WithEvent = Tables & { event: LedgerEventTable };

/** The filter, as of the ledger's last event where it names no end itself. */
export async function bounded(database: Database, filter: EventFilter): Promise<BoundedFilter> {
  const { until } = filter;
  if (until !== undefined) return { ...filter, until: Math.min(until, lastPlace) };
  const last = await database.read((db) =>
    db
      .selectFrom('ledger_event')
      .select(({ fn }) => fn.max('seq').as('seq'))
      .executeTakeFirst(),
  );
  return { ...filter, until: last?.seq ?? 0 };
}

/** The events that a filter selects, without order. */
export function selectEvents(
  db: Kysely<Tables>,
  filter: BoundedFilter,
): SelectQueryBuilder<WithEvent, 'event', object> {
  const { until, after = 0, kinds, principle } = filter;
  let query = db
    .selectFrom('ledger_event as event')
    .where('event.seq', '<=', until)
    .where('event.seq', '>', after)
    .$if(filter.current === true, (all) =>
      all
        .where('event.kind', '<>', 'withdrawal')
        .where(({ not, exists, ...eb }) => not(exists(supersedingEvent(eb, until)))),
    )
    .$if(kinds !== undefined, (all) =>
      kinds!.length > 0 ? all.where('event.kind', 'in', kinds!) : all.where(sql<boolean>`1 = 0`),
    )
    .$if(principle !== undefined, (all) =>
      // LIKE would ignore case on SQLite, and take % and _ in ids for wildcards.
      all.where(sql<boolean>`replace(event.principles, ${` ${principle} `}, '') <> event.principles`),
    );
  for (const [name, column] of equalities) {
    const value = filter[name];
    if (value !== undefined) query = query.where(column, '=', value);
  }
  return query;
}

const equalities = [
  ['project', 'event.project'],
  ['taskId', 'event.task_id'],
  ['runId', 'event.run_id'],
  ['itemHash', 'event.item_hash'],
  ['promptHash', 'event.prompt_hash'],
  ['judgeKind', 'event.judge_kind'],
  ['judgeId', 'event.judge_id'],
  ['judgeGroup', 'event.judge_group'],
  ['constitutionHash', 'event.constitution_hash'],
] as const;

/**
 * Adds what makes an event of a row. Item and correction are looked up for the rows of the page alone: in a join,
 * PostgreSQL looks them up for all rows before it counts off the page.
 */
export function whole(
  query: SelectQueryBuilder<WithEvent, 'event', object>,
  until: number,
  { items = true, current = false }: Pick<EventFilter & ReadOptions, 'items' | 'current'> = {},
): SelectQueryBuilder<WithEvent, 'event', EventRow & { readonly item: string | null }> {
  return query
    .select(['event.seq', 'event.id', 'event.content', 'event.recorded_at', 'event.hash'])
    .select(['event.item_hash', 'event.prompt_hash'])
    .select((eb) => [
      items
        ? eb
            .selectFrom('ledger_item')
            .select('ledger_item.content')
            .whereRef('ledger_item.hash', '=', 'event.item_hash')
            .as('item')
        : sql<null>`null`.as('item'),
      // What stands has none.
      current ? sql<null>`null`.as('superseded_by') : supersedingEvent(eb, until).as('superseded_by'),
    ]);
}

/** Adds what a selection is named and counted by. Contents are read only of events whose constitution has a version. */
export function summarised(
  query: SelectQueryBuilder<WithEvent, 'event', object>,
): SelectQueryBuilder<WithEvent, 'event', SummarisedRow> {
  return query
    .select(['event.seq', 'event.hash', 'event.kind', 'event.judge_kind', 'event.judge_id'])
    .select('event.principles')
    .select(({ eb, ref }) =>
      eb
        .case()
        .when('event.constitution_hash', 'is not', null)
        .then(ref('event.content'))
        .else(null)
        .end()
        .as('content'),
    );
}

/** A correction counts from where it stands: what is read up to a place is what one would have read then. */
function supersedingEvent(eb: Pick<ExpressionBuilder<WithEvent, 'event'>, 'selectFrom'>, until: number) {
  return eb
    .selectFrom('ledger_event as later')
    .select('later.id')
    .whereRef('later.supersedes', '=', 'event.id')
    .where('later.seq', '<=', until);
}

/** Reads the selected events in the filter's order. */
export async function* readEvents(
  database: Database,
  filter: EventFilter & ReadOptions,
): AsyncGenerator<LedgerEvent, void, undefined> {
  const asOf = await bounded(database, filter);
  // Many events of a page are about one item, and those of the next page about some of the same.
  let items: ReadonlyMap<string | null, Item> = new Map();
  const select = (query: SelectQueryBuilder<WithEvent, 'event', object>) =>
    whole(query, asOf.until, { items: false, current: filter.current });
  for await (const rows of eventPages(database, asOf, select)) {
    if (filter.items !== false) items = await itemsOf(database, rows, items);
    for (const row of rows) yield toEvent(row, items.get(row.item_hash) ?? null);
  }
}

/** The items of a page, by hash. @param known those of the page before */
async function itemsOf(
  database: Database,
  rows: readonly EventRow[],
  known: ReadonlyMap<string | null, Item>,
): Promise<Map<string | null, Item>> {
  const hashes = new Set(rows.flatMap(({ item_hash }) => (item_hash === null ? [] : [item_hash])));
  const missing = [...hashes].filter((hash) => !known.has(hash));
  const items = new Map<string | null, Item>();
  for (const hash of hashes) if (known.has(hash)) items.set(hash, known.get(hash)!);
  if (missing.length === 0) return items;
  const found = await database.read((db) =>
    db.selectFrom('ledger_item').select(['hash', 'content']).where('hash', 'in', missing).execute(),
  );
  for (const { hash, content } of found) items.set(hash, JSON.parse(content) as Item);
  return items;
}

/**
 * Reads columns of the selected events page by page.
 *
 * Each page looks at a window of places only, wider where few events were found. Without one, PostgreSQL sorts all
 * that is left before it counts off the page, as long as it has no statistics of a table that has grown fast.
 */
export async function* eventPages<Row extends { readonly seq: number }>(
  database: Database,
  filter: BoundedFilter & ReadOptions,
  select: (
    query: SelectQueryBuilder<WithEvent, 'event', object>,
  ) => SelectQueryBuilder<WithEvent, 'event', Row>,
): AsyncGenerator<readonly Row[], void, undefined> {
  const { limit = Number.POSITIVE_INFINITY, newestFirst = false } = filter;
  let [first, last] = [(filter.after ?? 0) + 1, filter.until];
  let window = eventsPerPage;
  for (let left = limit; left > 0 && first <= last; ) {
    const low = newestFirst ? Math.max(first, last - window + 1) : first;
    const high = newestFirst ? last : Math.min(last, first + window - 1);
    const size = Math.min(left, eventsPerPage);
    const rows = await database.read((db) =>
      select(selectEvents(db, { ...filter, after: low - 1 }).where('event.seq', '<=', high))
        .orderBy('event.seq', newestFirst ? 'desc' : 'asc')
        .limit(size)
        .execute(),
    );
    yield rows;
    left -= rows.length;
    const isFull = rows.length === size;
    if (newestFirst) last = (isFull ? rows.at(-1)!.seq : low) - 1;
    else first = (isFull ? rows.at(-1)!.seq : high) + 1;
    if (rows.length < size / 4) window *= 4;
  }
}
