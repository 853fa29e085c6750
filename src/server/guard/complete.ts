/** One request for completions, from the client to the upstream and back, under guard. */
import type { Context } from 'hono';
import { z } from 'zod';
import {
  type Conversations,
  chatDialect,
  type Dialect,
  Exchange,
  type GuardMetrics,
  type GuardModel,
  type GuardObserver,
  type GuardPolicy,
  guardResponse,
  refuseInput,
  refusesOtherContent,
  rulesFor,
  ScreeningFailure,
  type SharedProbe,
  type SharedReading,
  unreadable,
  WireError,
} from '../../guard/index.ts';
import { readRequest } from '../openai/request-fields.ts';
import { type Answerer, headersBack, upstreamError } from './upstream.ts';

export type GuardVariables = { readonly Variables: { requestId: string } };
export type GuardContext = Context<GuardVariables>;

export interface CompleteOptions {
  readonly dialect: Dialect;
  readonly guard: GuardModel;
  readonly policy: GuardPolicy;
  readonly upstream: Answerer;
  /** Of the guard, where the upstream is a model in this process that computes it. */
  readonly shared: SharedProbe | null;
  readonly metrics: GuardMetrics;
  readonly observers: readonly GuardObserver[];
  /** Whether the client's own key goes on to the upstream. */
  readonly passKey: boolean;
}

const text = z.string('must be a text');
/** Fields that decide how a request is guarded; the rest is the upstream's business. */
const common = {
  model: text.optional(),
  stream: z.boolean().nullish(),
  n: z.int().min(1).max(128).nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
};
const chatBody = z.looseObject({
  ...common,
  messages: z.array(z.looseObject({ role: z.string() })).min(1, 'at least one message is needed'),
});
const completionBody = z.looseObject({ ...common, prompt: z.union([text, z.array(z.unknown()).min(1)]) });
type Body = z.output<typeof chatBody> | z.output<typeof completionBody>;

/** @throws ApiError, WireError, ScreeningFailure for what is answered with an error */
export async function complete(
  context: GuardContext,
  json: unknown,
  options: CompleteOptions,
): Promise<Response> {
  const { dialect, guard, policy, metrics, observers } = options;
  const body = readRequest(dialect === chatDialect ? chatBody : completionBody, json);
  if (metrics.active >= policy.limits.requests) {
    throw new WireError(503, `The guard is at work on ${metrics.active} requests; try again in a moment.`, {
      code: 'overloaded',
    });
  }
  const conversations = dialect.conversations(body);
  // Aborted by the client's going, and by the end of what the guard lets through.
  const ended = new AbortController();
  const signal = AbortSignal.any([context.req.raw.signal, ended.signal]);
  const exchange = new Exchange({
    guard,
    rules: rulesFor(policy, { route: dialect.path, model: body.model }, guard.thresholds),
    facts: {
      requestId: context.get('requestId'),
      route: dialect.path,
      model: body.model ?? '',
      stream: body.stream === true,
      ...clientRequestId(context),
    },
    // The very list where there is one, by which a guard knows what it has prepared for it.
    messages: conversations.prompts.length === 1 ? conversations.prompts[0] : conversations.prompts.flat(),
    observers: [...observers, { finished: metrics.begin() }],
    signal,
  });
  try {
    const call = { exchange, body, conversations, signal, stop: () => ended.abort() };
    const response = await answer(context, call, options);
    const headers = new Headers(response.headers);
    headers.set('x-request-id', exchange.facts.requestId);
    return new Response(response.body, { status: response.status, headers });
  } catch (error) {
    ended.abort();
    exchange.finish(context.req.raw.signal.aborted ? 'aborted' : outcomeOf(error));
    throw error;
  }
}

interface Call {
  readonly exchange: Exchange;
  readonly body: Body;
  readonly conversations: Conversations;
  readonly signal: AbortSignal;
  readonly stop: () => void;
}

async function answer(
  context: GuardContext,
  { exchange, body, conversations, signal, stop }: Call,
  { dialect, policy, upstream, shared, passKey }: CompleteOptions,
): Promise<Response> {
  // 1. Is there anything that the guard cannot read, or does not want answered?
  const { rules } = exchange;
  if (conversations.unreadable !== null && refusesOtherContent(rules)) {
    throw unreadable(conversations.unreadable);
  }
  const ask = (reading?: SharedReading): Promise<Response> =>
    upstream.fetch({
      method: 'POST',
      path: dialect.path,
      headers: context.req.raw.headers,
      passKey,
      requestId: exchange.facts.requestId,
      // Written anew, so that the upstream reads what the guard has read: of two fields of one name there is one left.
      body: JSON.stringify(body),
      signal,
      reading,
    });
  // A probe in the model's own pass judges what the model reads, so the model begins; the answer waits for the verdict.
  const reading =
    shared && dialect === chatDialect && rules.mode !== 'off' ? shared.begin(conversations.prompts[0]) : null;
  const begun = reading && ask(reading);
  begun?.catch(() => {}); // told to whoever waits for it below
  // The time that requests wait for their turn is not the guard's.
  await reading?.conversation;
  if (await exchange.refusesInput()) {
    stop();
    exchange.finish();
    return refuseInput(exchange, dialect, conversations, body.stream_options?.include_usage === true);
  }

  // 2. The upstream is asked, and screens are opened meanwhile.
  for (const prompt of conversations.prompts) exchange.prepare(conversations.answersPerPrompt, prompt);
  const response = await (begun ?? ask());
  exchange.upstreamStatus = response.status;
  if (response.status !== 200) {
    const told = await upstreamError(response);
    stop();
    exchange.finish('failed');
    return told;
  }

  // 3. What it says leaves as it is cleared.
  const limits = { answerBytes: policy.limits.answerBytes, silenceMs: policy.limits.upstreamSilenceMs };
  const guarded = await guardResponse(response, { exchange, dialect, conversations, limits, stop });
  for (const [name, value] of Object.entries(headersBack(response))) guarded.headers.set(name, value);
  return guarded;
}

function clientRequestId(context: GuardContext): { readonly clientRequestId?: string } {
  const given = context.req.header('x-request-id') ?? '';
  return /^[\w.:-]{1,100}$/.test(given) ? { clientRequestId: given } : {};
}

function outcomeOf(error: unknown): 'refused' | 'failed' {
  const isRefused =
    error instanceof ScreeningFailure || (error instanceof WireError && [400, 503].includes(error.status));
  return isRefused ? 'refused' : 'failed';
}
