/** The weight of a constraint on what the policy does on average: it rises while the constraint is broken. */
import { TenetError } from '../base/index.ts';
import { knownMoments } from './known-moments.ts';
import type { Values } from './masked.ts';

export interface LagrangeOptions {
  /** What the objective's mean must reach, or must not exceed; its own units. */
  readonly bound: number;
  /** Which side of the bound is allowed. */
  readonly side: 'atLeast' | 'atMost';
  /** Step of ln λ per unit of violation, times λ. Default 0.1 (safe-rlhf). */
  readonly learningRate?: number;
  /** First λ. Default 1 (safe-rlhf). */
  readonly initial?: number;
  /** λ stays within these. Default 0.01 and 5 (safe-rlhf: none and 5). */
  readonly min?: number;
  readonly max?: number;
  /** Newest responses whose mean is compared with the bound. Default 128 (safe-rlhf). */
  readonly window?: number;
  /** True: violations are measured in standard deviations, as where objectives are normalised. Default false. */
  readonly standardise?: boolean;
}

/** What a checkpoint must hold to continue. */
export interface LagrangeState {
  readonly logMultiplier: number;
  /** The window's values, oldest first. */
  readonly recent: readonly number[];
}

export interface LagrangeMultiplier {
  /** λ, what the constrained objective counts now; never negative. */
  readonly multiplier: number;
  /** How far the window's mean is on the wrong side of the bound; negative: on the right side. NaN before any value. */
  readonly violation: number;
  /** Takes in what was measured, NaN = does not apply, and moves λ once. */
  update(values: Values): void;
  readonly state: LagrangeState;
}

/**
 * ln λ ← ln λ + α · λ · violation, kept within bounds: gradient ascent on the Lagrangian in ln λ, so that λ stays
 * positive and moves by factors.
 * @param state a saved state to continue from
 * @throws TenetError('usage') for a learning rate, bounds or window that are not positive, or an initial λ outside them
 * @see Dai et al. 2023, "Safe RLHF", arXiv:2310.12773, eq. 31; defaults from its code, safe-rlhf.
 */
export function createLagrangeMultiplier(
  options: LagrangeOptions,
  state?: LagrangeState,
): LagrangeMultiplier {
  const { bound, side, learningRate = 0.1, initial = 1, min = 0.01, max = 5, window = 128 } = options;
  checkOptions({ learningRate, initial, min, max, window });
  let logMultiplier = state?.logMultiplier ?? Math.log(initial);
  let recent: readonly number[] = state?.recent ?? [];
  const violation = (): number => {
    const { mean } = knownMoments(recent);
    return side === 'atLeast' ? bound - mean : mean - bound;
  };
  return {
    get multiplier() {
      return Math.exp(logMultiplier);
    },
    get violation() {
      return violation();
    },
    get state() {
      return { logMultiplier, recent };
    },
    update(values) {
      const known = Array.from(values).filter((value) => !Number.isNaN(value));
      if (known.length === 0) return;
      recent = [...recent, ...known].slice(-window);
      const { deviation } = knownMoments(recent);
      const unit = options.standardise && deviation > 0 ? deviation : 1;
      const step = (learningRate * Math.exp(logMultiplier) * violation()) / unit;
      logMultiplier = Math.min(Math.log(max), Math.max(Math.log(min), logMultiplier + step));
    },
  };
}

function checkOptions(options: {
  readonly learningRate: number;
  readonly initial: number;
  readonly min: number;
  readonly max: number;
  readonly window: number;
}): void {
  const { learningRate, initial, min, max, window } = options;
  const problems: string[] = [];
  if (!(learningRate > 0)) problems.push(`learningRate is ${learningRate}, must be > 0`);
  if (!(min > 0 && max >= min)) problems.push(`bounds are ${min} and ${max}, must be > 0 and in order`);
  if (!(initial >= min && initial <= max))
    problems.push(`initial is ${initial}, must lie within ${min} and ${max}`);
  if (!(Number.isInteger(window) && window > 0))
    problems.push(`window is ${window}, must be a whole number > 0`);
  if (problems.length > 0) throw new TenetError('usage', `Lagrange multiplier: ${problems.join('; ')}`);
}
