/** Quantiles of the normal and of Student's t distribution and of a sample; probabilities of the binomial one. */
import { TenetError } from '../base/index.ts';

/** x with Φ(x) = probability, to about 1e-12. */
export function normalQuantile(probability: number): number {
  return invert(normalCumulative, probability);
}

/** x with F(x) = probability for Student's t with `degrees` > 0 degrees of freedom, to about 1e-10. */
export function studentQuantile(probability: number, degrees: number): number {
  return invert((x) => studentCumulative(x, degrees), probability);
}

/** The quantile of ascending values, linear between neighbours; NaN for no values. */
export function sampleQuantile(sorted: Float64Array, probability: number): number {
  const place = probability * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

/** P(X ≤ k) of a binomial distribution with n trials of probability p: I_{1−p}(n − k, k + 1). */
export function binomialCumulative(k: number, n: number, p: number): number {
  if (k < 0) return 0;
  return k >= n ? 1 : incompleteBeta(1 - p, n - Math.floor(k), Math.floor(k) + 1);
}

/** Bisects an increasing function; by symmetry only the upper half is searched. */
function invert(cumulative: (x: number) => number, probability: number): number {
  if (!(probability > 0 && probability < 1)) {
    throw new TenetError('usage', `quantile: probability ${probability} must lie strictly between 0 and 1`);
  }
  if (probability < 0.5) return -invert(cumulative, 1 - probability);
  let low = 0;
  let high = 1;
  while (cumulative(high) < probability && high < 1e12) high *= 2;
  for (let i = 0; i < 200 && high - low > 1e-14 * high; i++) {
    const middle = (low + high) / 2;
    if (cumulative(middle) < probability) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Φ(x) for x ≥ 0: ½ + φ(x) (x + x³/3 + x⁵/(3·5) + …). @see Marsaglia 2004, J. Stat. Software 11(4). */
function normalCumulative(x: number): number {
  if (x > 9) return 1;
  let term = x;
  let total = x;
  for (let k = 3; term > 1e-18 * total; k += 2) {
    term *= (x * x) / k;
    total += term;
  }
  return 0.5 + total * Math.exp(-0.5 * x * x - 0.5 * Math.log(2 * Math.PI));
}

/** F(x) = 1 − ½ I_{n/(n + x²)}(n/2, ½) for x ≥ 0. */
function studentCumulative(x: number, degrees: number): number {
  return 1 - 0.5 * incompleteBeta(degrees / (degrees + x * x), degrees / 2, 0.5);
}

/** The regularised incomplete beta function, by its continued fraction (Lentz's method). */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const tiny = 1e-300;
  const factor = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  let c = 1;
  let d = 1 / (1 - ((a + b) * x) / (a + 1) || tiny);
  let fraction = d;
  for (let m = 1; m < 500; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / (1 + even * d || tiny);
    c = 1 + even / c || tiny;
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / (1 + odd * d || tiny);
    c = 1 + odd / c || tiny;
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return (factor * fraction) / a;
}

/** log Γ(x) for x > 0: Stirling's series after shifting x above 10. */
function logGamma(x: number): number {
  let shift = 0;
  let y = x;
  while (y < 10) shift += Math.log(y++);
  const r = 1 / (y * y);
  const series = (1 / 12 - r * (1 / 360 - r * (1 / 1260 - r * (1 / 1680 - r / 1188)))) / y;
  return (y - 0.5) * Math.log(y) - y + 0.5 * Math.log(2 * Math.PI) + series - shift;
}
