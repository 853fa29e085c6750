/**
 * How reliable judges are, estimated without knowing the truth: each judge has a matrix of errors, and matrices and the
 * true classes of items are found together, by expectation and maximisation.
 *
 * Shapes: I items, J judges, C classes.
 * @see Dawid and Skene 1979, "Maximum likelihood estimation of observer error-rates using the EM algorithm", Appl. Stat. 28.
 */
import { TenetError } from '../../base/index.ts';

/** One judgement; the same judge may judge an item several times. */
export interface Vote {
  /** In [0, I). */
  readonly item: number;
  /** In [0, J). */
  readonly judge: number;
  /** In [0, C). */
  readonly value: number;
}

export interface DawidSkeneOptions {
  readonly items: number;
  readonly judges: number;
  readonly classes: number;
  /**
   * [C][C] judgements that every judge is taken to have made beforehand, by true class and value, so that few judgements
   * make nobody perfect. Default none: maximum likelihood.
   */
  readonly prior?: readonly (readonly number[])[];
  /** Default 500. */
  readonly maxIterations?: number;
  /** It ends when no probability of an item's class moves by more. Default 1e-6. */
  readonly tolerance?: number;
}

export interface DawidSkene {
  /** [I][C] probability of each class; of an item without votes, how usual the classes are. */
  readonly truths: readonly Float64Array[];
  /** [J][C][C] probability of a value (last) where the true class is given. */
  readonly errors: readonly (readonly Float64Array[])[];
  /** [C] how usual each class is. */
  readonly classes: Float64Array;
  readonly iterations: number;
  readonly converged: boolean;
}

/** @throws TenetError('data') without votes */
export function dawidSkene(votes: readonly Vote[], options: DawidSkeneOptions): DawidSkene {
  const { items, judges, classes: C, prior, maxIterations = 500, tolerance = 1e-6 } = options;
  if (votes.length === 0) throw new TenetError('data', 'dawidSkene: there are no votes to learn from');
  const byItem: Vote[][] = Array.from({ length: items }, () => []);
  for (const vote of votes) byItem[vote.item].push(vote);

  // It begins with the shares of the votes.
  const truths: Float64Array[] = byItem.map((own) => {
    const shares = new Float64Array(C);
    for (const { value } of own) shares[value] += 1 / own.length;
    return shares;
  });
  let errors: Float64Array[][] = [];
  let classes: Float64Array = new Float64Array(C);
  for (let iteration = 1; ; iteration++) {
    classes = classShares(truths, byItem, C);
    errors = errorRates(truths, byItem, { judges, C, prior });
    const logs = {
      classes: classes.map(Math.log),
      errors: errors.map((rows) => rows.map((row) => row.map(Math.log))),
    };
    let moved = 0;
    for (const [i, own] of byItem.entries()) {
      if (own.length === 0) continue;
      const next = posterior(own, logs);
      for (let c = 0; c < C; c++) moved = Math.max(moved, Math.abs(next[c] - truths[i][c]));
      truths[i] = next;
    }
    const converged = moved <= tolerance;
    if (!converged && iteration < maxIterations) continue;
    for (const [i, own] of byItem.entries()) if (own.length === 0) truths[i] = classes;
    return { truths, errors, classes, iterations: iteration, converged };
  }
}

function classShares(truths: readonly Float64Array[], byItem: readonly Vote[][], C: number): Float64Array {
  const shares = new Float64Array(C);
  let judged = 0;
  for (const [i, truth] of truths.entries()) {
    if (byItem[i].length === 0) continue;
    judged++;
    for (let c = 0; c < C; c++) shares[c] += truth[c];
  }
  return shares.map((share) => share / judged);
}

function errorRates(
  truths: readonly Float64Array[],
  byItem: readonly Vote[][],
  {
    judges,
    C,
    prior,
  }: { readonly judges: number; readonly C: number; readonly prior?: readonly (readonly number[])[] },
): Float64Array[][] {
  const counts = Array.from({ length: judges }, () =>
    Array.from({ length: C }, (_, c) =>
      Float64Array.from({ length: C }, (__, value) => prior?.[c][value] ?? 0),
    ),
  );
  for (const [i, own] of byItem.entries()) {
    for (const { judge, value } of own) for (let c = 0; c < C; c++) counts[judge][c][value] += truths[i][c];
  }
  // A class that a judge has never met tells nothing of her: any value is as likely.
  for (const rows of counts) {
    for (const row of rows) {
      const total = row.reduce((sum, count) => sum + count, 0);
      for (let value = 0; value < C; value++) row[value] = total > 0 ? row[value] / total : 1 / C;
    }
  }
  return counts;
}

/** [C] in logarithms, so that many votes do not come to nothing. */
function posterior(
  votes: readonly Vote[],
  {
    classes,
    errors,
  }: { readonly classes: Float64Array; readonly errors: readonly (readonly Float64Array[])[] },
): Float64Array {
  const weights = Float64Array.from(classes);
  for (const { judge, value } of votes) {
    for (let c = 0; c < weights.length; c++) weights[c] += errors[judge][c][value];
  }
  let most = Number.NEGATIVE_INFINITY;
  for (const log of weights) most = Math.max(most, log);
  let total = 0;
  for (let c = 0; c < weights.length; c++) {
    weights[c] = Math.exp(weights[c] - most);
    total += weights[c];
  }
  for (let c = 0; c < weights.length; c++) weights[c] /= total;
  return weights;
}
