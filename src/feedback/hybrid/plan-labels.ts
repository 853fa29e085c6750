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
 * @param measured      null: only costs are known, and of the hybrid nothing
 * @param humanAgreement how often two people agree
 */
export function planLabels(
  items: readonly JudgedItem[],
  measured: Measured | null,
  options: CostOptions & Pick<HybridOptions, 'auditRate' | 'overlap' | 'calibration'>,
  { humanAgreement }: { readonly humanAgreement: number },
): LabelPlan {
  const { overlap, auditRate } = options;
  const judgeUsd = items.reduce<number | null>(
    (sum, { costUsd }) => (sum === null || costUsd === null ? null : sum + costUsd),
    0,
  );
  const all = peopleCost(items.length * overlap, options);
  const people: PlanRow = {
    ...{ by: 'people', labelsByPeople: items.length * overlap, ...all, agreement: humanAgreement },
  };
  if (!measured) {
    const judge: PlanRow = { by: 'judge', labelsByPeople: 0, hours: 0, costUsd: judgeUsd, agreement: null };
    return { items: items.length, rows: [people, judge], routes: null, humanAgreement };
  }
  const { calibration, thresholds } = measured;
  const certainty = items.map(({ confidence }) => calibrated(calibration.calibrator, confidence));
  const judge: PlanRow = {
    ...{ by: 'judge', labelsByPeople: 0, hours: 0, costUsd: judgeUsd },
    agreement: meanOf(certainty),
  };

  // The sample that measures the judge is labelled by people; the rest is routed.
  const share =
    items.length === 0 ? 0 : Math.max(0, 1 - Math.min(items.length, options.calibration) / items.length);
  const routes: Record<Route, number> = { ai: 0, both: 0, people: 0 };
  let [agreement, decisions] = [0, 0];
  for (const [n, { confidence }] of items.entries()) {
    const route = routeOf(confidence, thresholds);
    routes[route] += share;
    if (route === 'ai') agreement += (1 - auditRate) * certainty[n] + auditRate * humanAgreement;
    else if (route === 'people') agreement += humanAgreement;
    else {
      agreement += agreementOfBoth(certainty[n], humanAgreement);
      decisions += share * (1 - certainty[n]);
    }
  }
  const sample = Math.round((1 - share) * items.length);
  const labels = Math.round(
    overlap * (sample + routes.people + routes.both + auditRate * routes.ai) + decisions,
  );
  const cost = peopleCost(labels, options);
  const mean = items.length === 0 ? 0 : agreement / items.length;
  const hybrid: PlanRow = {
    ...{ by: 'hybrid', labelsByPeople: labels, hours: cost.hours },
    costUsd: judgeUsd === null ? null : judgeUsd + cost.costUsd,
    agreement: share * mean + (1 - share) * humanAgreement,
  };
  const rounded = Object.fromEntries(
    Object.entries(routes).map(([route, count]) => [route, Math.round(count)]),
  ) as Record<Route, number>;
  return { items: items.length, rows: [people, judge, hybrid], routes: rounded, humanAgreement };
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

function meanOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
