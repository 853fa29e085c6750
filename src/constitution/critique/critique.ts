/** Critique and revision of one response: the library form, each a few lines to call. */
import type { LanguageModel } from '../../llm/index.ts';
import { type Constitution, type Principle, principleOf, usablePrinciples } from '../constitution.ts';
import { type PromptInput, toMessages } from '../conversation.ts';
import { drawPrinciple, seedFor } from '../draw.ts';
import { jointCritiqueRequest } from '../wording.ts';
import { type Answered, askCritique, askRevision, type Critique, type Revision } from './ask.ts';
import type { FailureKind } from './failures.ts';
import { type AskOptions, askOptions } from './options.ts';

/** A response and what it answers. */
export interface ResponseInput {
  readonly prompt: PromptInput;
  readonly response: string;
}

export interface SingleOptions extends Partial<AskOptions> {
  /** Id of the principle, or several ids to ask about at once. Default: one drawn by weight. */
  readonly principle?: string | readonly string[];
  /** Same seed, same draw, and the same answer where the model supports it. Default 0. */
  readonly seed?: number;
  readonly signal?: AbortSignal;
}

/**
 * Says what is wrong with a response under a principle of the constitution (Bai et al. 2022, section 3.1).
 *
 * An unusable answer (empty, off topic, a copy of the response, …) is asked for again with another seed. When the last
 * try is unusable too it is returned with `failure` set, so look at that before using `text`.
 * @throws TenetError('usage') for a principle or option that does not exist; what the model throws
 */
export async function critique(
  model: LanguageModel,
  input: ResponseInput,
  constitution: Constitution,
  options: SingleOptions = {},
): Promise<Critique> {
  const { principle, seed = 0, signal, ...rest } = options;
  const ask = askOptions.parse(rest);
  const answered = toAnswered(input);
  const principles = chosenPrinciples(constitution, principle, answered, seed);
  return untilUsable(ask.retries, (attempt) =>
    askCritique(answered, principles, {
      model,
      constitution,
      options: ask,
      seed: seedFor(seed, 'critique', attempt),
      signal,
    }),
  );
}

/**
 * Rewrites a response in the light of a critique.
 * @param input.critique as `critique` returned it; or a text, with the principle in the options; null revises without one
 * @throws as `critique` does
 */
export async function revise(
  model: LanguageModel,
  input: ResponseInput & { readonly critique: Critique | string | null },
  constitution: Constitution,
  options: SingleOptions = {},
): Promise<Revision> {
  const { principle, seed = 0, signal, ...rest } = options;
  const ask = askOptions.parse(rest);
  const answered = toAnswered(input);
  const given = input.critique;
  const ids = principle ?? (given !== null && typeof given === 'object' ? given.principles : undefined);
  const principles = chosenPrinciples(constitution, ids, answered, seed);
  const before =
    typeof given === 'string' ? { request: jointCritiqueRequest(principles), text: given } : given;
  return untilUsable(ask.retries, (attempt) =>
    askRevision(answered, before, principles, {
      model,
      constitution,
      options: ask,
      seed: seedFor(seed, 'revision', attempt),
      signal,
    }),
  );
}

/** Asks again while the answer is unusable. @returns the first usable one, or the last */
export async function untilUsable<T extends { readonly failure: FailureKind | null }>(
  retries: number,
  ask: (attempt: number) => Promise<T>,
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    const step = await ask(attempt);
    if (step.failure === null || attempt >= retries) return step;
  }
}

function toAnswered({ prompt, response }: ResponseInput): Answered {
  return { prompt: toMessages(prompt), response };
}

function chosenPrinciples(
  constitution: Constitution,
  ids: string | readonly string[] | undefined,
  { prompt, response }: Answered,
  seed: number,
): readonly Principle[] {
  if (typeof ids === 'string') return [principleOf(constitution, ids)];
  if (ids) return ids.map((id) => principleOf(constitution, id));
  // Another response draws another principle under the same seed.
  const ownSeed = seedFor(seed, JSON.stringify(prompt), response);
  return [drawPrinciple(usablePrinciples(constitution, 'critique'), ownSeed)];
}
