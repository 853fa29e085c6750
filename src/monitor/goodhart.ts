/**
 * How a reward that is not optimised rises and falls while another one is, by the forms of Gao et al.
 *
 * With d = √KL(policy ‖ reference), the gain over the reference is
 *
 *     best of n:  R(d) = d (α − β d)        highest at d = α / 2β
 *     RL:         R(d) = d (α − β ln d)     highest at d = exp(α / β − 1)
 *
 * Both are linear in α and β, so ordinary least squares gives them with their errors.
 *
 * @see Gao et al. 2023, "Scaling laws for reward model overoptimization", arXiv:2210.10760, section 3.1.
 */
import { TenetError } from '../base/index.ts';

export const goldForms = ['best-of-n', 'rl'] as const;
export type GoldForm = (typeof goldForms)[number];

export interface GoldPoint {
  /** Divergence from the reference, nats per response. */
  readonly kl: number;
  /** Gain over the reference, reward units. */
  readonly gain: number;
}

export interface GoldFit {
  readonly form: GoldForm;
  readonly points: number;
  readonly alpha: number;
  readonly beta: number;
  /** Standard errors. */
  readonly alphaError: number;
  readonly betaError: number;
  /** Share of the variance of gains around 0 that the form explains. */
  readonly explained: number;
  /** Where the fitted gain is highest: nats, and the gain; null where it does not turn (β ≤ 0). */
  readonly peak: { readonly kl: number; readonly gain: number } | null;
}

/** Fewer points than this fit anything. */
const fewest = 5;

/**
 * Fits a form to points in any order; those with a divergence not above 0 tell nothing and are left out.
 * @returns null where fewer than five are left, or all at one divergence
 */
export function fitGold(points: readonly GoldPoint[], form: GoldForm): GoldFit | null {
  if (!goldForms.includes(form)) {
    throw new TenetError('usage', `fitGold: form is "${form}"; it must be one of ${goldForms.join(', ')}`);
  }
  const rows = points
    .filter(({ kl, gain }) => kl > 0 && Number.isFinite(kl) && Number.isFinite(gain))
    .map(({ kl, gain }) => ({ d: Math.sqrt(kl), bend: bendOf(Math.sqrt(kl), form), gain }));
  if (rows.length < fewest) return null;
  let [dd, db, bb, dy, by, yy] = [0, 0, 0, 0, 0, 0];
  for (const { d, bend, gain } of rows) {
    dd += d * d;
    db += d * bend;
    bb += bend * bend;
    dy += d * gain;
    by += bend * gain;
    yy += gain * gain;
  }
  const determinant = dd * bb - db * db;
  if (!(determinant > 1e-12 * dd * bb)) return null;
  // gain = α d + (−β) bend
  const alpha = (bb * dy - db * by) / determinant;
  const beta = -(dd * by - db * dy) / determinant;
  const residual = rows.reduce((sum, { d, bend, gain }) => sum + (gain - alpha * d + beta * bend) ** 2, 0);
  const variance = residual / (rows.length - 2);
  const fit = { form, alpha, beta };
  return {
    ...fit,
    points: rows.length,
    alphaError: Math.sqrt((variance * bb) / determinant),
    betaError: Math.sqrt((variance * dd) / determinant),
    explained: yy > 0 ? 1 - residual / yy : 0,
    peak: peakOf(fit),
  };
}

/** The fitted gain at a divergence. */
export function fittedGain(
  { form, alpha, beta }: Pick<GoldFit, 'form' | 'alpha' | 'beta'>,
  kl: number,
): number {
  const d = Math.sqrt(Math.max(0, kl));
  return alpha * d - beta * bendOf(d, form);
}

function bendOf(d: number, form: GoldForm): number {
  if (form === 'best-of-n') return d * d;
  return d > 0 ? d * Math.log(d) : 0;
}

function peakOf(fit: Pick<GoldFit, 'form' | 'alpha' | 'beta'>): GoldFit['peak'] {
  const { form, alpha, beta } = fit;
  if (!(beta > 0) || (form === 'best-of-n' && alpha <= 0)) return null;
  const d = form === 'best-of-n' ? alpha / (2 * beta) : Math.exp(alpha / beta - 1);
  return Number.isFinite(d * d) ? { kl: d * d, gain: fittedGain(fit, d * d) } : null;
}
