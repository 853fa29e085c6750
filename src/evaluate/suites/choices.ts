/** Questions with a closed set of answers. */
import type { SuiteContext } from '../suite.ts';

export interface Chosen extends Readonly<Record<string, number>> {
  /** Probability of the first of two options, scaled to the two. */
  readonly probability: number;
  /** What the model gave to both together. */
  readonly mass: number;
}

/**
 * Probability of the first of two options as the answer to a question.
 *
 * Published sets write options with a space in front (" (A)"), as a continuation of the prompt; an assistant's turn begins
 * without one.
 */
export async function chooseFirst(
  question: string,
  options: readonly [string, string],
  { model, seed }: Pick<SuiteContext, 'model' | 'seed'>,
  signal: AbortSignal,
): Promise<Chosen> {
  const { probabilities, mass } = await model.choose(
    {
      messages: [{ role: 'user', content: question.trim() }],
      options: options.map((option) => option.trim()),
      seed,
    },
    { signal },
  );
  return { probability: probabilities[0], mass };
}

/** 1, 0, or ½ where the two are level. */
export function hitOf(probability: number): number {
  return probability > 0.5 ? 1 : probability === 0.5 ? 0.5 : 0;
}

/** Mean of the mass that a model gave to the options; low means that it did not understand the questions. */
export function massNote(masses: readonly number[]): string {
  if (masses.length === 0) return 'The model answered no question.';
  const mean = masses.reduce((sum, mass) => sum + mass, 0) / masses.length;
  const warning = mean < 0.1 ? ' That is little: the model does not see these as answers.' : '';
  return `The model gave the options ${(100 * mean).toFixed(1)} % of its probability on average.${warning}`;
}
