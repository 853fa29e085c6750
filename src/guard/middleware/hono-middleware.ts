/**
 * The guard around a route of a Hono app.
 *
 * It reads the conversation from the JSON that is posted (OpenAI's form, the AI SDK's, or any other with texts in it) and
 * guards what the route answers: OpenAI's objects and streams, the AI SDK's streams for user interfaces, plain text, JSON.
 */
import type { Context, MiddlewareHandler } from 'hono';
import type { Exchange } from '../enforce/exchange.ts';
import { ScreeningFailure } from '../enforce/screening-failure.ts';
import { refusesOtherContent } from '../policy/policy.ts';
import type { GuardMessage } from '../screen.ts';
import { AnswerText } from '../wire/answer-text.ts';
import { guardAnswer, guardResponse, parseAnswer, refuseInput } from '../wire/guard-response.ts';
import { hasChoices } from '../wire/guarded-call.ts';
import { BodyReader } from '../wire/read-body.ts';
import { refuseUnreadable } from '../wire/texts.ts';
import { badUpstream, guardUnavailable, unreadable, WireError } from '../wire/wire-error.ts';
import { type Asked, askedOf } from './asked.ts';
import { guardPlainText, guardUiStream } from './route-streams.ts';

export interface HonoGuardOptions {
  /**
   * Answers in place of a blocked request, or of a blocked answer that is no stream. Default: a refusal in OpenAI's form
   * where the request has it, else status 403 with `{error: {message, type, param, code}}`.
   */
  readonly refuse?: (
    context: Context,
    refusal: { readonly text: string; readonly requestId: string },
  ) => Response;
  /** Largest answer, in bytes. Default 16 MiB. */
  readonly answerBytes?: number;
}

/** Begins the guarding of one request. */
export type BeginRoute = (
  facts: { readonly route: string; readonly model: string; readonly stream: boolean },
  messages: readonly GuardMessage[],
  signal: AbortSignal,
) => Exchange;

const defaultAnswerBytes = 16 * 2 ** 20;

export function honoMiddleware(begin: BeginRoute, options: HonoGuardOptions = {}): MiddlewareHandler {
  return async function guard(context, next) {
    const asked = askedOf(context.req.path, await context.req.text());
    const { signal } = context.req.raw;
    const { model, stream, conversations } = asked;
    const exchange = begin({ route: context.req.path, model, stream }, conversations.prompts.flat(), signal);
    const { rules } = exchange;
    const answerWith = (response: Response): void => {
      response.headers.set('x-request-id', exchange.facts.requestId);
      // The route's own headers must not come back: they are about what it said.
      context.res = undefined;
      context.res = response;
    };
    try {
      if (conversations.unreadable !== null && refusesOtherContent(rules)) {
        throw unreadable(conversations.unreadable);
      }
      if (await exchange.refusesInput()) {
        exchange.finish();
        answerWith(refusal(context, exchange, asked, options));
        return;
      }
      await next();
      const { res } = context;
      // Errors, redirections and empty answers of the route are its own.
      if (context.error || !res.ok || !res.body) exchange.finish(res.status < 400 ? undefined : 'failed');
      else {
        const { body, status, headers } = await guardRoute(context, res, { exchange, asked, options });
        answerWith(new Response(body, { status: status === 200 ? res.status : status, headers }));
      }
    } catch (error) {
      exchange.finish(signal.aborted ? 'aborted' : 'refused');
      const told = error instanceof ScreeningFailure ? guardUnavailable() : error;
      if (!(told instanceof WireError)) throw error;
      answerWith(told.response());
    }
  };
}

interface Guarding {
  readonly exchange: Exchange;
  readonly asked: Asked;
  readonly options: HonoGuardOptions;
}

async function guardRoute(context: Context, response: Response, guarding: Guarding): Promise<Response> {
  const { exchange, asked, options } = guarding;
  const limits = { answerBytes: options.answerBytes ?? defaultAnswerBytes };
  const type = response.headers.get('content-type') ?? '';
  const body = response.body!;
  const call = {
    exchange,
    dialect: asked.dialect,
    conversations: asked.conversations,
    limits,
    stop: () => {},
  };
  if (/^text\/event-stream\b/i.test(type)) {
    if (response.headers.has('x-vercel-ai-ui-message-stream')) {
      return new Response(guardUiStream(body, exchange, limits), { headers: response.headers });
    }
    return guardResponse(response, call);
  }
  if (/^text\//i.test(type))
    return new Response(guardPlainText(body, exchange, limits), { headers: kept(response.headers) });
  if (!/^application\/(?:[\w.-]+\+)?json\b/i.test(type)) {
    if (refusesOtherContent(exchange.rules)) {
      throw badUpstream(`the guard cannot screen ${type === '' ? 'an answer without a type' : type}`);
    }
    exchange.finish('unscreened');
    return response;
  }
  const text = await new BodyReader(body, limits).text();
  const value = parseAnswer(text);
  if (hasChoices(value)) return guardAnswer(value, call);
  refuseUnreadable(value, 'the answer', exchange.rules);
  const answer = exchange.answer<string>();
  const said = new AnswerText().read({ answer: value });
  await answer.add([{ item: text, text: said.text }]);
  await answer.end();
  exchange.finish();
  if (answer.isBlocked) return refusal(context, exchange, null, options);
  return new Response(text, { headers: kept(response.headers) });
}

/** @param asked null: an answer in a form of the route's own was blocked */
function refusal(
  context: Context,
  exchange: Exchange,
  asked: Asked | null,
  { refuse }: HonoGuardOptions,
): Response {
  const { rules, facts } = exchange;
  if (refuse) return refuse(context, { text: rules.refusal, requestId: facts.requestId });
  if (asked?.isOpenAi) return refuseInput(exchange, asked.dialect, asked.conversations, asked.withUsage);
  return new WireError(403, rules.refusal, { type: 'content_filter', code: 'content_filter' }).response();
}

/** Without the length of what was there before. */
function kept(headers: Headers): Headers {
  const copy = new Headers(headers);
  copy.delete('content-length');
  return copy;
}
