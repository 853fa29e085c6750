/**
 * Message trees as OpenAssistant publishes them (oasst1, oasst2): whole trees in JSON Lines, or one message to a row in
 * JSON Lines or Parquet. Köpf et al. 2023, arXiv:2304.07327.
 */
import type { RawRow } from './raw-row.ts';

/** A message with the replies to it. */
export interface TreeMessage {
  readonly id: string;
  readonly text: string;
  readonly role: 'prompter' | 'assistant';
  readonly lang: string;
  readonly deleted: boolean;
  /** Whether reviewers accepted it; null: not reviewed. */
  readonly accepted: boolean | null;
  readonly synthetic: boolean;
  /** Place among its siblings by people's ranking, 0 = best; null: not ranked. */
  readonly rank: number | null;
  /** Mean of people's ratings in [0, 1] by label, such as quality, toxicity, spam. */
  readonly labels: Readonly<Record<string, number>>;
  readonly replies: TreeMessage[];
}

export interface MessageTree {
  /** `ready_for_export` for a finished tree; others are growing, halted or spam. */
  readonly state: string;
  readonly prompt: TreeMessage;
}

/** A tree and where it begins in its file, or why there is none. */
export type TreeRow = { readonly line: number } & (
  | { readonly tree: MessageTree }
  | { readonly error: string; readonly value?: unknown }
);

type Fields = Readonly<Record<string, unknown>>;

/** True for a row that holds a tree or a message of one. */
export function isTreeRow(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const row = value as Fields;
  return typeof row.message_tree_id === 'string' && (isWhole(row) || typeof row.message_id === 'string');
}

function isWhole(row: Fields): boolean {
  return typeof row.prompt === 'object' && row.prompt !== null;
}

/** Puts rows together to trees. The messages of a tree must follow each other, in any order; one tree is in memory. */
export async function* readTrees(rows: AsyncIterable<RawRow>): AsyncGenerator<TreeRow, void, undefined> {
  let id: unknown;
  let messages: { readonly line: number; readonly row: Fields }[] = [];
  for await (const { line, value, error } of rows) {
    if (error !== undefined || !isTreeRow(value)) {
      yield { line, value, error: error ?? 'is neither a message tree nor a message of one' };
      continue;
    }
    const row = value as Fields;
    if (row.message_tree_id !== id) {
      yield* treeOf(messages);
      messages = [];
      id = row.message_tree_id;
    }
    if (isWhole(row)) {
      yield wholeTree(line, row);
    } else messages.push({ line, row });
  }
  yield* treeOf(messages);
}

function wholeTree(line: number, row: Fields): TreeRow {
  try {
    return { line, tree: { state: String(row.tree_state ?? ''), prompt: nested(row.prompt as Fields) } };
  } catch (error) {
    return { line, error: (error as Error).message, value: row };
  }
}

function nested(row: Fields): TreeMessage {
  const message = messageOf(row);
  const replies = Array.isArray(row.replies) ? (row.replies as Fields[]) : [];
  message.replies.push(...replies.map(nested));
  return message;
}

/** The tree of messages that name their parents; every message whose parent is missing is an error of its own. */
function* treeOf(rows: readonly { readonly line: number; readonly row: Fields }[]): Generator<TreeRow> {
  if (rows.length === 0) return;
  const messages = new Map<string, TreeMessage>();
  const good: { readonly line: number; readonly row: Fields; readonly message: TreeMessage }[] = [];
  for (const { line, row } of rows) {
    try {
      const message = messageOf(row);
      messages.set(message.id, message);
      good.push({ line, row, message });
    } catch (error) {
      yield { line, error: (error as Error).message, value: row };
    }
  }
  const roots: TreeRow[] = [];
  for (const { line, row, message } of good) {
    const parent = row.parent_id;
    if (parent === null || parent === undefined) {
      roots.push({ line, tree: { state: String(row.tree_state ?? ''), prompt: message } });
    } else if (messages.has(String(parent))) {
      messages.get(String(parent))!.replies.push(message);
    } else {
      const error = `answers message ${String(parent)}, which is not among the rows of its tree beside it; sort the file by message_tree_id`;
      yield { line, error, value: row };
    }
  }
  yield* roots;
}

/** @throws Error saying what is wrong with the row */
function messageOf(row: Fields): TreeMessage {
  const { message_id: id, text, role } = row;
  if (typeof id !== 'string') throw new Error('has a message without message_id');
  if (typeof text !== 'string') throw new Error(`message ${id} has no text`);
  if (role !== 'prompter' && role !== 'assistant') {
    throw new Error(`message ${id} has the role ${JSON.stringify(role)}; known are prompter and assistant`);
  }
  return {
    id,
    text,
    role,
    lang: String(row.lang ?? ''),
    deleted: row.deleted === true,
    accepted: typeof row.review_result === 'boolean' ? row.review_result : null,
    synthetic: row.synthetic === true,
    rank: typeof row.rank === 'number' ? row.rank : null,
    labels: labelsOf(row.labels),
    replies: [],
  };
}

/** Labels as the trees have them ({spam: {value, count}}), or the tables ({name: [...], value: [...]}, or a list). */
function labelsOf(labels: unknown): Record<string, number> {
  if (typeof labels !== 'object' || labels === null) return {};
  const { name, value } = labels as Fields;
  const entries: [unknown, unknown][] = Array.isArray(labels)
    ? labels.map((label: Fields) => [label.name, label.value])
    : Array.isArray(name) && Array.isArray(value)
      ? name.map((one, i) => [one, value[i]])
      : Object.entries(labels).map(([one, label]) => [one, (label as Fields | null)?.value]);
  return Object.fromEntries(entries.filter((entry) => typeof entry[1] === 'number')) as Record<
    string,
    number
  >;
}
