/** What agreement is told apart by: who, what, when, and what may be why people disagree. */
import type { Judgement } from './judgements.ts';
import { byLabel, type Comparison, type SliceBy } from './measure-agreement.ts';

export interface NamedSlice {
  /** What the slices are, for help. */
  readonly title: string;
  readonly by: SliceBy;
}

/** Bands of values with a name: each from its bound, up to the next. */
const LENGTH_BANDS = bands([0, 'about as long'], [1.25, 'longer'], [2, 'at least twice']);
const TIME_BANDS = bands([0, 'under 10 s'], [10, '10–30 s'], [30, '30–60 s'], [60, 'over 60 s']);
const SESSION_BANDS = bands([0, '0–9'], [10, '10–24'], [25, '25–49'], [50, '50–99'], [100, '100 and more']);
const ORDERS = ['same order', 'opposite order'] as const;
const unknownTime = 'time unknown';
const unknownOrder = 'order unknown';

/** Names of slices, each a way to tell comparisons apart. */
export const AGREEMENT_SLICES = {
  annotator: {
    title: 'each annotator with all others',
    by: byLabel(({ annotator }) => annotator),
  },
  pair: { title: 'each two annotators', by: bothOf(({ annotator }) => annotator) },
  group: { title: 'within and between groups of annotators', by: bothOf(({ group }) => group ?? 'no group') },
  category: { title: 'what tasks are about', by: ({ task }) => [task.category ?? 'no category'] },
  audience: {
    title: 'who tasks are for',
    by: ({ task }) => (task.audiences.length === 0 ? ['anyone'] : task.audiences),
  },
  guideline: { title: 'version of the guideline', by: byLabel((label) => label.guidelineVersion ?? 'none') },
  day: { title: 'day (UTC) of a label', by: byLabel(({ judgedAt }) => dayOf(judgedAt)) },
  week: { title: 'week (UTC, by its Monday) of a label', by: byLabel(({ judgedAt }) => weekOf(judgedAt)) },
  position: {
    title: 'whether both were shown the two responses in the same order',
    by: (comparison) => [orderOf(comparison)],
  },
  length: { title: 'how much longer one response is than the other', by: (one) => [lengthOf(one)] },
  time: { title: 'time at work on a label', by: byLabel(timeOf) },
  session: { title: 'labels made before it in the same session', by: byLabel(sessionOf) },
} as const satisfies Record<string, NamedSlice>;

export type SliceName = keyof typeof AGREEMENT_SLICES;

/** A slice for each two properties. */
function bothOf(property: (judgement: Judgement) => string): SliceBy {
  return ({ first, second }) => [[property(first), property(second)].sort().join(' × ')];
}

/** `2026-11-23`. */
function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 'yyyy-mm-dd'.length);
}

function weekOf(time: number): string {
  const daysSinceMonday = (new Date(time).getUTCDay() + 6) % 7;
  return dayOf(time - daysSinceMonday * 24 * 3600_000);
}

function orderOf({ first, second, pair: [i, j] }: Comparison): string {
  const shown = [first, second].map(({ shownOrder }) =>
    shownOrder === null ? null : shownOrder.indexOf(i) < shownOrder.indexOf(j),
  );
  return shown.includes(null) ? unknownOrder : ORDERS[shown[0] === shown[1] ? 0 : 1];
}

function lengthOf({ task: { lengths }, pair: [i, j] }: Comparison): string {
  const [shorter, longer] = [lengths[i], lengths[j]].sort((a, b) => a - b);
  return bandOf(LENGTH_BANDS, longer / Math.max(1, shorter));
}

function timeOf({ activeMs }: Judgement): string {
  return activeMs === null ? unknownTime : bandOf(TIME_BANDS, activeMs / 1000);
}

function sessionOf({ placeInSession }: Judgement): string {
  return bandOf(SESSION_BANDS, placeInSession);
}

type Band = readonly [from: number, name: string];

function bands(...all: readonly Band[]): readonly Band[] {
  return all;
}

function bandOf(all: readonly Band[], value: number): string {
  return all.findLast(([from]) => value >= from)![1];
}

const READING_ORDER: Partial<Record<SliceName, readonly string[]>> = {
  position: [...ORDERS, unknownOrder],
  length: LENGTH_BANDS.map(([, name]) => name),
  time: [...TIME_BANDS.map(([, name]) => name), unknownTime],
  session: SESSION_BANDS.map(([, name]) => name),
};

/** Puts slices into the order in which they are read: bands and times as they follow, the others by size. */
export function inOrder<T extends { readonly comparisons: number }>(
  name: SliceName,
  slices: ReadonlyMap<string, T>,
): [string, T][] {
  const rows = [...slices];
  if (name === 'day' || name === 'week' || name === 'guideline') {
    return rows.sort(([a], [b]) => (a < b ? -1 : 1));
  }
  const order = READING_ORDER[name];
  if (order) return rows.sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
  return rows.sort(([, a], [, b]) => b.comparisons - a.comparisons);
}
