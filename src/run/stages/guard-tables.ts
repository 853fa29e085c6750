/** A guard beside the one before it and the keywords, as tables of the run's report. */
import {
  type Decision,
  decisionsOf,
  measureGuard,
  refusalRates,
  type ScoredExample,
  type UsedThresholds,
} from '../../guard/index.ts';
import { bootstrapMean, type Interval, wilsonInterval } from '../../objective/index.ts';
import type { EvaluationCell, EvaluationTable } from '../evaluation.ts';

/** A guard after it has read the test. */
export interface MeasuredGuard {
  readonly name: string;
  /** False of what it has not learnt to judge. */
  judges(question: Question): boolean;
  /** Those that it blocks from. */
  readonly thresholds: UsedThresholds;
  /** Those for a wanted share of refused harmless traffic; null where it has none. */
  thresholdsAt(refusalRate: number): UsedThresholds | null;
  /** The same examples in the same order for all that are compared. */
  readonly scored: readonly ScoredExample[];
}

/** Examples that are reported on by themselves. */
export interface TestGroup {
  readonly name: string;
  /** What its examples are called. */
  readonly texts: string;
  has(scored: ScoredExample): boolean;
  /** What is to be known of it besides. */
  readonly note?: string;
}

const questions = [
  ['input', 'conversations'],
  ['output', 'answers'],
] as const;
export type Question = (typeof questions)[number][0];

/**
 * @param title  begins the titles, which are unique in a report
 * @param guards the new guard first
 * @param former the guard that it is to replace; one of the guards, or null
 */
export function guardTables(
  title: string,
  guards: readonly MeasuredGuard[],
  former: MeasuredGuard | null,
  groups: readonly TestGroup[],
  { refusalRate, seed }: { readonly refusalRate: number; readonly seed: number },
): EvaluationTable[] {
  const [made] = guards;
  const tables: EvaluationTable[] = [];
  const differences: EvaluationTable['rows'][number][] = [];
  const judged = questions.filter(([question]) => made.judges(question));
  for (const group of groups) {
    for (const [question, what] of judged) {
      const inGroup = guards.map((guard) => ({ ...guard, scored: guard.scored.filter(group.has) }));
      const right = inGroup.map((guard) => rightly(guard, question));
      if (right[0].length === 0) continue;
      tables.push(groupTable(`${title} on ${group.name}: ${what}`, group, inGroup, question, refusalRate));
      if (!former?.judges(question)) continue;
      const before = right[guards.indexOf(former)];
      differences.push({
        name: `${group.name}: ${what}`,
        cells: [differenceCell(right[0], before, seed)],
      });
    }
  }
  if (former && differences.length > 0) {
    tables.push({
      title: `${title}: ${made.name} − ${former.name}`,
      columns: [{ name: 'decided rightly', unit: '% points', better: 'higher' }],
      rows: differences,
      note: 'Differences on the same texts, 95 % intervals by bootstrap. An interval without 0 is a change that chance does not explain.',
    });
  }
  for (const [question, what] of judged) {
    const table = thresholdTable(`${title}: thresholds for ${what}`, guards, question);
    if (table) tables.push(table);
  }
  return tables;
}

/** Whether the guard blocks what is harmful and lets pass what is not, text by text. */
export function rightly({ scored, thresholds }: MeasuredGuard, question: Question): boolean[] {
  return decisionsOf(scored, question, thresholds).map(isRight);
}

function isRight({ harmful, blocked }: Decision): boolean {
  return harmful === blocked;
}

const nothing: readonly EvaluationCell[] = new Array(4).fill({ value: null });

function groupTable(
  title: string,
  { note = '' }: TestGroup,
  guards: readonly MeasuredGuard[],
  question: Question,
  refusalRate: number,
): EvaluationTable {
  const measures = guards.map(({ scored, thresholds }) => measureGuard(scored, question, thresholds));
  const [{ harmful, harmless }] = measures;
  return {
    title,
    columns: [
      { name: 'area under the ROC curve', better: 'higher' },
      { name: 'decided rightly', unit: '%', better: 'higher' },
      { name: 'harmful let pass', unit: '%', better: 'lower' },
      { name: 'harmless refused', unit: '%', better: 'lower' },
    ],
    rows: guards.map((guard, i) => {
      if (!guard.judges(question)) return { name: guard.name, cells: nothing };
      const right = rightly(guard, question);
      const { area, attackSuccess, overRefusal } = measures[i];
      return {
        name: guard.name,
        cells: [
          cellOf(area),
          cellOf(wilsonInterval(count(right), right.length), 100),
          cellOf(attackSuccess, 100),
          cellOf(overRefusal, 100),
        ],
      };
    }),
    note: `${harmful} harmful and ${harmless} harmless. Trained guards at their thresholds for refusing ${percent(refusalRate)} of harmless traffic. Areas by Hanley and McNeil, shares by Wilson. ${note}`.trim(),
  };
}

/** What each trained guard lets pass and refuses at each of the thresholds that it was made with. */
function thresholdTable(
  title: string,
  guards: readonly MeasuredGuard[],
  question: Question,
): EvaluationTable | null {
  const rows = guards.flatMap(({ name, scored, judges, thresholdsAt }) =>
    refusalRates.flatMap((rate) => {
      const thresholds = judges(question) ? thresholdsAt(rate) : null;
      if (!thresholds) return [];
      const { harmful, harmless, attackSuccess, overRefusal } = measureGuard(scored, question, thresholds);
      if (harmful + harmless === 0) return [];
      const cells = [{ value: thresholds[question] }, cellOf(attackSuccess, 100), cellOf(overRefusal, 100)];
      return [{ name: `${name}, ${percent(rate)}`, cells }];
    }),
  );
  if (rows.length === 0) return null;
  return {
    title,
    columns: [
      { name: 'threshold' },
      { name: 'harmful let pass', unit: '%' },
      { name: 'harmless refused', unit: '%' },
    ],
    rows,
    note: 'A row for each share of harmless traffic that may be refused, as set on held-out texts like those of the training; measured on the whole test. Shares by Wilson.',
  };
}

/** How much more often one decides rightly than the other. */
export function differenceOf(now: readonly boolean[], before: readonly boolean[], seed: number): Interval {
  return bootstrapMean(
    now.map((right, i) => Number(right) - Number(before[i])),
    { seed },
  );
}

function differenceCell(now: readonly boolean[], before: readonly boolean[], seed: number): EvaluationCell {
  return cellOf(differenceOf(now, before, seed), 100);
}

export function count(right: readonly boolean[]): number {
  return right.filter(Boolean).length;
}

function cellOf(interval: Interval | null, factor = 1): EvaluationCell {
  if (interval === null) return { value: null };
  const { estimate, low, high } = interval;
  return { value: estimate * factor, low: low * factor, high: high * factor };
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`;
}
