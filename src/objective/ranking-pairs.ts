/** From rankings of K responses to the pairs a reward model learns from. */
import { TenetError } from '../base/index.ts';

/** Ranks of one prompt's responses: from 1 = best, equal = tie, null = not judged. */
export type Ranks = readonly (number | null)[];

/** Soft labels of K responses, [K][K]: probability that response i is better than response j; null = not judged. */
export type Preferences = readonly (readonly (number | null)[])[];

export interface RankingPairs {
  /** [P] index of the better response among all rankings' responses, in order, unjudged ones included. */
  readonly better: Int32Array;
  /** [P] index of the worse one. */
  readonly worse: Int32Array;
  /** [P] 1 / (pairs of its ranking): every ranking weighs the same, however many responses it has. */
  readonly weights: Float32Array;
  /** [P] probability that `better` is better: 1, or 0.5 for a tie; with soft labels anything from 0.5 to 1. */
  readonly targets: Float32Array;
  /** Rankings that gave at least one pair: what the weighted sum of losses is divided by. */
  readonly rankings: number;
  /** Positions of rankings that gave no pair (fewer than two judged responses, or only skipped ties). */
  readonly empty: readonly number[];
}

/**
 * All K (K − 1) / 2 pairs of every ranking, so that one forward pass per response serves all its comparisons and
 * a ranking is one element of the batch (InstructGPT found that spreading its pairs over batches overfits).
 * @param rankings one entry per prompt
 * @param options.ties `half`: a tie is a pair with target ½, pulling both scores together (−½ log σ(d) −
 *   ½ log σ(−d)). `skip`: ties give no pair. Default half.
 * @param options.preferences one entry per prompt, or fewer: soft labels, which count instead of the ranks
 *   (Bai et al. 2022, arXiv:2212.08073, section 4.1)
 * @throws TenetError('data') naming every rank that is not a whole number from 1, or null
 * @see Ouyang et al. 2022, arXiv:2203.02155, section 3.5, eq. 1.
 */
export function rankingPairs(
  rankings: readonly Ranks[],
  options: {
    readonly ties?: 'half' | 'skip';
    readonly preferences?: readonly (Preferences | undefined)[];
  } = {},
): RankingPairs {
  checkRanks(rankings);
  checkPreferences(rankings, options.preferences ?? []);
  const keepTies = (options.ties ?? 'half') === 'half';
  const better: number[] = [];
  const worse: number[] = [];
  const weights: number[] = [];
  const targets: number[] = [];
  const empty: number[] = [];
  let offset = 0;
  rankings.forEach((ranks, position) => {
    const before = better.length;
    for (let i = 0; i < ranks.length; i++) {
      for (let j = i + 1; j < ranks.length; j++) {
        const soft = options.preferences?.[position];
        const firstIsBetter = soft ? soft[i][j] : certainty(ranks[i], ranks[j]);
        if (firstIsBetter === null || (firstIsBetter === 0.5 && !keepTies)) continue;
        const firstWins = firstIsBetter >= 0.5;
        better.push(offset + (firstWins ? i : j));
        worse.push(offset + (firstWins ? j : i));
        targets.push(firstWins ? firstIsBetter : 1 - firstIsBetter);
      }
    }
    const pairs = better.length - before;
    if (pairs === 0) empty.push(position);
    for (let k = 0; k < pairs; k++) weights.push(1 / pairs);
    offset += ranks.length;
  });
  return {
    better: Int32Array.from(better),
    worse: Int32Array.from(worse),
    weights: Float32Array.from(weights),
    targets: Float32Array.from(targets),
    rankings: rankings.length - empty.length,
    empty,
  };
}

/** What two ranks say of the first: 1 better, 0 worse, ½ a tie, null not judged. */
function certainty(first: number | null, second: number | null): number | null {
  if (first === null || second === null) return null;
  return first === second ? 0.5 : first < second ? 1 : 0;
}

function checkPreferences(rankings: readonly Ranks[], all: readonly (Preferences | undefined)[]): void {
  all.forEach((preferences, position) => {
    const count = rankings[position]?.length ?? 0;
    const isSquare = preferences?.length === count && preferences.every((row) => row.length === count);
    const isProbable = preferences?.flat().every((p) => p === null || (p >= 0 && p <= 1));
    if (preferences === undefined || (isSquare && isProbable)) return;
    throw new TenetError(
      'data',
      `rankingPairs: the soft labels of ranking ${position} must be ${count} × ${count} probabilities, or null for not judged`,
    );
  });
}

function checkRanks(rankings: readonly Ranks[]): void {
  const problems: string[] = [];
  rankings.forEach((ranks, position) => {
    ranks.forEach((rank, response) => {
      if (rank === null || (Number.isInteger(rank) && rank >= 1)) return;
      problems.push(`ranking ${position}, response ${response}: ${rank}`);
    });
  });
  if (problems.length === 0) return;
  throw new TenetError(
    'data',
    `rankingPairs: ranks are whole numbers from 1 (best), or null for not judged; got ${problems.join('; ')}`,
    { details: { problems } },
  );
}
