/** A rollout as monitors see it. */
import { type BatchSummary, textFeatures, type WatchedResponse } from '../../monitor/index.ts';
import type { WatchedRollout } from '../../train/index.ts';

/** The reward as reports call it: of a mix the weighted sum. */
export function rewardsOf({ scores, mixed }: WatchedRollout): Float32Array {
  return mixed?.sums ?? scores;
}

/**
 * @param found.heldOut  [B] or fewer, of the first responses
 * @param found.outlying [B] 1 = unlike what the reference writes, to the reward model; null: not known
 */
export function watchedResponses(
  rollout: WatchedRollout,
  { heldOut, outlying }: { readonly heldOut: ArrayLike<number>; readonly outlying: ArrayLike<number> | null },
): WatchedResponse[] {
  const rewards = rewardsOf(rollout);
  const divergences = rollout.logProbs === rollout.referenceLogProbs ? null : divergencesOf(rollout);
  const spreads = Object.values(rollout.mixed?.spreads ?? {});
  return rollout.items.map(({ promptText, responseText, ended }, i) => ({
    prompt: promptText,
    response: responseText,
    ended,
    reward: rewards[i],
    heldOut: heldOut[i],
    ...(outlying && { outlying: outlying[i] }),
    ...(divergences && { kl: divergences[i] }),
    ...(spreads.length > 0 && {
      spread: spreads.reduce((sum, values) => sum + values[i], 0) / spreads.length,
    }),
  }));
}

/** [B] log-ratio to the reference, nats, over the counted tokens. */
function divergencesOf({ items, length, counted, logProbs, referenceLogProbs }: WatchedRollout): number[] {
  return items.map((_, i) => {
    let sum = 0;
    for (let t = i * length; t < (i + 1) * length; t++) {
      if (counted[t] === 1) sum += logProbs[t] - referenceLogProbs[t];
    }
    return sum;
  });
}

/** What is recorded beside the stage's own metrics. */
export function monitorMetrics(batch: BatchSummary): Record<string, number> {
  const { heldOut, features, correlations, declining, outliers } = batch;
  return {
    ...(heldOut && { 'monitor/held_out': heldOut.mean }),
    ...Object.fromEntries(
      textFeatures.flatMap((feature) =>
        feature === 'length' ? [] : [[`monitor/share/${feature}`, features[feature].mean]],
      ),
    ),
    'monitor/share/declining': declining.mean,
    ...(outliers && { 'monitor/outliers': outliers.mean }),
    'monitor/words': features.length.mean,
    ...(correlations.length !== undefined && { 'monitor/correlation/words': correlations.length }),
  };
}
