/**
 * What objectives weigh in overall judgements: logistic regression of comparisons on differences of scores.
 *
 * Shapes: P pairs, K objectives.
 */
import { sigmoid, TenetError } from '../base/index.ts';

export interface PreferenceWeights {
  /** [K] per unit of each objective: P(first better) = σ(Σ weight · difference). */
  readonly weights: readonly number[];
  /** [K] standard errors, robust against pairs of one ranking depending on each other; null where a bound holds the weight. */
  readonly standardErrors: readonly (number | null)[];
  /** Nats per pair; log 2 = 0.693 for weights of 0. */
  readonly logLoss: number;
  /** Part of the decided pairs that the weighted sum orders as the labels do; equal sums count ½. */
  readonly accuracy: number;
  readonly pairs: number;
}

/**
 * Fits weights by Newton's method. There is no intercept: which response stands first means nothing.
 * @param options.differences [P][K] objective of the first response minus that of the second; NaN = does not apply
 * @param options.targets [P] probability that the first is better: 1, 0, ½ for a tie, or between
 * @param options.pairWeights [P] what each pair counts. Default 1
 * @param options.clusters    [P] which ranking each pair is from, for the standard errors. Default: each its own
 * @param options.nonNegative true: no weight is below 0, for objectives that are good by definition. Default false
 * @param options.ridge half of it times the square of each weight, per deviation of its objective, is added to the
 *   summed loss, which keeps weights finite where an objective separates all pairs. Default 0.01
 * @throws TenetError('data') when there are fewer pairs than objectives, or an objective never differs
 * @see Bradley and Terry 1952; Huber 1967 for the standard errors.
 */
export function fitPreferenceWeights(options: {
  readonly differences: readonly (readonly number[])[];
  readonly targets: readonly number[];
  readonly names?: readonly string[];
  readonly pairWeights?: readonly number[];
  readonly clusters?: readonly number[];
  readonly nonNegative?: boolean;
  readonly ridge?: number;
}): PreferenceWeights {
  const { targets, nonNegative = false, ridge = 0.01 } = options;
  const pairs = targets.length;
  const pairWeights = options.pairWeights ?? targets.map(() => 1);
  const clusters = options.clusters ?? targets.map((_, i) => i);
  const raw = options.differences.map((row) => row.map((value) => (Number.isNaN(value) ? 0 : value)));
  const objectives = raw[0]?.length ?? 0;
  const scales = scalesOf(raw, objectives, options.names);
  const x = raw.map((row) => row.map((value, k) => value / scales[k]));

  // Newton's steps on the free weights, each halved until the loss falls; bounds are held while the slope points out.
  let w = new Array<number>(objectives).fill(0);
  const lossOf = (at: readonly number[]): number =>
    x.reduce((sum, row, i) => sum + pairWeights[i] * crossEntropy(dot(row, at), targets[i]), 0) +
    (ridge / 2) * dot(at, at);
  let free = everyIndex(objectives);
  for (let iteration = 0; iteration < 100; iteration++) {
    const { slope, curvature } = derivatives({ x, targets, pairWeights, w, ridge });
    free = everyIndex(objectives).filter((k) => !nonNegative || w[k] > 0 || slope[k] < 0);
    const step = solve(
      free.map((k) => free.map((l) => curvature[k][l])),
      free.map((k) => -slope[k]),
    );
    const before = lossOf(w);
    let next = w;
    for (let factor = 1; factor > 1e-10; factor /= 2) {
      const candidate = w.map((value, k) => {
        const moved = value + factor * (free.includes(k) ? step[free.indexOf(k)] : 0);
        return nonNegative ? Math.max(0, moved) : moved;
      });
      if (lossOf(candidate) <= before) {
        next = candidate;
        break;
      }
    }
    const moved = Math.max(...next.map((value, k) => Math.abs(value - w[k])));
    w = next;
    if (moved < 1e-12) break;
  }

  const errors = robustErrors({ x, targets, pairWeights, clusters, w, ridge, free });
  const sums = x.map((row) => dot(row, w));
  const decided = everyIndex(pairs).filter((i) => targets[i] !== 0.5);
  const hits = decided.map((i) => (sums[i] === 0 ? 0.5 : sums[i] > 0 === targets[i] > 0.5 ? 1 : 0));
  const total = pairWeights.reduce((a, b) => a + b, 0);
  return {
    weights: w.map((value, k) => value / scales[k]),
    standardErrors: errors.map((error, k) => (error === null ? null : error / scales[k])),
    logLoss: sums.reduce((sum, z, i) => sum + pairWeights[i] * crossEntropy(z, targets[i]), 0) / total,
    accuracy: hits.reduce<number>((a, b) => a + b, 0) / Math.max(1, decided.length),
    pairs,
  };
}

