/** Streams that routes answer with, besides OpenAI's: plain text, and the AI SDK's for user interfaces. */
import type { Exchange } from '../enforce/exchange.ts';
import { ScreeningFailure } from '../enforce/screening-failure.ts';
import { AnswerText } from '../wire/answer-text.ts';
import { eventOf, type ReadLimits } from '../wire/guarded-call.ts';
import { EventReader } from '../wire/read-events.ts';
import { refuseUnreadable } from '../wire/texts.ts';
import { badUpstream, brokenOff, guardUnavailable, tooLarge, WireError } from '../wire/wire-error.ts';
import { guardedParts, streamOf } from './guarded-parts.ts';

/** Text as it comes; after a block the refusal, on a line of its own. A failure ends it early. */
export function guardPlainText(
  body: ReadableStream<Uint8Array>,
  exchange: Exchange,
  limits: ReadLimits,
): ReadableStream<Uint8Array> {
  const source = textsOf(within(body, limits)).getReader();
  const batches = guardedParts<string>({
    source,
    answer: exchange.answer<string>(),
    read: (text) => ({ text }),
    refuse: (left) => [`${left.length > 0 ? '\n\n' : ''}${exchange.rules.refusal}`],
  });
  return encoded(
    streamOf(batches, {
      source,
      onEnd: (how) => {
        end(exchange, how);
        return undefined;
      },
    }),
  );
}

function textsOf(body: ReadableStream<Uint8Array>): ReadableStream<string> {
  const decoder = new TextDecoder();
  const decode = new TransformStream<Uint8Array, string>({
    transform: (piece, controller) => controller.enqueue(decoder.decode(piece, { stream: true })),
    flush: (controller) => controller.enqueue(decoder.decode()),
  });
  return body.pipeThrough(decode);
}

/** The stream, which fails where it is larger than an answer may be. */
function within(body: ReadableStream<Uint8Array>, { answerBytes }: ReadLimits): ReadableStream<Uint8Array> {
  let bytes = 0;
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(piece, controller) {
      bytes += piece.byteLength;
      if (bytes > answerBytes) throw tooLarge(answerBytes);
      controller.enqueue(piece);
    },
  });
  return body.pipeThrough(counter);
}

/** A part of the AI SDK's stream for user interfaces. */
type UiPart = { readonly type: string; readonly [field: string]: unknown };

/** @see https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol */
export function guardUiStream(
  body: ReadableStream<Uint8Array>,
  exchange: Exchange,
  limits: ReadLimits,
): ReadableStream<Uint8Array> {
  const text = new AnswerText();
  const source = uiParts(within(body, limits), limits).getReader();
  const batches = guardedParts<UiPart>({
    source,
    answer: exchange.answer<UiPart>(),
    read: (part) => {
      if (part.type === 'file') refuseUnreadable({ file: part.url }, 'the answer', exchange.rules);
      const said = text.read(textFieldsOf(part));
      return { ...said, ahead: said.ahead || part.type.startsWith('finish') };
    },
    refuse: (left) => refusedUiParts(exchange, left),
  });
  async function* events(): AsyncGenerator<readonly string[], void, undefined> {
    for await (const parts of batches) yield parts.map(eventOf);
    yield ['data: [DONE]\n\n'];
  }
  return encoded(
    streamOf(events(), {
      source,
      onEnd: (how) => {
        const told = end(exchange, how);
        return told === null ? undefined : [eventOf({ type: 'error', errorText: told.message })];
      },
    }),
  );
}

/** Names of parts are no texts of the answer; input of tools comes as JSON in pieces. */
function textFieldsOf({
  type,
  id,
  messageId,
  toolCallId,
  inputTextDelta,
  ...rest
}: UiPart): Readonly<Record<string, unknown>> {
  const input =
    inputTextDelta === undefined ? {} : { [`tool ${String(toolCallId)}`]: { arguments: inputTextDelta } };
  return { ...rest, ...input };
}

function uiParts(body: ReadableStream<Uint8Array>, limits: ReadLimits): ReadableStream<UiPart> {
  const events = new EventReader(limits.answerBytes);
  const parse = (data: string): UiPart => {
    const part = JSON.parse(data) as UiPart;
    if (typeof part?.type !== 'string') throw badUpstream('it sent a part without a type');
    return part;
  };
  const parsed = new TransformStream<Uint8Array, UiPart>({
    transform(piece, controller) {
      for (const data of events.read(piece)) if (data !== '[DONE]') controller.enqueue(parse(data));
    },
    flush(controller) {
      for (const data of events.end()) if (data !== '[DONE]') controller.enqueue(parse(data));
    },
  });
  return body.pipeThrough(parsed);
}

function refusedUiParts({ rules }: Exchange, left: readonly UiPart[]): UiPart[] {
  const open = new Set<string>();
  for (const { type, id } of left) {
    const kind = /^(text|reasoning)-(start|end)$/.exec(type);
    if (kind?.[2] === 'start') open.add(`${kind[1]} ${String(id)}`);
    else if (kind) open.delete(`${kind[1]} ${String(id)}`);
  }
  const ends = [...open].map((name) => {
    const [kind, ...id] = name.split(' ');
    return { type: `${kind}-end`, id: id.join(' ') };
  });
  const id = 'guard';
  const begin = left.some(({ type }) => type === 'start') ? [] : [{ type: 'start' }];
  return [
    ...begin,
    ...ends,
    { type: 'text-start', id },
    { type: 'text-delta', id, delta: rules.refusal },
    { type: 'text-end', id },
    { type: 'finish', finishReason: 'content-filter' },
  ];
}

/** @returns what the client is told of a failure; null where there was none, or nobody hears */
function end(exchange: Exchange, how: 'done' | 'cancelled' | { readonly error: unknown }): WireError | null {
  if (how === 'done') exchange.finish();
  else if (how === 'cancelled') exchange.finish('aborted');
  else {
    const isGuards = how.error instanceof ScreeningFailure;
    exchange.finish(isGuards ? 'refused' : 'failed');
    if (isGuards) return guardUnavailable();
    return how.error instanceof WireError ? how.error : brokenOff();
  }
  return null;
}

function encoded(texts: ReadableStream<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const reader = texts.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(encoder.encode(value));
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
