/** From rankings of K responses to the pairs a reward model learns from. */
import { TenetError } from '../base/index.ts';

/** Ranks of one prompt's responses: from 1 = best, equal = tie, null = not judged. */
export type Ranks = readonly (number | null)[];

export interface RankingPairs {
  /** [P] index of the better response among all rankings' responses, in order, unjudged ones included. */
  readonly better: Int32Array;
  /** [P] index of the worse one. */
  readonly worse: Int32Array;
  /** [P] 1 / (pairs of its ranking): every ranking weighs the same, however many responses it has. */
  readonly weights: Float32Array;
  /** [P] probability that `better` is better: 1, or 0.5 for a tie. */
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
 * @throws TenetError('data') naming every rank that is not a whole number from 1, or null
 * @see Ouyang et al. 2022, arXiv:2203.02155, section 3.5, eq. 1.
 */
export function rankingPairs(
  rankings: readonly Ranks[],
  options: { readonly ties?: 'half' | 'skip' } = {},
): RankingPairs {
  checkRanks(rankings);
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
        const [a, b] = [ranks[i], ranks[j]];
        if (a === null || b === null || (a === b && !keepTies)) continue;
        const firstWins = a <= b;
        better.push(offset + (firstWins ? i : j));
        worse.push(offset + (firstWins ? j : i));
        targets.push(a === b ? 0.5 : 1);
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
