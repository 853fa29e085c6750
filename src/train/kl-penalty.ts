/** The tie to the reference model: its weight, its place in the reward, and a reference that follows the policy. */
import { TenetError } from '../base/index.ts';
import { AdaptedParameters, type ParameterStore } from '../model/index.ts';
import {
  createKlController,
  type KlController,
  type KlControllerState,
  type KlEstimator,
  klPerResponse,
} from '../objective/index.ts';
import type { OptionProblem } from './option-rules.ts';
import type { Rollout } from './rollout.ts';

/** The options of `klShape`. */
export interface KlOptions {
  readonly beta: number;
  readonly klEstimator: KlEstimator;
  readonly klIn: 'reward' | 'loss';
  readonly useBiasCorrectionKl: boolean;
  readonly klTarget: number | null;
  readonly klHorizon: number;
  readonly syncRefModel: boolean;
  readonly refModelMixupAlpha: number;
  readonly refModelSyncSteps: number;
}

/** What does not go together. */
export function klProblems(options: KlOptions): OptionProblem[] {
  const { beta, klEstimator, klIn, useBiasCorrectionKl, klTarget, syncRefModel } = options;
  const problems: OptionProblem[] = [];
  if (beta === 0 && klTarget !== null) {
    problems.push({ option: 'klTarget', rule: 'needs a beta above 0 to steer' });
  }
  if (beta === 0 && syncRefModel) {
    problems.push({ option: 'syncRefModel', rule: 'needs a beta above 0, or no reference model is used' });
  }
  if (beta > 0 && klIn === 'loss' && klEstimator === 'k1' && !useBiasCorrectionKl) {
    problems.push({
      option: 'klEstimator',
      rule: 'in the loss needs useBiasCorrectionKl, since its gradient is 0 on average; or use k2 or k3',
    });
  }
  return problems;
}

/** The weight of the penalty, fixed or steered; with a state it continues where a saved one stopped. */
export function createKlPenalty(
  options: Pick<KlOptions, 'beta' | 'klTarget' | 'klHorizon'>,
  state?: KlControllerState,
): KlController {
  const { beta: coefficient, klTarget: target, klHorizon: horizon } = options;
  return target === null
    ? createKlController({ kind: 'fixed', coefficient }, state)
    : createKlController({ kind: 'adaptive', coefficient, target, horizon }, state);
}

/** Divergence of each response from the reference, nats: Σ log π − log π_ref, whatever the penalty's estimator. */
export function divergenceOf(rollout: Rollout): Float32Array {
  return klPerResponse({ ...rollout, estimator: 'k1', sequences: rollout.items.length });
}

/** Scores less the penalty of their responses; NaN stays NaN. */
export function penalisedScores(
  rollout: Rollout,
  scores: Float32Array,
  options: { readonly coefficient: number; readonly estimator: KlEstimator },
): Float32Array {
  const kl = klPerResponse({ ...rollout, estimator: options.estimator, sequences: rollout.items.length });
  return scores.map((score, i) => score - options.coefficient * kl[i]);
}

/**
 * A mean of two adapters' factors is no mean of what they add, so a reference with an adapter can only become the policy.
 * @throws TenetError('usage')
 */
export function refuseMixedAdapters(
  name: string,
  { syncRefModel, refModelMixupAlpha }: Pick<KlOptions, 'syncRefModel' | 'refModelMixupAlpha'>,
  policy: ParameterStore,
): void {
  if (!syncRefModel || refModelMixupAlpha === 1 || !(policy instanceof AdaptedParameters)) return;
  throw new TenetError(
    'usage',
    `${name}: the reference cannot move part of the way (refModelMixupAlpha ${refModelMixupAlpha}) where an adapter is trained; ` +
      'set refModelMixupAlpha to 1, or train all weights.',
  );
}

/**
 * Moves the reference towards the policy, in place: reference ← alpha · policy + (1 − alpha) · reference.
 * @see Gorbatovski et al. 2024, "Learn your reference model for real good alignment", arXiv:2404.09656.
 */
export function followPolicy(reference: ParameterStore, policy: ParameterStore, alpha: number): void {
  for (const name of reference.names) {
    const target = reference.view(name);
    const source = policy.view(name);
    for (let i = 0; i < target.length; i++) target[i] = alpha * source[i] + (1 - alpha) * target[i];
  }
}
