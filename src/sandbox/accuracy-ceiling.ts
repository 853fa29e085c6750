/** How accurate a perfect reward model could be on pairs that noisy annotators have labelled. */
import { sigmoid } from '../base/index.ts';
import { type Annotator, meanUtility, noiseScale } from './annotators.ts';
import { goldReward } from './gold-reward.ts';

export interface AccuracyCeiling {
  /** Expected accuracy of the best possible model: one that knows what the panel prefers on average. */
  readonly ceiling: number;
  /** Expected accuracy of the gold reward itself, which has none of the panel's biases. Equal golds count one half. */
  readonly gold: number;
  /** How many pairs were counted. */
  readonly pairs: number;
}

export interface CeilingItem {
  readonly prompt: string;
  readonly responses: readonly string[];
  /** Pairs of equal rank are left out; without ranks every pair counts. */
  readonly ranks?: readonly number[];
  /** Decides how tired the annotators are taken to be. Default 0. */
  readonly itemIndex?: number;
}

/**
 * The accuracy ceiling on held-out rankings, by formula. For each pair, p is the probability that a member of
 * the panel (each equally likely, as tired as the item says) who does not call it a tie prefers the first; no
 * model that sees only the texts can be right more often than max(p, 1 − p).
 *
 * Exact for pairs, and for rankings without ties; in rankings with ties it takes ties pair by pair.
 */
export function accuracyCeiling(items: readonly CeilingItem[], panel: readonly Annotator[]): AccuracyCeiling {
  let best = 0;
  let gold = 0;
  let pairs = 0;
  for (const { prompt, responses, ranks, itemIndex = 0 } of items) {
    const golds = responses.map((text) => goldReward(prompt, text).total);
    const utilities = panel.map((annotator) => responses.map((text) => meanUtility(prompt, text, annotator)));
    for (let i = 0; i < responses.length; i++) {
      for (let j = i + 1; j < responses.length; j++) {
        if (responses[i] === responses[j] || (ranks && ranks[i] === ranks[j])) continue;
        const p = preference(panel, (a) => utilities[a][i] - utilities[a][j], itemIndex);
        best += Math.max(p, 1 - p);
        gold += golds[i] === golds[j] ? 0.5 : golds[i] > golds[j] ? p : 1 - p;
        pairs++;
      }
    }
  }
  return {
    ceiling: pairs === 0 ? Number.NaN : best / pairs,
    gold: pairs === 0 ? Number.NaN : gold / pairs,
    pairs,
  };
}

/** P(first preferred | not a tie) for a random member of the panel. */
function preference(
  panel: readonly Annotator[],
  margin: (annotator: number) => number,
  itemIndex: number,
): number {
  let first = 0;
  let second = 0;
  panel.forEach((annotator, a) => {
    const scale = noiseScale(annotator, itemIndex);
    first += exceeds(margin(a) - annotator.tieThreshold, scale);
    second += exceeds(-margin(a) - annotator.tieThreshold, scale);
  });
  return first + second === 0 ? 0.5 : first / (first + second);
}

/** P(margin + scale · L > 0) where L, the difference of two Gumbel draws, is logistic. */
function exceeds(margin: number, scale: number): number {
  if (scale === 0) return margin > 0 ? 1 : 0;
  return sigmoid(margin / scale);
}
