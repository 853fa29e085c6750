/** What message trees give to learn from: conversations and rankings. */
import type { ChatMessage } from '../text/index.ts';
import { isTreeRow, type MessageTree, readTrees, type TreeMessage } from './oasst-trees.ts';
import type { RawRow } from './raw-row.ts';

/** Which messages of OpenAssistant trees are used, and for what. A message left out takes all below it along. */
export interface TreeOptions {
  /**
   * 'conversations' (default): each path from a prompt to its last answer, as messages. 'rankings': the answers to each
   * prompt that people have ranked, with the conversation before them.
   */
  readonly as?: 'conversations' | 'rankings';
  /** Languages, such as en or pt-BR. Default: all. */
  readonly languages?: readonly string[];
  /** Least mean of people's ratings by label, such as { quality: 0.5 }; a message without the label is left out. */
  readonly atLeast?: Readonly<Record<string, number>>;
  /** Greatest mean by label, such as { toxicity: 0.3 }; a message without the label stays. */
  readonly atMost?: Readonly<Record<string, number>>;
  /** Messages that reviewers 'accepted', those they have 'not-rejected' (default), or 'any'. Deleted ones never. */
  readonly review?: 'accepted' | 'not-rejected' | 'any';
  /** States of trees to use. Default: ready_for_export alone, the finished trees. An empty list: all. */
  readonly treeStates?: readonly string[];
  /** Whether answers written by models are used. Default true. */
  readonly synthetic?: boolean;
  /** Conversations only: of ranked answers the best alone. Default false. */
  readonly bestOnly?: boolean;
}

/** Passes rows on; when the first that can be parsed is of a message tree, all are put together to trees and come out as records. */
export async function* withTreesAsRecords(
  rows: AsyncIterable<RawRow>,
  options: TreeOptions = {},
): AsyncGenerator<RawRow, void, undefined> {
  const iterator = rows[Symbol.asyncIterator]();
  let first = await iterator.next();
  for (; !first.done && first.value.error !== undefined; first = await iterator.next()) yield first.value;
  if (first.done) return;
  const all = startingWith(first.value, iterator);
  if (!isTreeRow(first.value.value)) {
    yield* all;
    return;
  }
  for await (const row of readTrees(all)) {
    if ('error' in row) yield row;
    else for (const value of recordsOfTree(row.tree, options)) yield { line: row.line, value };
  }
}

async function* startingWith<T>(first: T, rest: AsyncIterator<T>): AsyncGenerator<T, void, undefined> {
  yield first;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

/** The records of one tree: `{ messages }` for conversations, `{ prompt, responses, ranks }` for rankings. */
export function* recordsOfTree(tree: MessageTree, options: TreeOptions = {}): Generator<object> {
  const { as = 'conversations', treeStates = ['ready_for_export'] } = options;
  if (treeStates.length > 0 && !treeStates.includes(tree.state)) return;
  if (!isUsed(tree.prompt, options)) return;
  if (as === 'rankings') yield* rankings(tree.prompt, [], options);
  else for (const messages of conversations(tree.prompt, options)) yield { messages };
}

/** The paths that end with an answer. A prompt without answers gives none: the path above ends before it. */
function conversations(message: TreeMessage, options: TreeOptions): ChatMessage[][] {
  const replies = usedReplies(message, options);
  const best = options.bestOnly && message.role === 'prompter' ? replies.slice(0, 1) : replies;
  const longer = best.flatMap((reply) => conversations(reply, options));
  const own = chatMessage(message);
  if (longer.length > 0) return longer.map((path) => [own, ...path]);
  return message.role === 'assistant' ? [[own]] : [];
}

function* rankings(
  message: TreeMessage,
  before: readonly ChatMessage[],
  options: TreeOptions,
): Generator<object> {
  const prompt = [...before, chatMessage(message)];
  const replies = usedReplies(message, options);
  const ranked = replies.filter(({ rank }) => rank !== null).length;
  if (message.role === 'prompter' && ranked >= 2) {
    yield {
      prompt,
      responses: replies.map((reply) => [chatMessage(reply)]),
      ranks: replies.map(({ rank }) => (rank === null ? null : rank + 1)),
    };
  }
  for (const reply of replies) yield* rankings(reply, prompt, options);
}

/** The replies that pass the filters, the best first, those without rank last. */
function usedReplies({ replies, role }: TreeMessage, options: TreeOptions): TreeMessage[] {
  const place = ({ rank }: TreeMessage) => rank ?? Number.POSITIVE_INFINITY;
  return replies
    .filter((reply) => reply.role !== role && isUsed(reply, options))
    .sort((a, b) => (place(a) === place(b) ? 0 : place(a) - place(b)));
}

function isUsed(message: TreeMessage, options: TreeOptions): boolean {
  const { languages, atLeast = {}, atMost = {}, review = 'not-rejected', synthetic = true } = options;
  const { labels, accepted } = message;
  return (
    !message.deleted &&
    (review === 'any' || accepted === true || (review === 'not-rejected' && accepted === null)) &&
    (languages === undefined || languages.includes(message.lang)) &&
    (synthetic || !message.synthetic) &&
    Object.entries(atLeast).every(([label, least]) => labels[label] >= least) &&
    Object.entries(atMost).every(([label, most]) => labels[label] === undefined || labels[label] <= most)
  );
}

function chatMessage({ role, text }: TreeMessage): ChatMessage {
  return { role: role === 'prompter' ? 'user' : 'assistant', content: text };
}
