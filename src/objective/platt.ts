/** Scores into probabilities: a line through the log-odds, fitted by maximum likelihood. */
import { sigmoid, TenetError } from '../base/index.ts';
import type { Values } from './masked.ts';

/** Probability = σ(slope · score + intercept). */
export interface PlattScaling {
  readonly slope: number;
  readonly intercept: number;
}

export function plattProbability({ slope, intercept }: PlattScaling, score: number): number {
  return sigmoid(slope * score + intercept);
}

/**
 * Fits slope and intercept by Newton's method to targets that are drawn in from 0 and 1 as Platt does, so that few
 * examples, or scores that part the two kinds entirely, give no certainty: (N₊ + 1) / (N₊ + 2) and 1 / (N₋ + 2).
 * @param scores raw, any unit
 * @param labels 1 = it is so, 0 = it is not
 * @throws TenetError('usage') unless both kinds are there
 * @see Platt 1999; Lin, Lin and Weng 2007, Machine Learning 68, for the fit
 */
export function fitPlatt(scores: Values, labels: Values): PlattScaling {
  const positives = Array.from(labels).filter((label) => label === 1).length;
  const negatives = labels.length - positives;
  if (scores.length !== labels.length || positives === 0 || negatives === 0) {
    throw new TenetError(
      'usage',
      `fitPlatt: ${scores.length} scores with ${positives} positive and ${negatives} other labels; it takes as many ` +
        'scores as labels, and some of both kinds',
    );
  }
  const high = (positives + 1) / (positives + 2);
  const low = 1 / (negatives + 2);
  const targets = Float64Array.from(labels, (label) => (label === 1 ? high : low));
  // Scores of unit spread, so that one ridge fits all units.
  const { mean, deviation } = momentsOf(scores);
  const x = Float64Array.from(scores, (score) => (score - mean) / deviation);
  const lossAt = (a: number, b: number): number =>
    x.reduce((sum, value, i) => {
      const z = a * value + b;
      return sum + Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))) - targets[i] * z;
    }, 0);
  let [a, b] = [0, Math.log((positives + 1) / (negatives + 1))];
  let loss = lossAt(a, b);
  for (let round = 0; round < 100; round++) {
    let [ga, gb, haa, hab, hbb] = [0, 0, ridge, 0, ridge];
    for (let i = 0; i < x.length; i++) {
      const p = sigmoid(a * x[i] + b);
      const [error, curve] = [p - targets[i], p * (1 - p)];
      ga += error * x[i];
      gb += error;
      haa += curve * x[i] * x[i];
      hab += curve * x[i];
      hbb += curve;
    }
    if (Math.hypot(ga, gb) < 1e-9 * x.length) break;
    const determinant = haa * hbb - hab * hab;
    const [stepA, stepB] = [(hab * gb - hbb * ga) / determinant, (hab * ga - haa * gb) / determinant];
    let scale = 1;
    let next = lossAt(a + stepA, b + stepB);
    while (next > loss && scale > 1e-10) {
      scale /= 2;
      next = lossAt(a + scale * stepA, b + scale * stepB);
    }
    if (next >= loss) break;
    [a, b, loss] = [a + scale * stepA, b + scale * stepB, next];
  }
  return { slope: a / deviation, intercept: b - (a * mean) / deviation };
}

/** Keeps the curvature from vanishing where all scores are equal. */
const ridge = 1e-12;

function momentsOf(values: Values): { readonly mean: number; readonly deviation: number } {
  let [sum, squares] = [0, 0];
  for (const value of values) sum += value;
  const mean = sum / values.length;
  for (const value of values) squares += (value - mean) ** 2;
  return { mean, deviation: Math.sqrt(squares / values.length) || 1 };
}
