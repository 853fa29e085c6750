/**
 * Calibration: how often people agree with a judge at each confidence that it states.
 *
 * A judge's probability p that the first of two responses is better says little by itself: models are overconfident, and
 * by how much differs from judge to judge. What people said of a sample of the same pairs corrects it.
 *
 * Shape: P = pairs. The confidence of a pair is max(p, 1 − p), that the judge's preferred response is preferred.
 */
import { Random, sigmoid, TenetError } from '../../base/index.ts';
import { expectedCalibrationError } from '../../objective/index.ts';

/** A pair that both a judge and people have compared. */
export interface CalibrationPair {
  /** Pairs of one item are not independent, and stay in one fold. */
  readonly item: string;
  /** The judge's probability that the first response is better. */
  readonly probability: number;
  /** Of people: 1 = the first is better, 0 = the second, ½ = neither. */
  readonly outcome: number;
}

/**
 * - `temperature`: σ(logit(p) / T); T > 1 for a judge that is too sure of itself. One number, so it works from few pairs.
 * - `isotonic`: any rising function of the confidence. Needs some hundred pairs; then it follows any curve.
 */
export type Calibrator =
  | { readonly method: 'none' }
  | { readonly method: 'temperature'; readonly temperature: number }
  | {
      readonly method: 'isotonic';
      /** Confidence and the probability of agreement at it, both ascending; between them linear, flat outside. */
      readonly knots: readonly (readonly [number, number])[];
    };
export type CalibrationMethod = Calibrator['method'];

/** The probability that people prefer the first response, where a judge says p. */
export function calibrated(calibrator: Calibrator, p: number): number {
  switch (calibrator.method) {
    case 'none':
      return p;
    case 'temperature':
      return sigmoid(logit(p) / calibrator.temperature);
    case 'isotonic': {
      const agreement = interpolate(calibrator.knots, Math.max(p, 1 - p));
      return p >= 0.5 ? agreement : 1 - agreement;
    }
  }
}

/**
 * Fits a calibrator to pairs.
 * @throws TenetError('usage') without pairs
 * @see Guo et al. 2017, arXiv:1706.04599 (temperature); Zadrozny and Elkan 2002, KDD (isotonic)
 */
export function fitCalibrator(pairs: readonly CalibrationPair[], method: CalibrationMethod): Calibrator {
  if (pairs.length === 0) throw nothingToFit();
  if (method === 'none') return { method };
  return method === 'temperature'
    ? { method, temperature: fitTemperature(pairs) }
    : { method, knots: fitIsotonic(pairs) };
}

/** How well probabilities fit what people said. */
export interface CalibrationQuality {
  /** Expected calibration error of the confidence, in 10 bins. */
  readonly ece: number;
  /** Mean squared error. */
  readonly brier: number;
  /** Nats; log 2 = 0.693 knows nothing. */
  readonly logLoss: number;
}

export interface JudgeCalibration {
  /** Fitted to all pairs. */
  readonly calibrator: Calibrator;
  readonly pairs: number;
  readonly items: number;
  /** Part of the decided pairs where people prefer what the judge prefers. */
  readonly agreement: number;
  readonly before: CalibrationQuality;
  /** Each pair judged by a calibrator that has not seen its item. */
  readonly after: CalibrationQuality;
  /** What the calibration error of a perfect judge would be on so few pairs: no smaller number means anything. */
  readonly eceOfPerfect: number;
}

export interface CalibrateOptions {
  /** Default `auto`: the one with the smallest log loss on pairs that it was not fitted to. */
  readonly method?: CalibrationMethod | 'auto';
  /** Default 5. */
  readonly folds?: number;
  /** Of the folds. Default 0. */
  readonly seed?: number;
}

/** Calibrates a judge, and measures by cross-fitting what that brings: an error after calibration that is honest. */
export function calibrateJudge(
  pairs: readonly CalibrationPair[],
  { method = 'auto', folds = 5, seed = 0 }: CalibrateOptions = {},
): JudgeCalibration {
  if (pairs.length === 0) throw nothingToFit();
  const methods: readonly CalibrationMethod[] =
    method === 'auto' ? ['none', 'temperature', 'isotonic'] : [method];
  const fold = foldsOf(pairs, folds, seed);
  const candidates = methods.map((name) => ({
    name,
    quality: qualityOf(crossFitted(pairs, fold, name), pairs),
  }));
  const best = candidates.reduce((a, b) => (b.quality.logLoss < a.quality.logLoss ? b : a));
  const decided = pairs.filter(({ outcome }) => outcome !== 0.5);
  const agreeing = decided.filter(({ probability, outcome }) => probability > 0.5 === outcome > 0.5);
  return {
    calibrator: fitCalibrator(pairs, best.name),
    pairs: pairs.length,
    items: new Set(pairs.map(({ item }) => item)).size,
    agreement: agreeing.length / Math.max(1, decided.length),
    before: qualityOf(
      pairs.map(({ probability }) => probability),
      pairs,
    ),
    after: best.quality,
    eceOfPerfect: errorOfPerfect(crossFitted(pairs, fold, best.name), seed),
  };
}

function nothingToFit(): TenetError {
  return new TenetError('usage', 'there is no pair that both the judge and people have compared.');
}

