/** Labels of a comparison job as data files: preference pairs with soft labels, and rankings. */
import type { Message } from '../../llm/index.ts';
import { pairsOf } from './compare.ts';
import type { ComparedItem } from './compare-job.ts';

/** TRL preference, explicit prompt, with the soft label beside it. */
export interface SoftPreference {
  readonly prompt: readonly Message[];
  readonly chosen: readonly Message[];
  readonly rejected: readonly Message[];
  /** That chosen is better, in [0.5, 1]. */
  readonly probability: number;
  readonly principles: readonly string[];
}

/** A ranking with the soft labels of all its pairs. */
export interface SoftRanking {
  readonly prompt: readonly Message[];
  readonly responses: readonly (readonly Message[])[];
  readonly ranks: readonly number[];
  readonly preferences: readonly (readonly (number | null)[])[];
  readonly principles: readonly string[];
}

/**
 * All pairs of an item, the preferred response first. A pair that is exactly level is left out: a file of pairs cannot
 * say so, a ranking can.
 */
export function softPreferences(item: ComparedItem): SoftPreference[] {
  const { prompt, responses, ranking } = item;
  return pairsOf(responses.length).flatMap(([i, j], n) => {
    const { probability, principles } = ranking.pairs[n];
    if (probability === 0.5) return [];
    const [better, worse] = probability > 0.5 ? [i, j] : [j, i];
    return {
      prompt,
      chosen: [answer(responses[better])],
      rejected: [answer(responses[worse])],
      probability: Math.max(probability, 1 - probability),
      principles: principles.map(({ principle }) => principle),
    };
  });
}

export function softRanking({ prompt, responses, ranking }: ComparedItem): SoftRanking {
  const ids = ranking.pairs.flatMap(({ principles }) => principles.map(({ principle }) => principle));
  return {
    prompt,
    responses: responses.map((text) => [answer(text)]),
    ranks: ranking.ranks,
    preferences: ranking.preferences,
    principles: [...new Set(ids)],
  };
}

function answer(content: string): Message {
  return { role: 'assistant', content };
}
