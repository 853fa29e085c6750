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

/** A person who may use the web app. Times are ISO texts on SQLite, dates on PostgreSQL; so better-auth has it. */
export interface PersonTable {
  /** What the ledger calls them. */
  id: string;
  name: string;
  email: string;
  email_verified: number | boolean;
  image: string | null;
  role: string;
  judge_group: string | null;
  /** JSON: audiences of tasks that the person gets, such as languages. */
  audiences: string;
  disabled: number | boolean;
  created_at: string | Date;
  updated_at: string | Date;
}

export interface PersonSessionTable {
  id: string;
  token: string;
  person_id: string;
  expires_at: string | Date;
  ip_address: string | null;
  user_agent: string | null;
  created_at: string | Date;
  updated_at: string | Date;
}

/** A way to sign in: a password, or an account elsewhere. */
export interface PersonLoginTable {
  id: string;
  person_id: string;
  account_id: string;
  provider_id: string;
  access_token: string | null;
  refresh_token: string | null;
  access_token_expires_at: string | Date | null;
  refresh_token_expires_at: string | Date | null;
  scope: string | null;
  id_token: string | null;
  /** argon2id. */
  password: string | null;
  created_at: string | Date;
  updated_at: string | Date;
}

export interface LoginVerificationTable {
  id: string;
  identifier: string;
  value: string;
  expires_at: string | Date;
  created_at: string | Date;
  updated_at: string | Date;
}

export interface InvitationTable {
  id: string;
  token_hash: string;
  role: string;
  judge_group: string | null;
  /** JSON. */
  audiences: string;
  /** Whom it is for, in the words of who made it. */
  note: string | null;
  created_by: string | null;
  created_at: number;
  expires_at: number;
  used_at: number | null;
  used_by: string | null;
}

export interface ApiTokenTable {
  id: string;
  token_hash: string;
  person_id: string;
  name: string;
  /** JSON. */
  permissions: string;
  created_at: number;
  expires_at: number | null;
  last_used_at: number | null;
  revoked_at: number | null;
}

/** What a server has to remember, by name. */
export interface SettingTable {
  name: string;
  /** JSON. */
  value: string;
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
  person: PersonTable;
  person_session: PersonSessionTable;
  person_login: PersonLoginTable;
  login_verification: LoginVerificationTable;
  invitation: InvitationTable;
  api_token: ApiTokenTable;
  setting: SettingTable;
}
