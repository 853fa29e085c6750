/** What is kept of the responses of one iteration. */
import { correlation, meanOf } from '../base/index.ts';
import { type Moments, momentsOf } from './statistics.ts';
import { featuresOf, type TextFeature, textFeatures } from './text-features.ts';

/** A response as monitors see it. */
export interface WatchedResponse {
  readonly prompt: string;
  readonly response: string;
  /** True: it ended by itself. */
  readonly ended: boolean;
  /** As the policy is rewarded, in the reward's own units; NaN where it could not be scored. */
  readonly reward: number;
  /** By a reward that the policy does not learn from; NaN or left out where it is not known. */
  readonly heldOut?: number;
  /** Log-ratio to the reference over the whole response, nats. */
  readonly kl?: number;
  /** How far the members of an ensemble of reward models disagree. */
  readonly spread?: number;
  /** 1 = its state in the reward model is unlike those of the reference's responses, 0 = like them. */
  readonly outlying?: number;
}

/** Plain data, about a kilobyte. */
export interface BatchSummary {
  readonly reward: Moments | null;
  readonly heldOut: Moments | null;
  readonly kl: Moments | null;
  readonly spread: Moments | null;
  readonly ended: Moments | null;
  readonly features: Readonly<Record<TextFeature, Moments>>;
  /** Responses that decline: refuse, or say not to know; and that doubt: hedge, or say not to know. */
  readonly declining: Moments;
  readonly doubting: Moments;
  /** Pearson's correlation of the reward with each feature; left out where one of them does not vary. */
  readonly correlations: Readonly<Partial<Record<TextFeature, number>>>;
  /** Reward units for each word more, by least squares within the iteration; null where length does not vary. */
  readonly rewardPerWord: number | null;
  /** Mean spread of the best tenth by reward, less the mean of all; null without an ensemble. */
  readonly spreadOfBest: number | null;
  /** Share of responses whose state in the reward model is unlike the reference's; null where it is not known. */
  readonly outliers: Moments | null;
  /** Share of responses that also answer another prompt, word for word; null with one prompt only. */
  readonly sameAnswer: Moments | null;
}

export function summariseBatch(responses: readonly WatchedResponse[]): BatchSummary {
  const prompts = responses.map(({ prompt }) => prompt);
  const found = responses.map(({ response }) => featuresOf(response));
  const rewards = responses.map(({ reward }) => reward);
  const over = (pick: (response: WatchedResponse) => number | undefined): Moments | null =>
    momentsOf(
      responses.map((response) => pick(response) ?? Number.NaN),
      prompts,
    );
  const column = (feature: TextFeature): number[] => found.map((one) => one[feature]);
  const moments = (values: readonly number[]): Moments => momentsOf(values, prompts) ?? nothing;
  const withLength = correlation(rewards, column('length'));
  const reward = over((one) => one.reward);
  const features = Object.fromEntries(
    textFeatures.map((feature) => [feature, moments(column(feature))]),
  ) as Record<TextFeature, Moments>;
  return {
    reward,
    heldOut: over((one) => one.heldOut),
    kl: over((one) => one.kl),
    spread: over((one) => one.spread),
    ended: over((one) => (one.ended ? 1 : 0)),
    features,
    declining: moments(found.map(({ refusal, ignorance }) => Math.max(refusal, ignorance))),
    doubting: moments(found.map(({ hedging, ignorance }) => Math.max(hedging, ignorance))),
    correlations: Object.fromEntries(
      textFeatures.flatMap((feature) => {
        const r = correlation(rewards, column(feature));
        return r === null ? [] : [[feature, r]];
      }),
    ),
    rewardPerWord:
      withLength === null || !reward ? null : (withLength * reward.deviation) / features.length.deviation,
    spreadOfBest: spreadOfBest(responses),
    outliers: over((one) => one.outlying),
    sameAnswer: new Set(prompts).size > 1 ? momentsOf(sharedAnswers(responses), prompts) : null,
  };
}

const nothing: Moments = { count: 0, mean: 0, deviation: 0, error: 0 };

/** An optimiser that finds where the ensemble is wrong prefers responses on which it disagrees. */
function spreadOfBest(responses: readonly WatchedResponse[]): number | null {
  const known = responses.flatMap(({ reward, spread }) =>
    spread === undefined || Number.isNaN(spread) || Number.isNaN(reward) ? [] : [{ reward, spread }],
  );
  if (known.length < 10) return null;
  const best = [...known].sort((a, b) => b.reward - a.reward).slice(0, Math.ceil(known.length / 10));
  const spreadOf = ({ spread }: { readonly spread: number }): number => spread;
  return meanOf(best.map(spreadOf)) - meanOf(known.map(spreadOf));
}

/** [B] 1 = the same text also answers another prompt. */
function sharedAnswers(responses: readonly WatchedResponse[]): number[] {
  const prompts = new Map<string, Set<string>>();
  const textOf = ({ response }: WatchedResponse): string => response.trim().toLowerCase();
  for (const one of responses) {
    const known = prompts.get(textOf(one)) ?? new Set();
    prompts.set(textOf(one), known.add(one.prompt));
  }
  return responses.map((one) => ((prompts.get(textOf(one))?.size ?? 0) > 1 ? 1 : 0));
}