/** [P] each pair's probability from a calibrator fitted to the other folds. */
function crossFitted(
  pairs: readonly CalibrationPair[],
  fold: readonly number[],
  method: CalibrationMethod,
): number[] {
  const calibrators = new Map<number, Calibrator>();
  for (const n of new Set(fold)) {
    const others = pairs.filter((_, i) => fold[i] !== n);
    calibrators.set(n, others.length === 0 ? { method: 'none' } : fitCalibrator(others, method));
  }
  return pairs.map(({ probability }, i) => calibrated(calibrators.get(fold[i])!, probability));
}

/** [P] the fold of each pair, equal within items. */
function foldsOf(pairs: readonly CalibrationPair[], folds: number, seed: number): number[] {
  const items = new Random(seed).fork('folds').shuffled([...new Set(pairs.map(({ item }) => item))]);
  const places = new Map(items.map((item, i) => [item, i % Math.max(2, folds)]));
  return pairs.map(({ item }) => places.get(item)!);
}

function qualityOf(probabilities: readonly number[], pairs: readonly CalibrationPair[]): CalibrationQuality {
  const outcomes = pairs.map(({ outcome }) => outcome);
  const mean = (of: (p: number, y: number) => number): number =>
    probabilities.reduce((sum, p, i) => sum + of(p, outcomes[i]), 0) / probabilities.length;
  return {
    ece: errorOf(probabilities, outcomes),
    brier: mean((p, y) => (p - y) ** 2),
    logLoss: mean((p, y) => -(y * Math.log(bounded(p)) + (1 - y) * Math.log(1 - bounded(p)))),
  };
}

function errorOf(probabilities: readonly number[], outcomes: readonly number[]): number {
  const confidences = Float64Array.from(probabilities, (p) => Math.max(p, 1 - p));
  const hits = Float64Array.from(probabilities, (p, i) => (p >= 0.5 ? outcomes[i] : 1 - outcomes[i]));
  return expectedCalibrationError(confidences, hits, { from: 0.5 }).error;
}

/** Mean error of outcomes drawn with exactly these probabilities. */
function errorOfPerfect(probabilities: readonly number[], seed: number): number {
  const random = new Random(seed).fork('perfect');
  const repeats = 100;
  let sum = 0;
  for (let n = 0; n < repeats; n++) {
    sum += errorOf(
      probabilities,
      probabilities.map((p) => (random.uniform() < p ? 1 : 0)),
    );
  }
  return sum / repeats;
}

/** Minimises the log loss over log T, in which it has one minimum, by golden sections. */
function fitTemperature(pairs: readonly CalibrationPair[]): number {
  const logits = pairs.map(({ probability }) => logit(probability));
  const loss = (logT: number): number => {
    const scale = Math.exp(-logT);
    return pairs.reduce((sum, { outcome }, i) => sum + softLoss(logits[i] * scale, outcome), 0);
  };
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [Math.log(1 / 20), Math.log(100)];
  for (let i = 0; i < 60; i++) {
    const [a, b] = [high - ratio * (high - low), low + ratio * (high - low)];
    if (loss(a) < loss(b)) high = b;
    else low = a;
  }
  return Math.exp((low + high) / 2);
}

/** −y log σ(z) − (1 − y) log σ(−z). */
function softLoss(z: number, y: number): number {
  return Math.max(z, 0) - y * z + Math.log1p(Math.exp(-Math.abs(z)));
}

/** Pairs of neighbouring confidences that are fitted as one. */
interface Block {
  /** Sum over the pairs, as `hits`. */
  readonly confidence: number;
  readonly hits: number;
  readonly count: number;
}

/**
 * The rising function of the confidence that fits agreement best (pool adjacent violators). Each level counts half a hit
 * and half a miss besides, so that a few pairs that all agree do not make a certainty.
 */
function fitIsotonic(pairs: readonly CalibrationPair[]): (readonly [number, number])[] {
  // Equal confidences are one point.
  const points = new Map<number, { hits: number; count: number }>();
  for (const { probability: p, outcome } of pairs) {
    const confidence = Math.max(p, 1 - p);
    const point = points.get(confidence) ?? { hits: 0, count: 0 };
    point.hits += p >= 0.5 ? outcome : 1 - outcome;
    point.count++;
    points.set(confidence, point);
  }
  const blocks: Block[] = [];
  for (const [confidence, { hits, count }] of [...points].sort(([a], [b]) => a - b)) {
    blocks.push({ confidence: confidence * count, hits, count });
    while (blocks.length > 1) {
      const [before, now] = blocks.slice(-2);
      if (before.hits / before.count < now.hits / now.count) break;
      blocks.splice(-2, 2, {
        confidence: before.confidence + now.confidence,
        hits: before.hits + now.hits,
        count: before.count + now.count,
      });
    }
  }
  const knots = blocks.map(
    ({ confidence, hits, count }) => [confidence / count, (hits + 0.5) / (count + 1)] as const,
  );
  // A small block at the end is drawn towards ½ and may fall below the one before.
  let highest = 0;
  return knots.map(([x, y]) => [x, (highest = Math.max(highest, y))] as const);
}

function interpolate(knots: readonly (readonly [number, number])[], x: number): number {
  const after = knots.findIndex(([at]) => at >= x);
  if (after === -1) return knots[knots.length - 1][1];
  if (after === 0) return knots[0][1];
  const [[x0, y0], [x1, y1]] = [knots[after - 1], knots[after]];
  return y0 + ((y1 - y0) * (x - x0)) / (x1 - x0);
}

const margin = 1e-6;

function bounded(p: number): number {
  return Math.min(1 - margin, Math.max(margin, p));
}

function logit(p: number): number {
  return Math.log(bounded(p) / (1 - bounded(p)));
}
