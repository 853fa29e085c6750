/**
 * A covariance from few rows: the sample's, drawn towards a multiple of the identity as far as its own noise asks for.
 *
 *     Σ = (1 − s) S + s m I       S = XᵀX / N of centred rows, m = tr S / K
 *     s = min(b, d) / d           d = |S − m I|², b = Σᵢ |xᵢxᵢᵀ − S|² / N², squared Frobenius norms
 *
 * With fewer rows than dimensions S cannot be inverted; Σ can.
 *
 * Shapes: N rows, K dimensions.
 * @see Ledoit and Wolf 2004, "A well-conditioned estimator for large-dimensional covariance matrices", section 3.
 */

export interface ShrunkCovariance {
  /** [K] */
  readonly mean: Float64Array;
  /** [K, K] Σ */
  readonly covariance: Float64Array;
  /** s, in [0, 1]. */
  readonly shrinkage: number;
}

/** @param rows at least one, each of K numbers */
export function shrunkCovariance(rows: readonly ArrayLike<number>[]): ShrunkCovariance {
  const count = rows.length;
  const width = rows[0].length;
  const mean = new Float64Array(width);
  for (const row of rows) for (let i = 0; i < width; i++) mean[i] += row[i] / count;

  const covariance = new Float64Array(width * width);
  const centred = new Float64Array(width);
  let fourth = 0; // Σ |x|⁴ = Σ |xxᵀ|²
  for (const row of rows) {
    let square = 0;
    for (let i = 0; i < width; i++) {
      centred[i] = row[i] - mean[i];
      square += centred[i] ** 2;
    }
    fourth += square ** 2;
    for (let i = 0; i < width; i++) {
      for (let j = 0; j <= i; j++) covariance[i * width + j] += (centred[i] * centred[j]) / count;
    }
  }

  let [trace, norm] = [0, 0];
  for (let i = 0; i < width; i++) {
    trace += covariance[i * width + i];
    for (let j = 0; j < i; j++) {
      covariance[j * width + i] = covariance[i * width + j];
      norm += 2 * covariance[i * width + j] ** 2;
    }
    norm += covariance[i * width + i] ** 2;
  }
  const level = trace / width;
  const spread = norm - width * level ** 2; // |S − m I|²
  // Σ |xxᵀ − S|² = Σ |xxᵀ|² − N |S|², since the xxᵀ have the mean S.
  const noise = (fourth / count - norm) / count;
  const shrinkage = spread > 0 ? Math.min(1, Math.max(0, noise) / spread) : 1;
  for (let i = 0; i < width * width; i++) covariance[i] *= 1 - shrinkage;
  for (let i = 0; i < width; i++) covariance[i * width + i] += shrinkage * level;
  return { mean, covariance, shrinkage };
}

/**
 * The lower triangular L with L Lᵀ = Σ.
 * @returns [K, K]; null where Σ is not positive definite, as where nothing varies
 */
export function choleskyFactor(covariance: Float64Array): Float64Array | null {
  const width = Math.sqrt(covariance.length);
  const factor = new Float64Array(width * width);
  for (let i = 0; i < width; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = covariance[i * width + j];
      for (let k = 0; k < j; k++) rest -= factor[i * width + k] * factor[j * width + k];
      if (i !== j) factor[i * width + j] = rest / factor[j * width + j];
      else if (rest > 1e-12 * covariance[i * width + i]) factor[i * width + i] = Math.sqrt(rest);
      else return null;
    }
  }
  return factor;
}

/** Mahalanobis' squared distance (x − μ)ᵀ Σ⁻¹ (x − μ), from Σ's factor. */
export function squaredDistance(row: ArrayLike<number>, mean: Float64Array, factor: Float64Array): number {
  const width = mean.length;
  const solved = new Float64Array(width); // L y = x − μ
  let distance = 0;
  for (let i = 0; i < width; i++) {
    let rest = row[i] - mean[i];
    for (let k = 0; k < i; k++) rest -= factor[i * width + k] * solved[k];
    solved[i] = rest / factor[i * width + i];
    distance += solved[i] ** 2;
  }
  return distance;
}
