/** Answers of an OpenAI-compatible server, under guard: a response goes in, the response for the client comes out. */
import type { Exchange } from '../enforce/exchange.ts';
import { ScreeningFailure } from '../enforce/screening-failure.ts';
import { AnswerText } from './answer-text.ts';
import type { Conversations } from './conversation.ts';
import type { Dialect } from './dialect.ts';
import {
  type Answer,
  answeredBy,
  type Choice,
  eventOf,
  type GuardedCall,
  hasChoices,
  headOf,
  indexOf,
  streamHeaders,
} from './guarded-call.ts';
import { guardedEvents } from './guarded-events.ts';
import { BodyReader } from './read-body.ts';
import { refuseUnreadable } from './texts.ts';
import { badUpstream, guardUnavailable } from './wire-error.ts';

/**
 * Guards an answer with status 200.
 * @throws WireError for what cannot be passed on, before anything has been
 */
export async function guardResponse(upstream: Response, call: GuardedCall): Promise<Response> {
  const isStream = /^text\/event-stream\b/i.test(upstream.headers.get('content-type') ?? '');
  if (!upstream.body) throw badUpstream('it is empty');
  if (isStream) return guardStream(upstream.body, call);
  const answer = parseAnswer(await new BodyReader(upstream.body, call.limits).text());
  if (!hasChoices(answer)) throw badUpstream('it has no choices');
  return guardAnswer(answer, call);
}

/** Guards an answer that is whole. @throws as `guardResponse` does */
export async function guardAnswer(
  answer: Answer,
  { exchange, dialect, conversations }: GuardedCall,
): Promise<Response> {
  const choices = await Promise.all(
    answer.choices.map(async (choice, position) => {
      const index = indexOf(choice, position);
      refuseUnreadable(choice, `choices.${index}`, exchange.rules);
      const guarded = exchange.answer<Choice>(...answeredBy(conversations, index));
      const { text } = new AnswerText().read(choice);
      try {
        const out = [...(await guarded.add([{ item: choice, text }])), ...(await guarded.end())];
        return guarded.isBlocked ? dialect.refusal(index, exchange.rules.refusal) : out[0];
      } catch (error) {
        throw error instanceof ScreeningFailure ? guardUnavailable() : error;
      }
    }),
  );
  const { requestId } = exchange.facts;
  const blocked = exchange.isAnyAnswerBlocked ? { guard: { request_id: requestId, blocked: 'output' } } : {};
  exchange.finish();
  return Response.json({ ...headOf(answer), choices, ...blocked });
}

function guardStream(body: ReadableStream<Uint8Array>, call: GuardedCall): Response {
  const source = new BodyReader(body, call.limits);
  const events = guardedEvents(source, call);
  const encoder = new TextEncoder();
  let isCancelled = false;
  const stream = new ReadableStream<Uint8Array>(
    {
      // Asked for only when the client takes more: a slow client slows the upstream down.
      async pull(controller) {
        const { done, value } = await events.next();
        if (isCancelled) return;
        if (done) controller.close();
        else controller.enqueue(encoder.encode(value));
      },
      async cancel() {
        isCancelled = true;
        call.exchange.finish('aborted');
        call.stop();
        // Nothing else ends the wait for the next event.
        source.cancel();
        await events.return();
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(stream, { headers: streamHeaders });
}

/** The refusal of a conversation, in the form that was asked for. */
export function refuseInput(
  exchange: Exchange,
  dialect: Dialect,
  conversations: Conversations,
  withUsage: boolean,
): Response {
  const { requestId, model, stream } = exchange.facts;
  const { refusal } = exchange.rules;
  const head = {
    id: `${dialect.idPrefix}-${requestId}`,
    object: stream ? dialect.chunkObject : dialect.object,
    created: Math.floor(Date.now() / 1000),
    model,
  };
  const guard = { request_id: requestId, blocked: 'input' };
  const count = conversations.prompts.length * conversations.answersPerPrompt;
  const indexes = Array.from({ length: count }, (_, index) => index);
  const usage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };
  if (!stream) {
    return Response.json({
      ...head,
      choices: indexes.map((index) => dialect.refusal(index, refusal)),
      usage,
      guard,
    });
  }
  const chunks = indexes.flatMap((index) => dialect.refusalChunks(index, refusal, true));
  const events = [
    ...chunks.map((choice) => ({ ...head, choices: [choice], guard })),
    ...(withUsage ? [{ ...head, choices: [], usage }] : []),
  ];
  return new Response(`${events.map(eventOf).join('')}data: [DONE]\n\n`, { headers: streamHeaders });
}

/** @throws WireError 502 for what is no JSON */
export function parseAnswer(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badUpstream('it is not JSON');
  }
}