/** Root mean square of each objective's differences, so that ridge and steps mean the same for all. */
function scalesOf(
  rows: readonly (readonly number[])[],
  objectives: number,
  names: readonly string[] | undefined,
): number[] {
  const scales = everyIndex(objectives).map((k) =>
    Math.sqrt(rows.reduce((sum, row) => sum + row[k] ** 2, 0) / rows.length),
  );
  const flat = everyIndex(objectives).filter((k) => !(scales[k] > 0));
  if (rows.length < objectives || objectives === 0 || flat.length > 0) {
    const which = flat.map((k) => names?.[k] ?? `objective ${k + 1}`).join(', ');
    throw new TenetError(
      'data',
      flat.length > 0 && rows.length > 0
        ? `weights cannot be fitted: in all ${rows.length} pairs both responses have the same ${which}, so nothing tells what it is worth; ` +
            'give it a weight, leave it out, or give comparisons in which it differs'
        : `weights of ${objectives} objectives cannot be fitted to ${rows.length} pairs; give more comparisons`,
    );
  }
  return scales;
}

interface Fit {
  readonly x: readonly (readonly number[])[];
  readonly targets: readonly number[];
  readonly pairWeights: readonly number[];
  readonly w: readonly number[];
  readonly ridge: number;
}

/** First and second derivative of the summed loss. */
function derivatives({ x, targets, pairWeights, w, ridge }: Fit): {
  readonly slope: number[];
  readonly curvature: number[][];
} {
  const slope = w.map((value) => ridge * value);
  const curvature = w.map((_, k) => w.map((__, l) => (k === l ? ridge : 0)));
  x.forEach((row, i) => {
    const p = sigmoid(dot(row, w));
    row.forEach((value, k) => {
      slope[k] += pairWeights[i] * (p - targets[i]) * value;
      for (let l = 0; l < row.length; l++) {
        curvature[k][l] += pairWeights[i] * p * (1 - p) * value * row[l];
      }
    });
  });
  return { slope, curvature };
}

/** Sandwich errors: H⁻¹ (Σ over clusters s sᵀ) H⁻¹ with s the sum of a cluster's slopes. */
function robustErrors({
  x,
  targets,
  pairWeights,
  clusters,
  w,
  ridge,
  free,
}: Fit & { readonly clusters: readonly number[]; readonly free: readonly number[] }): (number | null)[] {
  const { curvature } = derivatives({ x, targets, pairWeights, w, ridge });
  const scores = new Map<number, number[]>();
  x.forEach((row, i) => {
    const score = scores.get(clusters[i]) ?? free.map(() => 0);
    const residual = pairWeights[i] * (sigmoid(dot(row, w)) - targets[i]);
    scores.set(
      clusters[i],
      score.map((sum, f) => sum + residual * row[free[f]]),
    );
  });
  const inner = free.map((k) => free.map((l) => curvature[k][l]));
  return w.map((_, k) => {
    const place = free.indexOf(k);
    if (place < 0) return null;
    const row = solve(
      inner,
      free.map((_, f) => (f === place ? 1 : 0)),
    );
    let variance = 0;
    for (const score of scores.values()) variance += dot(row, score) ** 2;
    return Math.sqrt(variance);
  });
}

/** −q log σ(z) − (1 − q) log σ(−z), without overflow. */
function crossEntropy(z: number, q: number): number {
  return Math.max(z, 0) - q * z + Math.log1p(Math.exp(-Math.abs(z)));
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i], 0);
}

function everyIndex(length: number): number[] {
  return Array.from({ length }, (_, i) => i);
}

/** Solves a small symmetric positive definite system by Cholesky's factorisation. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const n = right.length;
  const lower = matrix.map((row) => [...row]);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i][j];
      for (let k = 0; k < j; k++) sum -= lower[i][k] * lower[j][k];
      lower[i][j] = i === j ? Math.sqrt(Math.max(sum, Number.MIN_VALUE)) : sum / lower[j][j];
    }
  }
  const y = [...right];
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) y[i] -= lower[i][k] * y[k];
    y[i] /= lower[i][i];
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) y[i] -= lower[k][i] * y[k];
    y[i] /= lower[i][i];
  }
  return y;
}
