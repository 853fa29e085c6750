/** Reads single events. */
import type { Database } from '../database.ts';
import type { Item, LedgerEvent } from '../ledger-event.ts';
import { toEvent } from './event-row.ts';
import { lastPlace, selectEvents, whole } from './select-events.ts';

/** The event with this id, or the one that supersedes it; null when there is none. */
export async function getEvent(
  database: Database,
  by: 'id' | 'supersedes',
  id: string,
): Promise<LedgerEvent | null> {
  const row = await database.read((db) =>
    whole(selectEvents(db, { until: lastPlace }), lastPlace)
      .where(`event.${by}`, '=', id)
      .executeTakeFirst(),
  );
  return row ? toEvent(row, row.item === null ? null : (JSON.parse(row.item) as Item)) : null;
}
