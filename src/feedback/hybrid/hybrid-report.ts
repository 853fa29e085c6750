/** What came of labelling by judge and people: who did what, how good the judge's part is, what it cost. */
import { clopperPearsonInterval, type Interval } from '../../objective/index.ts';
import { calibrated } from '../routing/calibrate.ts';
import { type PoweredEstimate, predictionPoweredMean } from '../routing/prediction-powered.ts';
import type { Placing, RoutedItem } from './advance-hybrid.ts';
import { medianOf, peopleCost, usualSecondsPerLabel } from './costs.ts';
import type { HybridOptions } from './hybrid-options.ts';
import { agreementWith } from './judged-item.ts';
import type { Measured } from './measure-judge.ts';
import { type LabelSource, type MixedLabel, mixedLabel } from './mixed-label.ts';

export interface HybridReport {
  readonly items: number;
  readonly measured: Measured;
  readonly placings: Readonly<Record<Placing, number>>;
  readonly sources: Readonly<Record<LabelSource, number>>;
  /** Items that people were to label and skipped. */
  readonly unlabelled: number;
  /** Items that both labelled, and those of them where they disagreed. */
  readonly both: { readonly items: number; readonly disagreements: number };
  readonly audits: AuditReport;
  readonly cost: HybridCost;
}

/** How often people agree with what the judge labelled alone, from the audits. */
export interface AuditReport {
  /** Items that the judge labelled alone, audited ones included. */
  readonly items: number;
  readonly audited: number;
  /** From the audits alone; exact where people agree or do not. Null without audits. */
  readonly agreement: Interval | null;
  /** With the judge's calibrated confidence in all the other items. Null for fewer than two audits. */
  readonly powered: PoweredEstimate | null;
  /** `below`: people agree less often than was wanted, beyond chance; tighten the thresholds. */
  readonly verdict: 'holds' | 'below' | 'open';
}

export interface HybridCost {
  readonly labelsByPeople: number;
  readonly secondsPerLabel: number;
  /** Whether that was measured. */
  readonly measured: boolean;
  readonly hours: number;
  readonly peopleUsd: number;
  /** Null where a price is not known. */
  readonly judgeUsd: number | null;
  /** The same items labelled by people alone. */
  readonly peopleAloneUsd: number;
  readonly peopleAloneHours: number;
}

export function reportHybrid(
  items: readonly RoutedItem[],
  measured: Measured,
  options: HybridOptions,
): { readonly report: HybridReport; readonly labels: readonly MixedLabel[] } {
  const labels = items.flatMap((routed) => mixedLabel(routed, measured.calibration.calibrator) ?? []);
  const placings: Record<Placing, number> = { sample: 0, ai: 0, both: 0, people: 0 };
  for (const { placing } of items) placings[placing]++;
  const sources: Record<LabelSource, number> = { ai: 0, people: 0, both: 0, adjudicator: 0 };
  for (const { source } of labels) sources[source]++;
  const report: HybridReport = {
    ...{ items: items.length, measured, placings, sources },
    unlabelled: items.length - labels.length,
    both: { items: placings.both, disagreements: items.filter(({ disagreement }) => disagreement).length },
    audits: auditReport(items, measured, options),
    cost: costOf(items, options),
  };
  return { report, labels };
}

function auditReport(
  items: readonly RoutedItem[],
  { calibration }: Measured,
  { target }: HybridOptions,
): AuditReport {
  const alone = items.filter(({ placing }) => placing === 'ai');
  const predicted = ({ judged }: RoutedItem): number => calibrated(calibration.calibrator, judged.confidence);
  const labelled = alone.flatMap((routed) => {
    const values = routed.labels.flatMap(
      ({ ranks }) => agreementWith(routed.judged.probabilities, ranks) ?? [],
    );
    if (values.length === 0) return [];
    return [
      { label: values.reduce((sum, value) => sum + value, 0) / values.length, prediction: predicted(routed) },
    ];
  });
  const others = alone.filter(({ labels }) => labels.length === 0).map(predicted);
  const agreement = intervalOf(labelled.map(({ label }) => label));
  return {
    items: alone.length,
    audited: labelled.length,
    agreement,
    powered: labelled.length < 2 ? null : predictionPoweredMean(labelled, others),
    verdict:
      agreement === null
        ? 'open'
        : agreement.high < target
          ? 'below'
          : agreement.low >= target
            ? 'holds'
            : 'open',
  };
}

/** Exact for agreements that are 0 or 1; others are rounded so that the interval gets wider, not narrower. */
function intervalOf(values: readonly number[]): Interval | null {
  if (values.length === 0) return null;
  const sum = values.reduce((total, value) => total + value, 0);
  const [low, high] = [Math.floor(sum), Math.ceil(sum)].map((hits) =>
    clopperPearsonInterval(hits, values.length),
  );
  return { estimate: sum / values.length, low: low.low, high: high.high };
}

function costOf(items: readonly RoutedItem[], options: HybridOptions): HybridCost {
  const given = items.flatMap(({ labels, decision }) => [...labels, ...(decision ? [decision] : [])]);
  const times = given.flatMap(({ activeMs }) => (activeMs === null ? [] : [activeMs / 1000]));
  const median = medianOf(times);
  const secondsPerLabel = options.secondsPerLabel ?? median ?? usualSecondsPerLabel;
  const own = peopleCost(given.length, { ...options, secondsPerLabel });
  const alone = peopleCost(items.length * options.overlap, { ...options, secondsPerLabel });
  const prices = items.map(({ judged }) => judged.costUsd);
  return {
    labelsByPeople: given.length,
    secondsPerLabel,
    measured: options.secondsPerLabel === undefined && median !== undefined,
    hours: own.hours,
    peopleUsd: own.costUsd,
    judgeUsd: prices.every((price) => price !== null) ? prices.reduce((sum, price) => sum + price, 0) : null,
    peopleAloneUsd: alone.costUsd,
    peopleAloneHours: alone.hours,
  };
}
