/** The weight of the KL penalty: fixed, or steered towards a wanted divergence. */
import { TenetError } from '../base/index.ts';

/** What a checkpoint must hold to continue a controller. */
export interface KlControllerState {
  readonly coefficient: number;
}

export type KlControllerOptions =
  | {
      readonly kind: 'fixed';
      /** Reward units per nat. TRL's PPO and RLOO: 0.05. */
      readonly coefficient: number;
    }
  | {
      readonly kind: 'adaptive';
      /** First weight, reward units per nat. lm-human-preferences: 0.15 for its continuation tasks. */
      readonly coefficient: number;
      /** The divergence to hold, nats per response, summed over its tokens. lm-human-preferences: 6. */
      readonly target: number;
      /** Responses over which the weight can change by a factor of about e^±0.2. Default 10,000 (same source). */
      readonly horizon?: number;
    };

export interface KlController {
  /** The weight to use now, reward units per nat. */
  readonly coefficient: number;
  /**
   * Tells the controller what was measured.
   * @param klPerResponse mean over responses of the divergence summed over tokens, nats
   * @param responses     how many responses that mean is over
   */
  update(klPerResponse: number, responses: number): void;
  readonly state: KlControllerState;
}

const errorLimit = 0.2;

/** A batch that is large beside the horizon must not take the weight to 0, where multiplying leaves it for good, or below. */
const leastFactor = 0.5;

/**
 * Makes a controller; with `state` it continues where a saved one stopped.
 *
 * Adaptive: coefficient ← coefficient · (1 + clip(kl / target − 1, ±0.2) · responses / horizon), the factor at least ½.
 * @throws TenetError('usage') for a negative coefficient, or a target or horizon that is not positive
 * @see Ziegler et al. 2019, arXiv:1909.08593, section 2.2.
 */
export function createKlController(options: KlControllerOptions, state?: KlControllerState): KlController {
  const problems: string[] = [];
  if (!(options.coefficient >= 0)) problems.push(`coefficient is ${options.coefficient}, must be ≥ 0`);
  const target = options.kind === 'adaptive' ? options.target : 1;
  const horizon = options.kind === 'adaptive' ? (options.horizon ?? 10_000) : 1;
  if (!(target > 0)) problems.push(`target is ${target} nats, must be > 0`);
  if (!(horizon > 0)) problems.push(`horizon is ${horizon} responses, must be > 0`);
  if (options.kind === 'adaptive' && options.coefficient === 0) {
    problems.push('coefficient is 0 and would stay 0, since the adaptive rule multiplies it');
  }
  if (problems.length) throw new TenetError('usage', `KL controller: ${problems.join('; ')}`);

  let coefficient = state?.coefficient ?? options.coefficient;
  return {
    get coefficient() {
      return coefficient;
    },
    get state() {
      return { coefficient };
    },
    update(klPerResponse, responses) {
      if (options.kind === 'fixed') return;
      const error = Math.min(errorLimit, Math.max(-errorLimit, klPerResponse / target - 1));
      coefficient *= Math.max(leastFactor, 1 + (error * responses) / horizon);
    },
  };
}
