/**
 * How a reward model does on held-out pairs.
 *
 * Shapes: H heads, B responses of all rankings, in order.
 */
import { meanOf } from '../base/index.ts';
import type { EncodedRanking } from '../data/index.ts';
import { type ParameterStore, type RewardHeads, singleHead } from '../model/index.ts';
import { type Interval, pairCalibration, trivialBaselines } from '../objective/index.ts';
import { headPairs, type LabelledRanking, labelRankings } from './reward-labels.ts';
import type { HeadScorer } from './scorers.ts';
import type { Sequence } from './sequences.ts';

/** How the model does on held-out pairs, beside rules that look at nothing but length or position. */
export interface RewardEvaluation {
  readonly pairs: number;
  readonly accuracy: Interval;
  readonly meanMargin: number;
  /** Nats; log 2 = 0.693 for a model that knows nothing. */
  readonly logLoss: number;
  /** Expected calibration error. */
  readonly calibrationError: number;
  readonly longestWins: Interval;
  readonly shortestWins: Interval;
  /** Null when the data names the preferred response first. */
  readonly firstWins: Interval | null;
}

export interface HeadsEvaluation {
  /** Of the one head, or of an ensemble's mean; null for objectives, and where nothing could be measured. */
  readonly evaluation: RewardEvaluation | null;
  /** By name, where there are several heads. */
  readonly heads: Readonly<Record<string, RewardEvaluation | null>>;
}

/** Accuracy, margin and calibration on every decided pair of the rankings. @throws TenetError('usage') when there is none */
export async function evaluateRewardModel(
  scorer: HeadScorer,
  parameters: ParameterStore,
  rankings: readonly EncodedRanking[],
  orderIsNeutral: boolean,
): Promise<RewardEvaluation> {
  const scores = await scorer.scoreLast(parameters, rankings.flatMap(sequencesOf));
  return evaluateScores(scores, labelRankings(rankings, singleHead), 0, orderIsNeutral);
}

/** The same for every head, each by its own labels. */
export async function evaluateHeads(
  scorer: HeadScorer,
  parameters: ParameterStore,
  rankings: readonly EncodedRanking[],
  { kind, names, orderIsNeutral }: Pick<RewardHeads, 'kind' | 'names'> & { readonly orderIsNeutral: boolean },
): Promise<HeadsEvaluation> {
  const scores = await scorer.scoreHeads(parameters, rankings.flatMap(sequencesOf));
  const labelled = labelRankings(rankings, { kind, names });
  const each = names.map((_, h) =>
    hasDecided(labelled, h) ? evaluateScores(scores[h], labelled, h, orderIsNeutral) : null,
  );
  if (kind === 'single') return { evaluation: each[0], heads: {} };
  const heads = Object.fromEntries(names.map((name, h) => [name, each[h]]));
  if (kind === 'objectives' || each[0] === null) return { evaluation: null, heads };
  const mean = scores[0].map((_, i) => meanOf(scores.map((list) => list[i])));
  return { evaluation: evaluateScores(mean, labelled, 0, orderIsNeutral), heads };
}

/** True where a head's labels prefer one response over another; ties say nothing about accuracy. */
export function hasDecided(rankings: readonly LabelledRanking[], head: number): boolean {
  return pairsOfHead(rankings, head).labelled > 0;
}

/** @param scores [B] of one head */
function evaluateScores(
  scores: Float32Array,
  rankings: readonly LabelledRanking[],
  head: number,
  orderIsNeutral: boolean,
): RewardEvaluation {
  const { better, worse } = pairsOfHead(rankings, head);
  const calibration = pairCalibration(
    Float64Array.from(better, (index, i) => scores[index] - scores[worse[i]]),
  );
  const sequences = rankings.flatMap(({ ranking }) => sequencesOf(ranking));
  const lengthAt = (index: number): number => sequences[index].response.length;
  const baselines = trivialBaselines({
    betterLengths: Float64Array.from(better, lengthAt),
    worseLengths: Float64Array.from(worse, lengthAt),
    betterIsFirst: orderIsNeutral
      ? Uint8Array.from(better, (index, i) => (index < worse[i] ? 1 : 0))
      : undefined,
  });
  const { accuracy, meanMargin, logLoss, calibrationError } = calibration;
  return { pairs: calibration.pairs, accuracy, meanMargin, logLoss, calibrationError, ...baselines };
}

function pairsOfHead(rankings: readonly LabelledRanking[], head: number): ReturnType<typeof headPairs> {
  const alone = rankings.map(({ ranking, labels }) => ({ ranking, labels: [labels[head]] }));
  return headPairs(alone, 1, { ties: 'skip' });
}

export function sequencesOf({ prompt, responses }: EncodedRanking): Sequence[] {
  return responses.map((response) => ({ prompt, response }));
}
