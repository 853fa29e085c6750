/** Whether the reward still means what it was made for. */
import type { BatchSummary } from '../batch-summary.ts';
import type { Detector } from '../detector.ts';
import type { History } from '../history.ts';
import { outlyingShare } from '../latent/latent-reference.ts';
import { leastCorrelation, type Moments, pool, separation, slopeOf } from '../statistics.ts';
import { featureMeanings, type TextFeature, textFeatures } from '../text-features.ts';
import { percent, readable } from '../words.ts';

const rewardOf = (batch: BatchSummary): Moments | null => batch.reward;
const heldOutOf = (batch: BatchSummary): Moments | null => batch.heldOut;

/** Standard errors from which a move is not chance; many measures are looked at many times. */
export const certain = 4;

export const rewardDetectors: readonly Detector[] = [
  {
    name: 'held-out-fall',
    reads: 'responses',
    find(history, _, window) {
      const fall = fallFromBest(history, window);
      if (!fall) return null;
      const { best, now } = fall;
      const trend = slopeOf(trendOf(history, heldOutOf, 3 * window));
      const proxy = slopeOf(trendOf(history, rewardOf, 3 * window));
      const divides =
        trend !== null &&
        proxy !== null &&
        trend.slope + 3 * trend.error < 0 &&
        proxy.slope - 2 * proxy.error > 0;
      if (!(fall.beyondChance > 2.5 || (divides && fall.beyondChance > 0))) return null;
      return {
        what: `The held-out reward is ${readable(now.mean)} and was ${readable(best.moments.mean)} at step ${best.step}, while the reward is ${readable(history.recent(window, rewardOf)?.mean ?? Number.NaN)}`,
        cause: 'The policy has begun to exploit what the reward gets wrong.',
        remedy: `Go back to the policy of about step ${best.step} (action rollback does), then raise klCoef (or beta), use an ensemble, or label responses of this policy and train the reward model again.`,
      };
    },
  },
  {
    name: 'proxy-gap',
    reads: 'responses',
    find(history, { proxyGap }, window) {
      const [before, now] = [history.baseline(rewardOf), history.recent(window, rewardOf)];
      const [heldBefore, heldNow] = [history.baseline(heldOutOf), history.recent(window, heldOutOf)];
      if (!before || !now || !heldBefore || !heldNow) return null;
      if (!(before.deviation > 0 && heldBefore.deviation > 0)) return null;
      const gain = (now.mean - before.mean) / before.deviation;
      const heldGain = (heldNow.mean - heldBefore.mean) / heldBefore.deviation;
      const error = Math.hypot(
        Math.hypot(now.error, before.error) / before.deviation,
        Math.hypot(heldNow.error, heldBefore.error) / heldBefore.deviation,
      );
      if (!(gain - heldGain > proxyGap && gain - heldGain > certain * error)) return null;
      return {
        what: `The reward has risen by ${readable(gain)} standard deviations and the held-out reward by ${readable(heldGain)}`,
        cause: 'Most of the gain is of a kind that only the reward sees.',
        remedy:
          'Read the samples with the highest reward; use an ensemble, more labels on the policy’s own responses, or a stronger penalty.',
      };
    },
  },
  {
    name: 'ensemble-spread',
    reads: 'responses',
    find(history, { spreadGrowth }, window) {
      const spreadOf = (batch: BatchSummary): Moments | null => batch.spread;
      const [before, now] = [history.baseline(spreadOf), history.recent(window, spreadOf)];
      if (!before || !now) return null;
      const grown = now.mean > spreadGrowth * before.mean && separation(before, now) > certain;
      const ofBest = history.later.slice(-window).flatMap(({ batch }) => batch.spreadOfBest ?? []);
      const preferred =
        ofBest.length === window && ofBest.every((extra) => extra > 2 * now.deviation) && now.deviation > 0;
      if (!grown && !preferred) return null;
      return {
        what: grown
          ? `The reward models disagree ${readable(now.mean / before.mean)} times as much as about the reference's responses`
          : 'The best responses by reward are those about which the reward models disagree most',
        cause: 'The policy writes what the reward models have not learnt to judge.',
        remedy: 'Set ensemble to worst-case or mean minus spread, or label such responses and train again.',
      };
    },
  },
  {
    name: 'latent-outliers',
    reads: 'responses',
    find(history, { outliers }, window) {
      const now = history.recent(window, (batch) => batch.outliers);
      if (!now || !(now.mean > outliers && now.mean - outlyingShare > certain * now.error)) return null;
      return {
        what: `In the eyes of the reward model ${percent(now.mean)} of responses lie further out than 99 % of the reference's`,
        cause:
          'The policy writes what neither the reference nor, probably, the reward model’s training data has, so that rewards are guesses there: often the start of a hack.',
        remedy:
          'Read the newest samples with the highest reward; label responses of this policy and train the reward model again, raise klCoef (or beta), or use an ensemble.',
      };
    },
  },
  {
    name: 'reward-length',
    reads: 'responses',
    find: (history, { correlation }, window) => correlated(history, ['length'], correlation, window),
  },
  {
    name: 'reward-style',
    reads: 'responses',
    find: (history, { correlation }, window) =>
      correlated(
        history,
        textFeatures.filter((feature) => feature !== 'length' && feature !== 'repetition'),
        correlation,
        window,
      ),
  },
  {
    name: 'feature-drift',
    reads: 'responses',
    find(history, { drift }, window) {
      const moved = textFeatures.flatMap((feature) => {
        const before = history.baseline((batch) => batch.features[feature]);
        const now = history.recent(window, (batch) => batch.features[feature]);
        if (!before || !now || Math.abs(separation(before, now)) < certain) return [];
        // A phrase that the reference never uses has no deviation to measure by.
        const size = (now.mean - before.mean) / Math.max(before.deviation, 0.1);
        return Math.abs(size) > drift ? [{ feature, before, now, size }] : [];
      });
      if (moved.length === 0) return null;
      const list = moved
        .sort((a, b) => Math.abs(b.size) - Math.abs(a.size))
        .map(({ feature, before, now }) => `${feature} ${readable(before.mean)} → ${readable(now.mean)}`);
      return {
        what: `The style of responses has left the reference's: ${list.join(', ')}`,
        cause: `It is rewarded, or goes along with what is (${moved[0].feature}: ${featureMeanings[moved[0].feature]}).`,
        remedy: 'If the change is not wanted, take the style out of the reward, or raise klCoef (or beta).',
      };
    },
  },
  {
    name: 'same-answer',
    reads: 'responses',
    find(history, { sameAnswer }, window) {
      const shareOf = (batch: BatchSummary): Moments | null => batch.sameAnswer;
      const [before, now] = [history.baseline(shareOf), history.recent(window, shareOf)];
      if (!before || !now || !(now.mean - before.mean > sameAnswer && separation(before, now) > certain))
        return null;
      return {
        what: `${percent(now.mean)} of responses also answer another prompt, word for word (${percent(before.mean)} at the start)`,
        cause: 'A text that fits every prompt is rewarded whatever was asked.',
        remedy:
          'Give the reward model comparisons of such texts with real answers; raise klCoef (or beta) or entropyCoef.',
      };
    },
  },
];

