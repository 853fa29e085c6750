/** The little statistics that detectors need: means with their errors, correlations, slopes. */

/** What is kept of a measure over the responses of one iteration, or of several together. */
export interface Moments {
  /** Responses. */
  readonly count: number;
  readonly mean: number;
  /** Standard deviation over responses. */
  readonly deviation: number;
  /** Standard error of the mean; responses to one prompt count as one draw. */
  readonly error: number;
}

/**
 * Moments of the values that are not NaN; null where there is none.
 * @param groups which draw a value belongs to, such as its prompt. Default: each is its own
 */
export function momentsOf(values: ArrayLike<number>, groups?: ArrayLike<unknown>): Moments | null {
  const known = Array.from(values, (value, i) => ({ value, group: groups ? groups[i] : i })).filter(
    ({ value }) => Number.isFinite(value),
  );
  const count = known.length;
  if (count === 0) return null;
  const mean = known.reduce((sum, { value }) => sum + value, 0) / count;
  const squares = known.reduce((sum, { value }) => sum + (value - mean) ** 2, 0);
  // The error of a mean over clusters: residuals are summed within each before they are squared.
  const residuals = new Map<unknown, number>();
  for (const { value, group } of known) residuals.set(group, (residuals.get(group) ?? 0) + value - mean);
  const clusters = residuals.size;
  const between = [...residuals.values()].reduce((sum, residual) => sum + residual ** 2, 0);
  const deviation = count > 1 ? Math.sqrt(squares / (count - 1)) : 0;
  return {
    count,
    mean,
    deviation,
    // A single draw says nothing of how draws differ; that its values differ is the best that is known.
    error: clusters > 1 ? Math.sqrt((between * clusters) / (clusters - 1)) / count : deviation,
  };
}

/** Several iterations as one; null where there is none. */
export function pool(parts: readonly (Moments | null | undefined)[]): Moments | null {
  const known = parts.filter((part) => part !== null && part !== undefined);
  const count = known.reduce((sum, part) => sum + part.count, 0);
  if (count === 0) return null;
  const mean = known.reduce((sum, part) => sum + part.count * part.mean, 0) / count;
  const squares = known.reduce(
    (sum, part) => sum + (part.count - 1) * part.deviation ** 2 + part.count * (part.mean - mean) ** 2,
    0,
  );
  const error = Math.sqrt(known.reduce((sum, part) => sum + (part.count * part.error) ** 2, 0)) / count;
  return { count, mean, deviation: count > 1 ? Math.sqrt(squares / (count - 1)) : 0, error };
}

/**
 * How many standard errors apart two means are, after minus before. Where a measure does not vary at all, as a phrase
 * that nobody uses, one response more or less is taken as the error.
 */
export function separation(before: Moments, after: Moments): number {
  const errorOf = ({ error, count }: Moments): number =>
    Math.max(error, 1e-9, before.deviation === 0 ? 1 / count : 0);
  return (after.mean - before.mean) / Math.hypot(errorOf(before), errorOf(after));
}

/** Lower end of a 95 % interval of |correlation|, by Fisher's transformation; 0 where it may be none. */
export function leastCorrelation(r: number, count: number): number {
  if (count <= 3) return 0;
  const z = Math.atanh(Math.min(Math.abs(r), 1 - 1e-12)) - 1.96 / Math.sqrt(count - 3);
  return Math.max(0, Math.tanh(z));
}

/**
 * Slope of a straight line through points of known error, and the error of the slope; null with fewer than three points
 * or all at one place. The error is that of the points, or of their scatter around the line where that is larger.
 */
export function slopeOf(
  points: readonly { readonly x: number; readonly y: number; readonly error: number }[],
): { readonly slope: number; readonly error: number } | null {
  if (points.length < 3) return null;
  const weights = points.map(({ error }) => 1 / Math.max(error, 1e-9) ** 2);
  const total = weights.reduce((a, b) => a + b, 0);
  const meanX = points.reduce((sum, { x }, i) => sum + weights[i] * x, 0) / total;
  const meanY = points.reduce((sum, { y }, i) => sum + weights[i] * y, 0) / total;
  const xx = points.reduce((sum, { x }, i) => sum + weights[i] * (x - meanX) ** 2, 0);
  if (!(xx > 0)) return null;
  const slope = points.reduce((sum, { x, y }, i) => sum + weights[i] * (x - meanX) * (y - meanY), 0) / xx;
  const residual = points.reduce(
    (sum, { x, y }, i) => sum + weights[i] * (y - meanY - slope * (x - meanX)) ** 2,
    0,
  );
  return { slope, error: Math.sqrt(Math.max(1, residual / (points.length - 2)) / xx) };
}
