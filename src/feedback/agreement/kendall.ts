/** Kendall's τ-b and W: agreement of rankings with ties and unjudged entries. Shape: K = number of responses. */

type Ranks = readonly (number | null)[];

/**
 * τ-b of two rankings, over the responses that both have judged: (concordant − discordant pairs) / the geometric mean of
 * the pairs that each of them decides.
 * @returns 1 = the same order, −1 = the reverse; null where one of them decides nothing
 * @see Kendall 1945, Biometrika 33.
 */
export function kendallTauB(first: Ranks, second: Ranks): number | null {
  let [score, inFirst, inSecond] = [0, 0, 0];
  for (let i = 0; i < first.length; i++) {
    if (first[i] === null || second[i] === null) continue;
    for (let j = i + 1; j < first.length; j++) {
      if (first[j] === null || second[j] === null) continue;
      const a = Math.sign(first[i]! - first[j]!);
      const b = Math.sign(second[i]! - second[j]!);
      score += a * b;
      inFirst += a * a;
      inSecond += b * b;
    }
  }
  return inFirst > 0 && inSecond > 0 ? score / Math.sqrt(inFirst * inSecond) : null;
}

/**
 * W, the coefficient of concordance, corrected for ties, over the responses that all have judged.
 * @returns 1 = all rankings alike, 0 = they cancel out; null for fewer than two rankings or two such responses, or where
 *   all are tied
 * @see Kendall and Babington Smith 1939, Ann. Math. Stat. 10; Kendall 1970, "Rank Correlation Methods", chapter 6.
 */
export function kendallW(rankings: readonly Ranks[]): number | null {
  const m = rankings.length;
  if (m < 2) return null;
  const common = rankings[0].flatMap((_, i) => (rankings.every((ranks) => ranks[i] !== null) ? [i] : []));
  const K = common.length;
  if (K < 2) return null;
  const sums = new Array<number>(K).fill(0);
  let ties = 0;
  for (const ranks of rankings) {
    const own = common.map((i) => ranks[i]!);
    for (const [k, rank] of midRanks(own).entries()) sums[k] += rank;
    for (const count of countsOf(own).values()) ties += count ** 3 - count;
  }
  const mean = (m * (K + 1)) / 2;
  const squares = sums.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const most = (m * m * (K ** 3 - K) - m * ties) / 12;
  return most > 0 ? squares / most : null;
}

/** Ranks from 1, tied ones sharing the mean of the places that they take: [1, 1, 5] is [1.5, 1.5, 3]. */
function midRanks(ranks: readonly number[]): number[] {
  const counts = countsOf(ranks);
  return ranks.map((rank) => {
    let before = 0;
    for (const [other, count] of counts) if (other < rank) before += count;
    return before + (counts.get(rank)! + 1) / 2;
  });
}

function countsOf(values: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}
