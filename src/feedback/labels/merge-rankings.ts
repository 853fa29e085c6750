/** Several rankings of the same responses as one, with soft labels. Shape: K = number of responses. */

/** What several judges make of K responses. */
export interface MergedRanking {
  /** [K] 1 = best, equal = tie, null = not judged by anyone; without gaps. */
  readonly ranks: readonly (number | null)[];
  /** [K][K] share of the judges of both that prefer i to j, a tie counting ½; null = nobody has judged both. */
  readonly preferences: readonly (readonly (number | null)[])[];
}

/**
 * Merges rankings: shares by pair, and ranks by the mean share (Borda's count, for incomplete rankings too).
 * @param rankings each [K]
 * @param weights  [rankings] how much each counts, such as by the reliability of its annotator. Default 1
 */
export function mergeRankings(
  rankings: readonly (readonly (number | null)[])[],
  weights?: readonly number[],
): MergedRanking {
  const K = rankings[0]?.length ?? 0;
  const preferences = Array.from({ length: K }, () => new Array<number | null>(K).fill(null));
  for (let i = 0; i < K; i++) {
    for (let j = i + 1; j < K; j++) {
      let [wins, total] = [0, 0];
      for (const [n, ranks] of rankings.entries()) {
        const [a, b] = [ranks[i], ranks[j]];
        if (a === null || b === null) continue;
        const weight = weights?.[n] ?? 1;
        wins += weight * (a < b ? 1 : a === b ? 0.5 : 0);
        total += weight;
      }
      if (total === 0) continue;
      preferences[i][j] = wins / total;
      preferences[j][i] = 1 - wins / total;
    }
  }
  return { ranks: ranksFrom(preferences), preferences };
}

/** [K] ranks by the mean of the judged entries of each row; equal means are ties. */
function ranksFrom(preferences: readonly (readonly (number | null)[])[]): (number | null)[] {
  const means = preferences.map((row) => {
    const judged = row.filter((p) => p !== null);
    // To 9 digits: the same numbers in another order add up to nearly the same.
    return judged.length === 0
      ? null
      : Math.round((1e9 * judged.reduce((sum, p) => sum + p, 0)) / judged.length);
  });
  const levels = [...new Set(means.filter((mean) => mean !== null))].sort((a, b) => b - a);
  return means.map((mean) => (mean === null ? null : levels.indexOf(mean) + 1));
}