export interface FallFromBest {
  readonly best: { readonly step: number; readonly moments: Moments };
  readonly now: Moments;
  /** Standard errors by which the fall exceeds what chance makes of the highest of so many means; below 0: none. */
  readonly beyondChance: number;
}

/** How far the held-out reward is below the best window so far; null where there is nothing to compare. */
export function fallFromBest(history: History, window: number): FallFromBest | null {
  const measured = history.batches.filter(({ batch }) => batch.heldOut !== null);
  const now = history.recent(window, heldOutOf);
  let best: { step: number; moments: Moments } | null = null;
  for (let end = 1; end <= measured.length - window; end++) {
    const parts = measured.slice(Math.max(0, end - window), end);
    const moments = pool(parts.map(({ batch }) => batch.heldOut));
    if (moments && (best === null || moments.mean > best.moments.mean)) {
      best = { step: parts[parts.length - 1].step, moments };
    }
  }
  if (!best || !now) return null;
  // The highest of m means of noise lies about √(2 ln m) errors above their middle.
  const independent = Math.max(1, (measured.length - window) / window);
  const chance = Math.sqrt(2 * Math.log(independent));
  return { best, now, beyondChance: -separation(best.moments, now) - chance };
}

/** The measure over the newest iterations, for a straight line. */
function trendOf(
  { batches }: Pick<History, 'batches'>,
  pick: (batch: BatchSummary) => Moments | null,
  count: number,
): { readonly x: number; readonly y: number; readonly error: number }[] {
  return batches
    .flatMap(({ step, batch }) => {
      const moments = pick(batch);
      return moments ? [{ x: step, y: moments.mean, error: moments.error }] : [];
    })
    .slice(-count);
}

/** A trait that the reward follows over several iterations, more strongly than chance. */
function correlated(
  history: History,
  features: readonly TextFeature[],
  threshold: number,
  window: number,
): { readonly what: string; readonly cause: string; readonly remedy: string } | null {
  const newest = history.batches.slice(-window);
  if (newest.length < window) return null;
  const count = newest.reduce((sum, { batch }) => sum + (batch.reward?.count ?? 0), 0);
  const found = features.flatMap((feature) => {
    const values = newest.flatMap(({ batch }) => batch.correlations[feature] ?? []);
    if (values.length < window) return [];
    const r = values.reduce((a, b) => a + b, 0) / window;
    // Only traits that pay: a reward that punishes a style is not gamed by it.
    return r > 0 && leastCorrelation(r, count) > threshold ? [{ feature, r }] : [];
  });
  if (found.length === 0) return null;
  const list = found.map(({ feature, r }) => `${feature} (r = ${r.toFixed(2)})`).join(', ');
  return {
    what: `The reward follows ${list}`,
    cause: 'The reward model has learnt a taste of its annotators, or a short cut, in place of quality.',
    remedy:
      'Balance the comparisons by this trait or judge them length-controlled, train again, or add an objective that takes its pay away.',
  };
}
