/** `POST /v1/chat/completions`. */
import type { Context } from 'hono';
import type { SharedReading } from '../../guard/index.ts';
import type { EngineToken } from '../../llm/index.ts';
import type { TextRequest } from '../../model/index.ts';
import { Answering } from './answering.ts';
import { type ChatBody, chatSchema } from './chat-request.ts';
import { readRequest, samplingOptions } from './request-fields.ts';
import type { ServedModel, ServerBindings } from './served-model.ts';
import { seedsOf, usageOf, writeChoices } from './write-choices.ts';

export async function chatCompletions(
  context: Context<ServerBindings>,
  body: unknown,
  model: ServedModel,
): Promise<Response> {
  const request = readRequest(chatSchema, body);
  const answering = Answering.begin(context, request.model, model, 'chatcmpl');
  const requests = textRequests(request, model);
  const follow = request.logprobs === true;
  const { reading } = context.env ?? {};
  if (!request.stream) {
    const { signal } = answering;
    const choices = await writeChoices(model.engine, requests, { signal, follow, reading });
    return context.json({
      ...answering.head('chat.completion'),
      choices: choices.answers.map((answer, index) => ({
        index,
        message: { role: 'assistant', content: answer.text, refusal: null },
        logprobs: logProbs(follow, choices.tokens[index]),
        finish_reason: answer.finish,
      })),
      usage: usageOf(choices, requests.length),
    });
  }
  return answering.stream((signal, send) =>
    streamChat(request, requests, {
      ...{ model, signal, reading },
      send: (part) => send({ ...answering.head('chat.completion.chunk'), ...part }),
    }),
  );
}

/** Sends the beginning of each choice, its pieces, its end, and what all used if that was asked for. */
async function streamChat(
  request: ChatBody,
  requests: readonly TextRequest[],
  {
    model,
    signal,
    reading,
    send,
  }: {
    readonly model: ServedModel;
    readonly signal: AbortSignal;
    readonly reading?: SharedReading;
    readonly send: (part: object) => void;
  },
): Promise<void> {
  const follow = request.logprobs === true;
  const withUsage = request.stream_options?.include_usage === true;
  const chunk = (
    index: number,
    delta: object,
    finish: string | null,
    tokens: readonly EngineToken[] = [],
  ): void =>
    send({
      choices: [
        { index, delta, logprobs: logProbs(follow && tokens.length > 0, tokens), finish_reason: finish },
      ],
      ...(withUsage && { usage: null }),
    });
  requests.forEach((_, index) => {
    chunk(index, { role: 'assistant', content: '', refusal: null }, null);
  });
  const choices = await writeChoices(model.engine, requests, {
    ...{ signal, follow, reading },
    onPiece: ({ choice, text, tokens }) => chunk(choice, { content: text }, null, tokens),
  });
  choices.answers.forEach(({ finish }, index) => {
    chunk(index, {}, finish);
  });
  if (withUsage) send({ choices: [], usage: usageOf(choices, requests.length) });
}

function textRequests(body: ChatBody, { engine }: ServedModel): TextRequest[] {
  const messages = body.messages.map(({ role, content }) => ({
    role: role === 'developer' ? 'system' : role,
    content,
  }));
  const options = {
    ...samplingOptions(body),
    maxNewTokens: body.max_completion_tokens ?? body.max_tokens ?? engine.facts.contextLength,
    ...(body.logprobs && { alternatives: body.top_logprobs ?? 0 }),
  };
  return seedsOf(body.seed, body.n ?? 1).map((seed) => ({
    messages,
    continueFinal: body.continue_final_message ?? false,
    options: { ...options, seed },
  }));
}

function logProbs(wanted: boolean, tokens: readonly EngineToken[] | undefined): object | null {
  if (!wanted) return null;
  return {
    content: tokens!
      .filter(({ isControl }) => !isControl)
      .map(({ text, bytes, alternatives }) => ({
        token: text,
        logprob: alternatives!.logProb,
        bytes,
        top_logprobs: alternatives!.likeliest.map((other) => ({
          token: other.text,
          logprob: other.logProb,
          bytes: other.bytes,
        })),
      })),
    refusal: null,
  };
}
