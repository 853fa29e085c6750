/** A stream of OpenAI's chunks under guard. Each choice is screened by itself; what it says leaves once it is cleared. */
import type { GuardedAnswer, Piece } from '../enforce/guarded-answer.ts';
import { ScreeningFailure } from '../enforce/screening-failure.ts';
import { AnswerText } from './answer-text.ts';
import { batchesOf } from './batches.ts';
import {
  type Answer,
  answeredBy,
  eventOf,
  type GuardedCall,
  hasChoices,
  headOf,
  indexOf,
} from './guarded-call.ts';
import type { BodyReader } from './read-body.ts';
import { EventReader } from './read-events.ts';
import { refuseUnreadable } from './texts.ts';
import { badUpstream, brokenOff, guardUnavailable, WireError } from './wire-error.ts';

/** Events read ahead while earlier ones are screened. */
const mostWaiting = 1024;

type Chunk = Readonly<Record<string, unknown>>;

/** A choice on its way. */
interface Stream {
  readonly answer: GuardedAnswer<Chunk>;
  readonly text: AnswerText;
  /** Nothing that says something has left. */
  isFirst: boolean;
  hasEnded: boolean;
}

/**
 * @returns texts to send, each of whole events; in the end `[DONE]`, or an event with an error
 */
export async function* guardedEvents(
  source: BodyReader,
  call: GuardedCall,
): AsyncGenerator<string, void, undefined> {
  const { exchange, limits } = call;
  let [head, isDone, isWhole]: [Chunk, boolean, boolean] = [{}, false, false];
  const stop = (): void => {
    if (isWhole) {
      source.finish();
      return;
    }
    call.stop();
    source.cancel();
  };
  const streams = new Map<number, Stream>();
  /** What the whole has used, sent at the very end. */
  let trailer: Chunk | null = null;
  const wanted = call.conversations.prompts.length * call.conversations.answersPerPrompt;
  try {
    for await (const batch of batchesOf(eventsOf(source, limits.answerBytes), mostWaiting, stop)) {
      const pieces = new Map<number, Piece<Chunk>[]>();
      const finished = new Set<number>();
      let failure: WireError | null = null;
      for (const data of batch) {
        if (data.trim() === '[DONE]') {
          [isDone, isWhole] = [true, true];
          break;
        }
        const chunk = parseChunk(data);
        if (chunk instanceof WireError) {
          // What came before it is screened and sent first.
          failure = chunk;
          break;
        }
        const { usage, ...chunkHead } = headOf(chunk);
        head = chunkHead;
        const live = chunk.choices
          .map((choice, position) => ({ choice, index: indexOf(choice, position) }))
          // Of others the last word has been said.
          .filter(({ index }) => !streams.get(index)?.hasEnded && !finished.has(index));
        if (live.length === 0) {
          if (usage) trailer = { ...chunkHead, choices: [], usage };
          continue;
        }
        for (const { choice, index } of live) {
          const stream = streams.get(index) ?? opened(call, streams, index);
          refuseUnreadable(choice, `choices.${index}`, exchange.rules);
          const { text, ahead } = stream.text.read(choice);
          const isLast = typeof choice.finish_reason === 'string';
          if (isLast) finished.add(index);
          const item = { ...chunkHead, choices: [choice], ...(usage === undefined ? {} : { usage }) };
          const list = pieces.get(index);
          // The reason to finish says that all is well, so it waits for the last word.
          const piece = { item, text, ahead: ahead || isLast };
          if (list) list.push(piece);
          else pieces.set(index, [piece]);
        }
      }
      const out = await Promise.all(
        [...pieces].map(([index, some]) =>
          advance(call, index, streams.get(index)!, some, finished.has(index), head),
        ),
      );
      const text = out.join('');
      if (text !== '') yield text;
      if (failure) throw failure;
      const all = [...streams.values()];
      if (all.length >= wanted && all.every(({ answer }) => answer.isBlocked)) {
        // Nobody will hear the rest.
        stop();
        isDone = true;
      }
      if (isDone) break;
    }
    for (const [index, stream] of streams) {
      if (stream.hasEnded) continue;
      const text = await advance(call, index, stream, [], true, head);
      if (text !== '') yield text;
    }
    if (
      !isDone &&
      (streams.size === 0 ||
        [...streams.values()].some(({ answer, hasEnded }) => !hasEnded && !answer.isBlocked))
    ) {
      throw brokenOff();
    }
    // Before the end is sent: a client that has it may go at once.
    exchange.finish();
    yield `${trailer ? eventOf(trailer) : ''}data: [DONE]\n\n`;
  } catch (error) {
    const told = errorOf(error);
    // Before the event is sent: the client may be gone by then.
    exchange.finish(
      error instanceof ScreeningFailure || told.body.error.code === 'unreadable_content'
        ? 'refused'
        : 'failed',
    );
    yield eventOf(told.body);
  } finally {
    stop();
    exchange.finish('aborted');
  }
}

/** Screens what a choice adds. @returns events to send */
async function advance(
  { exchange, dialect }: GuardedCall,
  index: number,
  stream: Stream,
  pieces: readonly Piece<Chunk>[],
  isLast: boolean,
  head: Chunk,
): Promise<string> {
  const { answer } = stream;
  if (stream.hasEnded) return '';
  const out = [...(await answer.add(pieces)), ...(isLast ? await answer.end() : [])];
  if (answer.isBlocked) {
    stream.hasEnded = true;
    const guard = { request_id: exchange.facts.requestId, blocked: 'output' };
    return dialect
      .refusalChunks(index, exchange.rules.refusal, stream.isFirst)
      .map((choice) => eventOf({ ...head, choices: [choice], guard }))
      .join('');
  }
  if (isLast && pieces.length > 0) stream.hasEnded = true;
  if (stream.isFirst && out.some(saysSomething)) stream.isFirst = false;
  return out.map(eventOf).join('');
}

function saysSomething({ choices }: Chunk): boolean {
  return (choices as readonly Chunk[]).some((choice) => new AnswerText().read(choice).text !== '');
}

function opened(
  { exchange, conversations }: GuardedCall,
  streams: Map<number, Stream>,
  index: number,
): Stream {
  const answer = exchange.answer<Chunk>(...answeredBy(conversations, index));
  const stream = { answer, text: new AnswerText(), isFirst: true, hasEnded: false };
  streams.set(index, stream);
  return stream;
}

async function* eventsOf(source: BodyReader, mostCharacters: number): AsyncGenerator<string[]> {
  const reader = new EventReader(mostCharacters);
  for await (const piece of source.pieces()) {
    const events = reader.read(piece);
    if (events.length > 0) yield events;
  }
  yield reader.end();
}

function parseChunk(data: string): Answer | WireError {
  let chunk: unknown;
  try {
    chunk = JSON.parse(data);
  } catch {
    return badUpstream('it sent an event that is not JSON');
  }
  const { error } = (chunk ?? {}) as { error?: { message?: unknown } };
  if (error) {
    const message = typeof error.message === 'string' ? error.message : 'it failed while it answered';
    return new WireError(502, message, { type: 'upstream_error', code: 'upstream_failed' });
  }
  return hasChoices(chunk) ? chunk : badUpstream('it sent an event without choices');
}

function errorOf(error: unknown): WireError {
  if (error instanceof WireError) return error;
  return error instanceof ScreeningFailure ? guardUnavailable() : brokenOff();
}
