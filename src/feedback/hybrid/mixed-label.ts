/** One label for an item from what judge and people said of it. */
import { pairsOf } from '../../constitution/index.ts';
import { mergeRankings } from '../labels/merge-rankings.ts';
import { type Calibrator, calibrated } from '../routing/calibrate.ts';
import type { RoutedItem } from './advance-hybrid.ts';
import { outcomesOf, preferencesOf } from './judged-item.ts';

/** Who is behind a mixed label. */
export type LabelSource = 'ai' | 'people' | 'both' | 'adjudicator';

export interface MixedLabel {
  readonly prompt: unknown;
  /** [K] */
  readonly responses: readonly unknown[];
  /** [K] 1 = best, equal = tie, null = not judged. */
  readonly ranks: readonly (number | null)[];
  /** [K][K] probability that people prefer i to j. */
  readonly preferences: readonly (readonly (number | null)[])[];
  readonly source: LabelSource;
  /** How the item was routed, and whether people audited the judge's label. */
  readonly placing: RoutedItem['placing'];
  readonly audited: boolean;
  /** The judge's confidence, as stated. */
  readonly confidence: number;
  /** Events of the ledger that the label was made of. */
  readonly labels: readonly string[];
}

/**
 * - by the judge alone: its probabilities, calibrated
 * - by people alone (in the sample, routed to them, or audited): shares of their rankings
 * - by both, agreeing: the mean of the two; with a decision, that alone
 * @returns null where people were to label and all skipped
 */
export function mixedLabel(routed: RoutedItem, calibrator: Calibrator): MixedLabel | null {
  const { judged, placing, audited, labels, disagreement, decision } = routed;
  const K = judged.item.responses.length;
  const common = { ...contentOf(routed), placing, audited, confidence: judged.confidence };
  const byJudge = judged.probabilities.map((p) => calibrated(calibrator, p));
  const people = labels.length === 0 ? null : mergeRankings(labels.map(({ ranks }) => ranks));
  const events = labels.map(({ eventId }) => eventId);
  if (decision) {
    const preferences = preferencesOfOutcomes(outcomesOf(decision.ranks), K);
    const all = [...events, judged.eventId, decision.eventId];
    return { ...common, ranks: decision.ranks, preferences, source: 'adjudicator', labels: all };
  }
  if (placing === 'ai' && !people) {
    const preferences = preferencesOf(byJudge, K);
    return { ...common, ranks: judged.ranks, preferences, source: 'ai', labels: [judged.eventId] };
  }
  if (!people) return null;
  if (placing !== 'both' || disagreement) {
    return { ...common, ...people, source: 'people', labels: events };
  }
  const mean = pairsOf(K).map(([i, j], n) => {
    const said = people.preferences[i][j];
    return said === null ? byJudge[n] : (said + byJudge[n]) / 2;
  });
  return {
    ...common,
    ranks: people.ranks,
    preferences: preferencesOf(mean, K),
    source: 'both',
    labels: [...events, judged.eventId],
  };
}

function preferencesOfOutcomes(outcomes: readonly (number | null)[], K: number): (number | null)[][] {
  const preferences = Array.from({ length: K }, () => new Array<number | null>(K).fill(null));
  for (const [n, [i, j]] of pairsOf(K).entries()) {
    const outcome = outcomes[n];
    preferences[i][j] = outcome;
    preferences[j][i] = outcome === null ? null : 1 - outcome;
  }
  return preferences;
}

/** Responses to a conversation are turns of it; those to a plain prompt are plain texts. */
function contentOf({ judged: { item } }: RoutedItem): Pick<MixedLabel, 'prompt' | 'responses'> {
  const { prompt, responses } = item;
  const isText = typeof prompt === 'string';
  return {
    prompt,
    responses: responses.map(({ text }) => (isText ? text : [{ role: 'assistant', content: text }])),
  };
}
