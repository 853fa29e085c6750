/**
 * What labelling a data set would cost and how good the labels would be: by people, by a judge, or shared.
 *
 * Agreement is with one more person, as is measured among people. How often two people agree, h, says how often one of them
 * is right about what most would say, if each errs by herself: h = q² + (1 − q)². A judge that agrees with a person with
 * probability c is then right with a, where c = a q + (1 − a)(1 − q).
 */
import { calibrated } from '../routing/calibrate.ts';
import { type Route, routeOf } from '../routing/route.ts';
import { type CostOptions, peopleCost } from './costs.ts';
import type { HybridOptions } from './hybrid-options.ts';
import type { JudgedItem } from './judged-item.ts';
import type { Measured } from './measure-judge.ts';

export interface PlanRow {
  readonly by: 'people' | 'judge' | 'hybrid';
  readonly labelsByPeople: number;
  readonly hours: number;
  /** Null where the judge's price is not known. */
  readonly costUsd: number | null;
  /** Expected agreement of the labels with one more person; null where nothing has been measured. */
  readonly agreement: number | null;
}

export interface LabelPlan {
  readonly items: number;
  readonly rows: readonly PlanRow[];
  /** Of the hybrid; null where nothing has been measured. */
  readonly routes: Readonly<Record<Route, number>> | null;
  readonly humanAgreement: number;
}

/**
 * @param items    those that the judge has labelled, drawn by chance from the data set, or all of it
 * @param measured null: only costs are known, and of the hybrid nothing
 * @param of.humanAgreement how often two people agree
 * @param of.size  items of the data set. Default: as many as given
 */
export function planLabels(
  items: readonly JudgedItem[],
  measured: Measured | null,
  options: CostOptions & Pick<HybridOptions, 'auditRate' | 'overlap' | 'calibration'>,
  of: { readonly humanAgreement: number; readonly size?: number },
): LabelPlan {
  const { overlap, auditRate, calibration: wanted } = options;
  const { humanAgreement, size = items.length } = of;
  const perItem = meanPrice(items);
  const judgeUsd = perItem === null ? null : perItem * size;
  const people: PlanRow = {
    ...{ by: 'people', labelsByPeople: size * overlap, agreement: humanAgreement },
    ...peopleCost(size * overlap, options),
  };
  const judge: PlanRow = {
    ...{ by: 'judge', labelsByPeople: 0, hours: 0, costUsd: judgeUsd, agreement: null },
  };
  if (!measured || items.length === 0) {
    return { items: size, rows: [people, judge], routes: null, humanAgreement };
  }
  const { calibration, thresholds } = measured;
  const certainty = items.map(({ confidence }) => calibrated(calibration.calibrator, confidence));

  // The sample that measures the judge is labelled by people; the rest is routed, as these items would be.
  const sample = Math.min(size, wanted);
  const weight = (size - sample) / items.length;
  const routes: Record<Route, number> = { ai: 0, both: 0, people: 0 };
  let [agreement, decisions] = [sample * humanAgreement, 0];
  for (const [n, { confidence }] of items.entries()) {
    const route = routeOf(confidence, thresholds);
    routes[route] += weight;
    if (route === 'ai') agreement += weight * ((1 - auditRate) * certainty[n] + auditRate * humanAgreement);
    else if (route === 'people') agreement += weight * humanAgreement;
    else {
      agreement += weight * agreementOfBoth(certainty[n], humanAgreement);
      decisions += weight * (1 - certainty[n]);
    }
  }
  const labels = Math.round(
    overlap * (sample + routes.people + routes.both + auditRate * routes.ai) + decisions,
  );
  const cost = peopleCost(labels, options);
  const hybrid: PlanRow = {
    ...{ by: 'hybrid', labelsByPeople: labels, hours: cost.hours, agreement: agreement / size },
    costUsd: judgeUsd === null ? null : judgeUsd + cost.costUsd,
  };
  return {
    items: size,
    rows: [people, { ...judge, agreement: meanOf(certainty) }, hybrid],
    routes: {
      ai: Math.round(routes.ai),
      both: Math.round(routes.both),
      people: Math.round(routes.people),
    },
    humanAgreement,
  };
}

/** Null where a price is not known. */
function meanPrice(items: readonly JudgedItem[]): number | null {
  const prices = items.flatMap(({ costUsd }) => costUsd ?? []);
  return prices.length < items.length ? null : meanOf(prices);
}

/** Agreement, with one more person, of a label where judge and person agree, or else another person decides. */
export function agreementOfBoth(judge: number, human: number): number {
  const q = rightness(human);
  if (q === 0.5) return human;
  const a = Math.min(1, Math.max(0, (judge - 1 + q) / (2 * q - 1)));
  const right = a * q + (a * (1 - q) + (1 - a) * q) * q;
  return right * q + (1 - right) * (1 - q);
}

/** q in [½, 1] with h = q² + (1 − q)². */
function rightness(h: number): number {
  return (1 + Math.sqrt(Math.max(0, 2 * h - 1))) / 2;
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
