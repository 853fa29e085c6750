/** Events as rows and back. The canonical content is hashed; columns and texts of the row follow from it. */
import { randomUUID } from 'node:crypto';
import { canonicalJson, hashOf } from '../../base/index.ts';
import type { EventContent, Item, LedgerEvent, NewEvent } from '../ledger-event.ts';
import type { LedgerEventTable } from '../tables.ts';

/** The hash that the first event follows. */
export const genesisHash = `sha256:${'0'.repeat(64)}`;

/** An event that is ready to take its place in the chain. */
export interface PreparedEvent {
  readonly id: string;
  readonly content: string;
  readonly columns: EventColumns;
  readonly item: { readonly hash: string; readonly content: string } | null;
  /** As given, for the answer. */
  readonly event: EventContent;
  /** Ids of other events that must be in the ledger. */
  readonly references: readonly string[];
}

/** What queries select events by. */
export type EventColumns = Omit<
  LedgerEventTable,
  'seq' | 'id' | 'content' | 'recorded_at' | 'previous_hash' | 'hash'
>;

export function prepareEvent(newEvent: NewEvent): PreparedEvent {
  const { id = randomUUID(), ...event } = newEvent;
  const itemContent = event.item && canonicalJson(event.item);
  const itemHash = itemContent === undefined ? undefined : hashOf(itemContent);
  const content = canonicalJson({ ...event, item: itemHash });
  return {
    id,
    content,
    columns: columnsOf({ ...event, item: itemHash }, event.item ?? null),
    item: itemContent === undefined ? null : { hash: itemHash!, content: itemContent },
    event,
    references: [
      ...(event.basedOn ?? []),
      ...(event.suggestion?.eventId === undefined ? [] : [event.suggestion.eventId]),
    ],
  };
}

/** Content as stored: the item by its hash. */
export type StoredContent = Omit<EventContent, 'item'> & { readonly item?: string };

/** The columns that belong to a content. @param item what the content's item hash stands for */
export function columnsOf(content: StoredContent, item: Item | null): EventColumns {
  return {
    kind: content.kind,
    judge_kind: content.judge.kind,
    judge_id: content.judge.id,
    judge_group: content.judge.group ?? null,
    project: content.project ?? null,
    task_id: content.taskId ?? null,
    run_id: content.runId ?? null,
    item_hash: content.item ?? null,
    prompt_hash: item === null ? null : hashOf(canonicalJson(item.prompt)),
    constitution_hash: content.constitution?.hash ?? null,
    principles: content.principles?.length ? ` ${content.principles.join(' ')} ` : null,
    supersedes: content.supersedes ?? null,
  };
}

/** The hash of an event in its place. Ids hold no line ends, so no two events are written alike. */
export function eventHash(
  row: Pick<LedgerEventTable, 'seq' | 'id' | 'recorded_at' | 'previous_hash' | 'content'>,
): string {
  return hashOf(
    `tenet ledger 1\n${row.seq}\n${row.id}\n${row.recorded_at}\n${row.previous_hash}\n${row.content}`,
  );
}

/** What is read to make an event of a row. */
export interface EventRow {
  readonly seq: number;
  readonly id: string;
  readonly content: string;
  readonly recorded_at: number;
  readonly hash: string;
  readonly item_hash: string | null;
  readonly prompt_hash: string | null;
  readonly superseded_by: string | null;
}

export function toEvent(row: EventRow, item: Item | null): LedgerEvent {
  // Filled in where it is: copying every event doubles what reading many takes.
  const event = JSON.parse(row.content) as { -readonly [key in keyof LedgerEvent]: LedgerEvent[key] };
  if (item !== null) event.item = item;
  else if ('item' in event) delete event.item;
  event.id = row.id;
  event.seq = row.seq;
  event.recordedAt = row.recorded_at;
  event.hash = row.hash;
  event.itemHash = row.item_hash;
  event.promptHash = row.prompt_hash;
  event.supersededBy = row.superseded_by;
  return event;
}
