/**
 * The Plackett–Luce loss: a ranking as a series of choices of the best among those that remain. An alternative to
 * averaging over pairs (`bradley-terry.ts`); for two responses they are the same.
 *
 * Shapes: R responses of all rankings, S choices, K responses in the longest ranking.
 * @see Plackett 1975, Applied Statistics 24; Xia et al. 2008, "Listwise approach to learning to rank" (ListMLE).
 */
import { add, divide, gatherRows, logSumExp, multiply, subtract, sum, type Tensor } from '../tensor/index.ts';
import type { Ranks } from './ranking-pairs.ts';

export interface RankingChoices {
  /** [S] index of the chosen response among all rankings' responses, in order. */
  readonly chosen: Int32Array;
  /** [S, K] indices of the responses it was chosen from, itself included; repeated chosen index as filling. */
  readonly candidates: Int32Array;
  /** [S, K] 1 = a real candidate, 0 = filling. */
  readonly isCandidate: Float32Array;
  /** [S] 1 / (choices of its ranking). */
  readonly weights: Float32Array;
  /** K. */
  readonly width: number;
  /** Rankings that gave at least one choice. */
  readonly rankings: number;
}

/**
 * The choices behind rankings: each judged response was chosen among those ranked no better. Tied responses are
 * each chosen from the same set (Breslow's treatment of ties). A choice among one is none.
 * @param rankings ranks from 1 = best, equal = tie, null = not judged
 */
export function rankingChoices(rankings: readonly Ranks[]): RankingChoices {
  const choices: { chosen: number; from: number[]; weight: number }[] = [];
  let offset = 0;
  let used = 0;
  for (const ranks of rankings) {
    const own = ranks.flatMap((rank, i) => {
      if (rank === null) return [];
      const from = ranks.flatMap((other, j) => (other !== null && other >= rank ? [offset + j] : []));
      return from.length > 1 ? [{ chosen: offset + i, from }] : [];
    });
    choices.push(...own.map((choice) => ({ ...choice, weight: 1 / own.length })));
    if (own.length) used++;
    offset += ranks.length;
  }
  const width = choices.reduce((widest, { from }) => Math.max(widest, from.length), 1);
  const cells = choices.flatMap(({ chosen, from }) =>
    Array.from({ length: width }, (_, k) => ({ index: from[k] ?? chosen, real: k < from.length ? 1 : 0 })),
  );
  return {
    chosen: Int32Array.from(choices, ({ chosen }) => chosen),
    candidates: Int32Array.from(cells, ({ index }) => index),
    isCandidate: Float32Array.from(cells, ({ real }) => real),
    weights: Float32Array.from(choices, ({ weight }) => weight),
    width,
    rankings: used,
  };
}

/** Low enough that e to it is 0 beside any score, high enough to stay finite in float32. */
const never = -1e9;

/**
 * Σ weight · (log Σ over candidates of e^score − score of the chosen) / normaliser.
 * @param options.scores      [R] score of every response; differentiated
 * @param options.chosen      [S] int32
 * @param options.candidates  [S, K] int32
 * @param options.isCandidate [S, K] real
 * @param options.weights     [S] real
 * @param options.normaliser  scalar. Default Σ weights, the number of rankings
 */
export function plackettLuceLoss(options: {
  readonly scores: Tensor;
  readonly chosen: Tensor;
  readonly candidates: Tensor;
  readonly isCandidate: Tensor;
  readonly weights: Tensor;
  readonly normaliser?: Tensor;
}): Tensor {
  const { scores, isCandidate, weights } = options;
  const among = add(gatherRows(scores, options.candidates), multiply(subtract(1, isCandidate), never)); // [S, K]
  const perChoice = subtract(logSumExp(among, { axes: [-1] }), gatherRows(scores, options.chosen)); // [S]
  return divide(sum(multiply(perChoice, weights)), options.normaliser ?? sum(weights));
}
