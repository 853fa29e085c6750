/**
 * How accuracy grows with the number of comparisons, and how many more a wanted accuracy takes.
 *
 *     error(n) = floor + scale · n^(−rate)            floor ≥ 0, scale ≥ 0, rate in (0, 2]
 *
 * The floor is what noise in the labels leaves; with few sizes it and the rate cannot be told apart, which the intervals show.
 * @see Hestness et al. 2017, arXiv:1712.00409 (power laws of learning curves); Viering and Loog 2023, arXiv:2103.10948
 */
import { Random, TenetError } from '../base/index.ts';

/** One reward model, trained on some of the comparisons. */
export interface CurvePoint {
  /** Comparisons it was trained on. */
  readonly comparisons: number;
  /** Held-out pairs scored right, as numbers: all points are measured on the same pairs. */
  readonly right: number;
  readonly pairs: number;
}

export interface CurveFit {
  readonly floor: number;
  readonly scale: number;
  readonly rate: number;
}

export interface DataCurve {
  readonly fit: CurveFit;
  /** 95 % interval of the accuracy that no amount of such data exceeds, in [0, 1]. */
  readonly ceiling: { readonly estimate: number; readonly low: number; readonly high: number };
  /** Accuracy expected of so many comparisons, in [0, 1]. */
  accuracyAt(comparisons: number): { readonly estimate: number; readonly low: number; readonly high: number };
  /** Comparisons that a wanted accuracy takes; Infinity where it lies beyond the ceiling. */
  comparisonsFor(accuracy: number): {
    readonly estimate: number;
    readonly low: number;
    readonly high: number;
  };
}

const fewestSizes = 3;
const resamples = 300;

/**
 * Fits the curve by least squares, each point weighted by the precision of its accuracy; intervals by drawing each point
 * again from its binomial distribution.
 * @throws TenetError('usage') for fewer than three sizes
 */
export function fitDataCurve(points: readonly CurvePoint[], { seed = 0 } = {}): DataCurve {
  const sizes = new Set(points.map(({ comparisons }) => comparisons)).size;
  if (sizes < fewestSizes) {
    throw new TenetError(
      'usage',
      `A learning curve needs ${fewestSizes} sizes of data or more, and got ${sizes}.`,
    );
  }
  const errors = points.map(({ right, pairs }) => 1 - right / pairs);
  const best = leastSquares(points, errors);
  const random = new Random(seed).fork('data curve');
  const fits = Array.from({ length: resamples }, () =>
    leastSquares(
      points,
      errors.map((error, i) => {
        const deviation = Math.sqrt(varianceOf(error, points[i].pairs));
        return Math.min(1, Math.max(0, error + deviation * random.normal()));
      }),
    ),
  );
  const interval = (of: (fit: CurveFit) => number): { estimate: number; low: number; high: number } => {
    const values = fits.map(of).sort((a, b) => a - b);
    return {
      estimate: of(best),
      low: values[Math.floor(0.025 * resamples)],
      high: values[Math.ceil(0.975 * resamples) - 1],
    };
  };
  return {
    fit: best,
    ceiling: interval(({ floor }) => 1 - floor),
    accuracyAt: (comparisons) => interval((fit) => 1 - errorAt(fit, comparisons)),
    comparisonsFor: (accuracy) => interval((fit) => sizeFor(fit, 1 - accuracy)),
  };
}

function errorAt({ floor, scale, rate }: CurveFit, comparisons: number): number {
  return floor + scale * comparisons ** -rate;
}

function sizeFor({ floor, scale, rate }: CurveFit, error: number): number {
  if (error <= floor) return Number.POSITIVE_INFINITY;
  return scale === 0 ? 0 : (scale / (error - floor)) ** (1 / rate);
}

/** Of an observed share; half a count keeps it above 0 where none or all were wrong. */
function varianceOf(error: number, pairs: number): number {
  const share = Math.min(1 - 0.5 / pairs, Math.max(0.5 / pairs, error));
  return (share * (1 - share)) / pairs;
}

/** For each rate the rest is linear: a line of the error over n^(−rate), with neither end below 0. */
function leastSquares(points: readonly CurvePoint[], errors: readonly number[]): CurveFit {
  const weights = points.map(({ pairs }, i) => 1 / varianceOf(errors[i], pairs));
  let best: CurveFit = { floor: 0, scale: 0, rate: 1 };
  let least = Number.POSITIVE_INFINITY;
  for (let rate = 0.02; rate <= 2; rate += 0.02) {
    const powers = points.map(({ comparisons }) => comparisons ** -rate);
    for (const fit of lines(powers, errors, weights)) {
      const loss = errors.reduce(
        (sum, error, i) => sum + weights[i] * (error - fit.floor - fit.scale * powers[i]) ** 2,
        0,
      );
      if (loss < least) [least, best] = [loss, { ...fit, rate }];
    }
  }
  return best;
}

/** The weighted line, where both coefficients are allowed; and the best with either of them at 0. */
function lines(
  xs: readonly number[],
  ys: readonly number[],
  weights: readonly number[],
): { readonly floor: number; readonly scale: number }[] {
  const sum = (of: (i: number) => number): number =>
    xs.reduce((total, _, i) => total + weights[i] * of(i), 0);
  const [w, x, y] = [sum(() => 1), sum((i) => xs[i]), sum((i) => ys[i])];
  const [xx, xy] = [sum((i) => xs[i] ** 2), sum((i) => xs[i] * ys[i])];
  const scale = (w * xy - x * y) / (w * xx - x * x);
  const floor = (y - scale * x) / w;
  if (scale >= 0 && floor >= 0) return [{ floor, scale }];
  return [
    { floor: 0, scale: Math.max(0, xy / xx) },
    { floor: y / w, scale: 0 },
  ];
}
