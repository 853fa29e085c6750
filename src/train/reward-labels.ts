/**
 * What each head of a reward model learns from each ranking, and its pairs as a batch.
 *
 * Shapes: H heads, R responses of a micro-batch, P pairs; scores are [R · H], the heads of a response side by side.
 */
import { Random } from '../base/index.ts';
import type { EncodedRanking } from '../data/index.ts';
import type { RewardHeads } from '../model/index.ts';
import { rankingPairs } from '../objective/index.ts';

/** One ranking as one head sees it. */
export interface HeadLabels {
  /** [K] 1 = best, equal = tie, null = not judged. */
  readonly ranks: readonly (number | null)[];
  readonly preferences?: readonly (readonly (number | null)[])[];
  readonly margin?: number;
}

export interface LabelledRanking {
  readonly ranking: EncodedRanking;
  /** [H] null = says nothing to this head. */
  readonly labels: readonly (HeadLabels | null)[];
}

/**
 * Heads of objectives learn from the labels of theirs; `overall` names the overall judgement. Members of an ensemble all
 * learn from the overall judgement, each from a random share of the rankings, so that they differ.
 * @param options.headShare share of the rankings that each member learns from, in (0, 1]. Default 1
 * @see Osband et al. 2016, "Deep exploration via bootstrapped DQN", arXiv:1602.04621, for heads on shared features
 */
export function labelRankings(
  rankings: readonly EncodedRanking[],
  { kind, names }: Pick<RewardHeads, 'kind' | 'names'>,
  options: { readonly headShare?: number; readonly seed?: number } = {},
): LabelledRanking[] {
  const { headShare = 1, seed = 0 } = options;
  return rankings.map((ranking, i) => {
    if (kind === 'objectives') return { ranking, labels: names.map((name) => labelsBy(ranking, name)) };
    if (kind === 'single') return { ranking, labels: [ranking] };
    const draw = new Random(seed).fork(`ranking ${i}`);
    const drawn = names.map(() => headShare >= 1 || draw.uniform() < headShare);
    drawn[i % names.length] ||= !drawn.includes(true); // none is lost to all
    return { ranking, labels: drawn.map((learns) => (learns ? ranking : null)) };
  });
}

/** Of one objective; of `overall` where the data have no objective of that name, the judgement as a whole. */
function labelsBy(ranking: EncodedRanking, name: string): HeadLabels | null {
  const found = ranking.objectives?.[name];
  return found ?? (name === 'overall' ? ranking : null);
}

export interface HeadPairs {
  /** [P] index of the better response's score among [R · H]. */
  readonly better: Int32Array;
  readonly worse: Int32Array;
  /** [P] 1 / (pairs of its ranking for its head): every ranking weighs the same to every head. */
  readonly weights: Float32Array;
  /** [P] probability that `better` is better. */
  readonly targets: Float32Array;
  /** [P] gap that the scores should have, score units. */
  readonly margins: Float32Array;
  /** Rankings that gave a pair, counted for each head. */
  readonly labelled: number;
}

/** The pairs of all heads. */
export function headPairs(
  rankings: readonly LabelledRanking[],
  heads: number,
  { ties, useMargins = true }: { readonly ties: 'half' | 'skip'; readonly useMargins?: boolean },
): HeadPairs {
  const parts = Array.from({ length: heads }, (_, h) => {
    const labels = rankings.map(({ ranking, labels: all }) => all[h] ?? unjudged(ranking));
    const pairs = rankingPairs(
      labels.map(({ ranks }) => ranks),
      { ties, preferences: labels.map(({ preferences }) => preferences) },
    );
    const marginOf = labels.flatMap(({ ranks, margin = 0 }) => ranks.map(() => margin));
    return {
      ...pairs,
      better: pairs.better.map((response) => response * heads + h),
      worse: pairs.worse.map((response) => response * heads + h),
      margins: Float32Array.from(pairs.better, (response) => (useMargins ? marginOf[response] : 0)),
    };
  });
  const join = (key: 'weights' | 'targets' | 'margins'): Float32Array =>
    Float32Array.from(parts.flatMap((part) => Array.from(part[key])));
  return {
    better: Int32Array.from(parts.flatMap(({ better }) => Array.from(better))),
    worse: Int32Array.from(parts.flatMap(({ worse }) => Array.from(worse))),
    weights: join('weights'),
    targets: join('targets'),
    margins: join('margins'),
    labelled: parts.reduce((sum, part) => sum + part.rankings, 0),
  };
}

function unjudged({ responses }: EncodedRanking): HeadLabels {
  return { ranks: responses.map(() => null) };
}
