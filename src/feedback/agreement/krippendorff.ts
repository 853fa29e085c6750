/**
 * Krippendorff's α: how far judges agree beyond what chance would give, for any number of judges, with values missing.
 *
 * Everything rests on a table of coincidences: how often two judges gave values c and k to the same unit. Shape: C =
 * number of different values.
 */
import { Random, TenetError } from '../../base/index.ts';
import { type BootstrapOptions, type Interval, sampleQuantile } from '../../objective/index.ts';

/**
 * How far two values are apart:
 * - `nominal`: any two different values as much as any others
 * - `ordinal`: by how many of the values given lie between them
 */
export type Level = 'nominal' | 'ordinal';

/** [C × C], row-major, symmetric; values in ascending order. Its total is the number of values that were compared. */
export type Coincidences = Float64Array;

/**
 * α = 1 − observed / expected disagreement.
 * @returns 1 = agreement in everything, 0 = as chance would have it, below 0 = less; null where nothing was compared, or
 *   where all values are alike, so that there is nothing to agree about
 * @see Krippendorff 2011, "Computing Krippendorff's alpha-reliability".
 */
export function alphaOf(table: Coincidences, level: Level): number | null {
  const C = Math.sqrt(table.length);
  const totals = new Float64Array(C);
  let total = 0;
  for (let c = 0; c < C; c++) {
    for (let k = 0; k < C; k++) totals[c] += table[c * C + k];
    total += totals[c];
  }
  let [observed, expected] = [0, 0];
  for (let c = 0; c < C; c++) {
    // Of the values given, half of those at each end and all between lie between c and k.
    let between = totals[c] / 2;
    for (let k = c + 1; k < C; k++) {
      const distance = level === 'nominal' ? 1 : (between + totals[k] / 2) ** 2;
      between += totals[k];
      observed += table[c * C + k] * distance;
      expected += totals[c] * totals[k] * distance;
    }
  }
  return expected > 0 ? 1 - ((total - 1) * observed) / expected : null;
}

/** A table of coincidences for units as judges valued them; a unit with fewer than two values compares nothing. */
export function coincidencesOf(
  units: readonly (readonly (number | null)[])[],
  values: readonly number[] = valuesOf(units),
): Coincidences {
  const C = values.length;
  const table = new Float64Array(C * C);
  const place = new Map(values.map((value, i) => [value, i]));
  for (const unit of units) {
    const given = unit.filter((value) => value !== null).map((value) => place.get(value)!);
    for (const [a, c] of given.entries()) {
      for (const [b, k] of given.entries()) if (a !== b) table[c * C + k] += 1 / (given.length - 1);
    }
  }
  return table;
}

/**
 * α of units as judges valued them.
 * @param units one entry for each unit, with a value of each judge, null = none given; who gave it does not matter
 */
export function krippendorffAlpha(
  units: readonly (readonly (number | null)[])[],
  level: Level,
): number | null {
  return alphaOf(coincidencesOf(units), level);
}

/**
 * Percentile bootstrap interval of a statistic of sums over items, such as α of the sum of their tables: items are drawn
 * anew with replacement, because judgements of one item depend on each other.
 * @param items     [items][columns] what is added up
 * @param statistic of the sums; draws for which it is null are left out
 * @returns null where it is null for the items themselves
 * @throws TenetError('usage') without items
 */
export function bootstrapOfSums(
  items: readonly Float64Array[],
  statistic: (sums: Float64Array) => number | null,
  { seed, resamples = 1000, confidence = 0.95 }: BootstrapOptions,
): Interval | null {
  if (items.length === 0) throw new TenetError('usage', 'bootstrapOfSums: there are no items to draw from');
  const columns = items[0].length;
  const flat = new Float64Array(items.length * columns);
  const sums = new Float64Array(columns);
  for (const [i, row] of items.entries()) {
    flat.set(row, i * columns);
    for (let c = 0; c < columns; c++) sums[c] += row[c];
  }
  const estimate = statistic(sums);
  if (estimate === null) return null;
  const random = new Random(seed);
  const draws: number[] = [];
  for (let n = 0; n < resamples; n++) {
    sums.fill(0);
    for (let i = 0; i < items.length; i++) {
      const start = random.int(items.length) * columns;
      for (let c = 0; c < columns; c++) sums[c] += flat[start + c];
    }
    const drawn = statistic(sums);
    if (drawn !== null) draws.push(drawn);
  }
  const sorted = Float64Array.from(draws).sort();
  const tail = (1 - confidence) / 2;
  return { estimate, low: sampleQuantile(sorted, tail), high: sampleQuantile(sorted, 1 - tail) };
}

function valuesOf(units: readonly (readonly (number | null)[])[]): number[] {
  return [...new Set(units.flat().filter((value) => value !== null))].sort((a, b) => a - b);
}
