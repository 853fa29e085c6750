/** A measured figure: its value with a 95 % interval, item by item, beside what it has to be read against. */
import { TenetError } from '../base/index.ts';
import { type Interval, studentInterval, wilsonInterval } from '../objective/index.ts';

/** Something to read a figure against: a trivial rule, a human ceiling, a published value; in the figure's unit. */
export interface Landmark {
  readonly name: string;
  readonly value: number;
}

export interface Figure {
  /** Unique within its suite. */
  readonly name: string;
  /** `%` for shares, given as 0 … 100; else e.g. `nats per byte`. */
  readonly unit: string;
  /** Which way is better; null where that is for the reader to say. */
  readonly better: 'higher' | 'lower' | null;
  /** True: safety or honesty, which a regression check may not let fall. */
  readonly guards: boolean;
  /** Null where nothing could be measured. */
  readonly interval: Interval | null;
  readonly landmarks: readonly Landmark[];
  /** Value of each item by its id, in the figure's unit; what pairs two models in a regression check. */
  readonly items: Readonly<Record<string, number>>;
}

export interface FigureOptions {
  readonly better: Figure['better'];
  /** Default false. */
  readonly guards?: boolean;
  readonly landmarks?: readonly Landmark[];
}

/** One item's part in a figure. */
export type ItemValue = readonly [id: string, value: number];

/**
 * A share of the items, in per cent, with Wilson's interval.
 * @param values 0 or 1 by item; fractions count in part
 */
export function shareFigure(name: string, values: readonly ItemValue[], options: FigureOptions): Figure {
  const total = values.reduce((sum, [, value]) => sum + value, 0);
  const interval = values.length === 0 ? null : scaled(wilsonInterval(total, values.length), 100);
  return figureOf(
    name,
    '%',
    interval,
    values.map(([id, value]) => [id, 100 * value]),
    options,
  );
}

/** A mean over the items, with Student's interval. */
export function meanFigure(
  name: string,
  unit: string,
  values: readonly ItemValue[],
  options: FigureOptions,
): Figure {
  const numbers = values.map(([, value]) => value);
  const only = numbers.length === 1 ? { estimate: numbers[0], low: -Infinity, high: Infinity } : null;
  return figureOf(name, unit, numbers.length > 1 ? studentInterval(numbers) : only, values, options);
}

/** A figure whose interval was found elsewhere. */
export function figureOf(
  name: string,
  unit: string,
  interval: Interval | null,
  values: readonly ItemValue[],
  { better, guards = false, landmarks = [] }: FigureOptions,
): Figure {
  const items = Object.fromEntries(values);
  if (Object.keys(items).length !== values.length) {
    throw new TenetError('internal', `figure "${name}": two items have the same id`);
  }
  return { name, unit, better, guards, interval, landmarks, items };
}

/** The same interval in another unit. */
export function scaled({ estimate, low, high }: Interval, factor: number): Interval {
  return { estimate: estimate * factor, low: low * factor, high: high * factor };
}

/** Groups of a list by a key, in the order in which the keys first appear. */
export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}
