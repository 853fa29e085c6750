/** The tables as Kysely sees them; `migrations/` makes them. Times are milliseconds since 1970. */
import type { Generated } from 'kysely';

/** Append-only. What is queried stands in columns of its own; `content` is what was appended, and is what counts. */
export interface LedgerEventTable {
  seq: number;
  id: string;
  /** Canonical JSON of the event's content, with the item's hash in place of the item. */
  content: string;
  recorded_at: number;
  previous_hash: string;
  hash: string;

  // Taken from the content, for queries.
  kind: string;
  judge_kind: string;
  judge_id: string;
  judge_group: string | null;
  project: string | null;
  task_id: string | null;
  run_id: string | null;
  item_hash: string | null;
  prompt_hash: string | null;
  constitution_hash: string | null;
  /** Each id between spaces, ` honesty no-harm `; null for none. */
  principles: string | null;
  supersedes: string | null;
}

/** Append-only. Each item once, under the hash of its content. */
export interface LedgerItemTable {
  hash: string;
  /** Canonical JSON of the item. */
  content: string;
}

export interface ModelCallTable {
  key: string;
  /** JSON. */
  answer: string;
  model: string;
  cost_usd: number | null;
  input_tokens: number;
  output_tokens: number;
  latency_ms: number;
  created_at: number;
}

export interface WorkItemTable {
  /** Order in which items were added, over all queues. */
  position: Generated<number>;
  queue: string;
  id: string;
  /** JSON. */
  payload: string;
  priority: number;
  group_key: string | null;
  audience: string | null;
  status: 'waiting' | 'leased' | 'done' | 'failed';
  available_at: number;
  attempts: number;
  /** Null: no limit. */
  max_attempts: number | null;
  owner: string | null;
  /** Of the newest lease, until it is given back or failed. */
  token: string | null;
  lease_expires_at: number | null;
  /** JSON. */
  result: string | null;
  error: string | null;
}

export interface LabelTaskTable {
  /** Order in which tasks were added. */
  position: Generated<number>;
  id: string;
  project: string;
  /** JSON. */
  content: string;
  created_at: number;
}

export interface LabelDraftTable {
  /** Of the task and of the annotator. */
  id: string;
  /** JSON. */
  content: string;
  saved_at: number;
}

export interface Tables {
  ledger_event: LedgerEventTable;
  ledger_item: LedgerItemTable;
  model_call: ModelCallTable;
  work_item: WorkItemTable;
  label_task: LabelTaskTable;
  label_draft: LabelDraftTable;
}
