/**
 * REINFORCE leave-one-out: each response is measured against the mean of the other responses to its prompt. A whole
 * response is one action, with one importance ratio; ratios per token are an option.
 *
 * Shapes: B responses per iteration in groups, R tokens of the longest.
 *
 * @see Ahmadian et al. 2024, "Back to basics", arXiv:2402.14740, section 3.
 */
import {
  conditionScores,
  klLoss,
  leaveOneOutAdvantages,
  ppoPolicyLoss,
  rlooLoss,
} from '../objective/index.ts';
import { add, multiply } from '../tensor/index.ts';
import type { StageContext } from './context.ts';
import type { PolicyInputs } from './group-sampler.ts';
import { penalisedScores } from './kl-penalty.ts';
import { refuseOptions } from './option-rules.ts';
import { type PolicyGraph, type PolicyValues, spreadOverTokens } from './policy-batch.ts';
import { SpreadWatch } from './policy-checks.ts';
import type { PolicyResult } from './policy-report.ts';
import { PolicyTraining, type TrainedGraph, trainedOn } from './policy-training.ts';
import { type RlooOptions, rlooRules } from './rloo-options.ts';
import type { Rollout } from './rollout.ts';

/** Trains `inputs.policy` in place. */
export async function trainRloo(
  options: RlooOptions,
  inputs: PolicyInputs,
  context: StageContext,
): Promise<PolicyResult> {
  // Step 1. The policy with its loss; or, when resuming, where they stood.
  refuseOptions('RLOO', options, rlooRules);
  await using training = await PolicyTraining.create(
    {
      name: 'RLOO',
      options,
      inputs,
      build: () => trainedOn({ inputs, options }, (graph) => lossOf(graph, options)),
    },
    context,
  );
  const spread = new SpreadWatch();

  for (const iteration of training.remaining()) {
    // Step 2. Sample a group of responses to each prompt with the current policy, and score them.
    const rollout = await training.sample();
    if (!rollout) break;

    // Step 3. What each response earned, the penalty for leaving the reference included, less what the others of its
    // group earned on average.
    const scores = conditionScores({
      scores: rollout.scores,
      ended: rollout.ended,
      clip: options.rewardClipRange,
      missingEosPenalty: options.missingEosPenalty,
      allowUnscored: true,
    });
    const { klCoefficient: coefficient } = training;
    const rewards =
      training.reference && options.klIn === 'reward'
        ? penalisedScores(rollout, scores, { coefficient, estimator: options.klEstimator })
        : scores;
    const { advantages, fractionWithoutSpread } = leaveOneOutAdvantages({
      rewards,
      groupSize: options.numGenerations,
      normalise: options.normalizeAdvantages,
    });
    spread.check(fractionWithoutSpread, iteration + 1, context);

    // Step 4. Optimizer steps on these responses.
    await training.update(rollout, advantageValues(rollout, advantages, training.samplerWeights, options));

    // Step 5. Steer the penalty, report, save.
    await training.finish(rollout, {
      metrics: { frac_reward_zero_std: fractionWithoutSpread },
      perResponse: { advantage: advantages },
    });
  }
  return training.result;
}

/** The loss on the policy's graph: the clipped ratio times the advantage, and the penalty where it belongs there. */
function lossOf(graph: PolicyGraph, options: RlooOptions): Omit<TrainedGraph, 'model'> {
  const { tokens, logProbs, oldLogProbs, entropy, tokenTotal, sequenceTotal } = graph;
  const bySequence = options.importanceSamplingLevel === 'sequence';
  const epsilonHigh = options.epsilonHigh ?? options.epsilon;
  const { loss, metrics } = bySequence
    ? rlooLoss({
        tokens,
        logProbs,
        oldLogProbs,
        advantages: graph.perSequence('advantages'),
        tokenTotal,
        sequenceTotal,
        epsilon: options.epsilon,
        epsilonHigh,
        entropy,
      })
    : ppoPolicyLoss({
        logProbs,
        oldLogProbs,
        advantages: graph.perToken('advantages'),
        counted: tokens.counted,
        normaliser: tokenTotal,
        clipRange: options.epsilon,
        clipRangeHigh: epsilonHigh,
        entropy,
      });
  if (options.beta === 0 || options.klIn === 'reward') return { loss, metrics: { ...metrics } };
  const kl = klLoss({
    tokens,
    logProbs,
    oldLogProbs,
    referenceLogProbs: graph.perToken('referenceLogProbs'),
    estimator: options.klEstimator,
    useBiasCorrectionKl: options.useBiasCorrectionKl,
    per: options.importanceSamplingLevel,
    total: bySequence ? sequenceTotal : tokenTotal,
  });
  return { loss: add(loss, multiply(kl, graph.scalar('beta'))), metrics: { ...metrics } };
}

/** Advantages as the loss takes them. Weights that correct for the sampler are not negative, so they go into them. */
function advantageValues(
  rollout: Rollout,
  advantages: Float32Array, // [B]
  weights: Float32Array | null, // [B, R]
  options: RlooOptions,
): PolicyValues {
  if (options.importanceSamplingLevel === 'token') {
    const perToken = spreadOverTokens(rollout, advantages);
    return { perToken: { advantages: weights ? perToken.map((value, i) => value * weights[i]) : perToken } };
  }
  // A sequence's weight stands at each of its tokens.
  const weighted = weights
    ? advantages.map((value, row) => value * weights[row * rollout.length])
    : advantages;
  return { perSequence: { advantages: weighted } };
}
