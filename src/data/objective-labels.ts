/** Judgements by one objective each, beside the overall one: helpful, harmless, polite … */

/** How K responses were judged by one objective. */
export interface ObjectiveLabels {
  /** [K] 1 = best, equal = tie, null = not judged. */
  readonly ranks: readonly (number | null)[];
  /** Soft labels, [K][K]: probability that response i is better than response j; null = not judged. */
  readonly preferences?: readonly (readonly (number | null)[])[];
}

/** By name; objectives that say nothing of an example are left out. */
export type ObjectivesLabels = Readonly<Record<string, ObjectiveLabels>>;

type Entries<T> = Readonly<Record<string, T | null>> | null | undefined;

/**
 * Of a ranking record.
 * @param ranks  by objective: [K] ranks
 * @param scores by objective: [K] numbers, higher is better, of which only the order within the record counts
 */
export function labelsOfRanking(
  ranks: Entries<readonly (number | null)[]>,
  scores: Entries<readonly (number | null)[]>,
): ObjectivesLabels | undefined {
  return collect([
    ...entriesOf(scores).map(([name, values]) => [name, { ranks: ranksOf(values) }] as const),
    ...entriesOf(ranks).map(([name, values]) => [name, { ranks: values }] as const),
  ]);
}

/** Of a pair: by objective, the probability that chosen is the better one; ½ = a tie. */
export function labelsOfPair(probabilities: Entries<number>): ObjectivesLabels | undefined {
  return collect(
    entriesOf(probabilities).map(([name, p]) => {
      const ranks = p === 0.5 ? [1, 1] : p > 0.5 ? [1, 2] : [2, 1];
      const preferences = [
        [null, p],
        [1 - p, null],
      ];
      return [name, { ranks, preferences }] as const;
    }),
  );
}

/** True where one response is preferred over another. Soft labels, where there are some, count instead of the ranks. */
export function decides({ ranks, preferences }: ObjectiveLabels): boolean {
  if (preferences) return preferences.flat().some((p) => p !== null && p !== 0.5);
  return new Set(ranks.filter((rank) => rank !== null)).size > 1;
}

/** By objective, the probability that response i is better than response j; without those that do not say. */
export function probabilitiesOfPair(
  labels: ObjectivesLabels | undefined,
  i: number,
  j: number,
): Record<string, number> | undefined {
  const entries = Object.entries(labels ?? {}).flatMap(([name, { ranks, preferences }]) => {
    const p = preferences ? preferences[i][j] : certainty(ranks[i], ranks[j]);
    return p === null ? [] : [[name, p] as const];
  });
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}

/** By objective, the ranks alone. */
export function ranksByObjective(
  labels: ObjectivesLabels,
): Readonly<Record<string, readonly (number | null)[]>> {
  return Object.fromEntries(Object.entries(labels).map(([name, { ranks }]) => [name, ranks]));
}

function certainty(first: number | null, second: number | null): number | null {
  if (first === null || second === null) return null;
  return first === second ? 0.5 : first < second ? 1 : 0;
}

function entriesOf<T>(entries: Entries<T>): (readonly [string, T])[] {
  return Object.entries(entries ?? {}).flatMap(([name, value]) =>
    value === null ? [] : [[name, value as T] as const],
  );
}

function collect(entries: readonly (readonly [string, ObjectiveLabels])[]): ObjectivesLabels | undefined {
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}

/** From numbers, higher is better, to ranks from 1. */
function ranksOf(scores: readonly (number | null)[]): (number | null)[] {
  return scores.map((score) =>
    score === null ? null : 1 + scores.filter((other) => other !== null && other > score).length,
  );
}
