/**
 * `POST /v1/completions`: texts that are continued as they are, without a chat template.
 *
 * With `echo` and `logprobs` it also tells how likely the prompt's own tokens are, which is how evaluation harnesses
 * score given answers.
 */
import type { Context } from 'hono';
import { z } from 'zod';
import type { EngineToken } from '../../llm/index.ts';
import type { TextRequest } from '../../model/index.ts';
import { Answering } from './answering.ts';
import { given, nothing, readRequest, samplingOptions, sharedFields } from './request-fields.ts';
import type { ServedModel } from './served-model.ts';
import { type Choices, seedsOf, usageOf, writeChoices } from './write-choices.ts';

const ids = z.array(z.int().min(0)).min(1);
const defaultMaxTokens = 16; // OpenAI's

const schema = z
  .strictObject({
    ...sharedFields,
    prompt: z.union([z.string(), z.array(z.string()).min(1), ids, z.array(ids).min(1)]),
    max_tokens: given(z.int().min(0)),
    echo: given(z.boolean()),
    logprobs: given(z.int().min(0).max(20)),
    suffix: nothing('suffix', (value) => value === ''),
    best_of: nothing('best_of', (value) => value === 1),
  })
  .refine(({ max_tokens, echo }) => max_tokens !== 0 || echo === true, {
    path: ['max_tokens'],
    message: 'it may be 0 only with echo',
  });

type Body = z.output<typeof schema>;

export async function completions(context: Context, body: unknown, model: ServedModel): Promise<Response> {
  const request = readRequest(schema, body);
  const answering = Answering.begin(context, request.model, model, 'cmpl');
  const { n = 1, echo = false, logprobs } = request;
  const requests = promptsOf(request).flatMap((prompt) => textRequests(request, prompt));
  const follow = logprobs !== undefined || echo;
  const head = answering.head('text_completion');
  const told = (tokens: readonly EngineToken[], offset: number): object | null =>
    logprobs === undefined ? null : logProbsOf(tokens, offset);
  /** What is shown of a choice's first piece. */
  const opened = (text: string, tokens: readonly EngineToken[]): string =>
    echo ? shownText(tokens[0]) + text : text;
  /** What is told of a choice's tokens behind its text: not those of a stop text, but an echoed token that nothing follows. */
  const behind = ({ answers, tokens, silent }: Choices, index: number): readonly EngineToken[] => {
    if (answers[index].stopString === null) return silent[index];
    return echo && tokens[index].length === 0 ? silent[index].slice(0, 1) : [];
  };

  if (!request.stream) {
    const choices = await writeChoices(model.engine, requests, { signal: answering.signal, follow });
    return context.json({
      ...head,
      choices: choices.answers.map(({ text, finish }, index) => {
        const tokens = [...choices.tokens[index], ...behind(choices, index)];
        return { index, text: opened(text, tokens), logprobs: told(tokens, 0), finish_reason: finish };
      }),
      usage: usageOf(choices, n),
    });
  }
  return answering.stream(async (signal, send) => {
    const offsets = requests.map(() => 0);
    const chunk = (
      index: number,
      text: string,
      tokens: readonly EngineToken[],
      finish: string | null,
    ): void => {
      const logProbs = tokens.length === 0 ? null : told(tokens, offsets[index]);
      send({ ...head, choices: [{ index, text, logprobs: logProbs, finish_reason: finish }] });
      offsets[index] += text.length;
    };
    const choices = await writeChoices(model.engine, requests, {
      signal,
      follow,
      onPiece: ({ choice, text, tokens }) =>
        chunk(choice, offsets[choice] === 0 ? opened(text, tokens) : text, tokens, null),
    });
    choices.answers.forEach(({ finish }, index) => {
      const rest = behind(choices, index);
      chunk(index, choices.tokens[index].length === 0 ? opened('', rest) : '', rest, finish);
    });
    if (request.stream_options?.include_usage) send({ ...head, choices: [], usage: usageOf(choices, n) });
  });
}

function promptsOf({ prompt }: Body): (string | number[])[] {
  if (typeof prompt === 'string') return [prompt];
  return typeof prompt[0] === 'number' ? [prompt as number[]] : (prompt as (string | number[])[]);
}

function textRequests(body: Body, prompt: string | number[]): TextRequest[] {
  const options = {
    ...samplingOptions(body),
    maxNewTokens: body.max_tokens ?? defaultMaxTokens,
    alternatives: body.logprobs,
  };
  return seedsOf(body.seed, body.n ?? 1).map((seed) => ({
    prompt,
    echo: body.echo ?? false,
    options: { ...options, seed },
  }));
}

/** @param offset characters shown before these tokens */
function logProbsOf(tokens: readonly EngineToken[], offset: number): object {
  let at = offset;
  return {
    tokens: tokens.map(({ text }) => text),
    token_logprobs: tokens.map(({ alternatives }) => alternatives?.logProb ?? null),
    top_logprobs: tokens.map(({ text, alternatives }) => {
      if (!alternatives) return null;
      const all = alternatives.likeliest.map((other) => [other.text, other.logProb] as const);
      // Tokens may spell alike; the likelier one stands. The token itself is always among them.
      return Object.fromEntries([[text, alternatives.logProb], ...all.toReversed()]);
    }),
    text_offset: tokens.map((token) => {
      const start = at;
      at += shownText(token).length;
      return start;
    }),
  };
}

function shownText({ text, isControl }: EngineToken): string {
  return isControl ? '' : text;
}
