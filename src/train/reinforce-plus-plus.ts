/**
 * REINFORCE++: PPO's clipped loss without a value function. What follows a token, penalties and the score at the end,
 * is whitened over the whole batch; in the baseline form, the score less the mean of its group is.
 *
 * @see Hu et al. 2025, arXiv:2501.03262.
 */
import {
  conditionScores,
  klLoss,
  ppoPolicyLoss,
  reinforcePlusPlusAdvantages,
  reinforcePlusPlusBaselineAdvantages,
  shapeRewards,
} from '../objective/index.ts';
import { add, multiply } from '../tensor/index.ts';
import type { StageContext } from './context.ts';
import type { PolicyInputs } from './group-sampler.ts';
import { refuseOptions } from './option-rules.ts';
import type { PolicyGraph } from './policy-batch.ts';
import type { PolicyResult } from './policy-report.ts';
import { PolicyTraining, type TrainedGraph, trainedOn } from './policy-training.ts';
import {
  type ReinforcePlusPlusOptions,
  reinforcePlusPlusRules,
  withPenalty,
} from './reinforce-plus-plus-options.ts';

/** Trains `inputs.policy` in place. */
export async function trainReinforcePlusPlus(
  given: ReinforcePlusPlusOptions,
  inputs: PolicyInputs,
  context: StageContext,
): Promise<PolicyResult> {
  // Step 1. The policy with its loss; or, when resuming, where they stood.
  refuseOptions('REINFORCE++', given, reinforcePlusPlusRules);
  const options = withPenalty(given);
  await using training = await PolicyTraining.create(
    {
      name: 'REINFORCE++',
      options,
      inputs,
      build: () => trainedOn({ inputs, options }, (graph) => lossOf(graph, options)),
    },
    context,
  );

  for (const _ of training.remaining()) {
    // Step 2. Sample responses with the current policy, and score them.
    const rollout = await training.sample();
    if (!rollout) break;
    const { counted, items } = rollout;

    // Step 3. An advantage per token, whitened over the batch.
    const scores = conditionScores({
      scores: rollout.scores,
      ended: rollout.ended,
      clip: options.rewardClip,
      missingEosPenalty: options.missingEosPenalty,
    });
    const advantages =
      options.baseline === 'group'
        ? reinforcePlusPlusBaselineAdvantages({ scores, counted, groupSize: options.numGenerations })
        : reinforcePlusPlusAdvantages({
            rewards: shapeRewards({
              ...rollout,
              scores,
              klCoefficient: options.klIn === 'reward' ? training.klCoefficient : 0,
              klEstimator: options.klEstimator,
            }).rewards,
            counted,
            sequences: items.length,
            gamma: options.gamma,
          });

    // Step 4. Optimizer steps on these responses. Weights that correct for the sampler are not negative, so they go
    // into the advantages.
    const { samplerWeights } = training;
    const weighted = samplerWeights ? advantages.map((value, i) => value * samplerWeights[i]) : advantages;
    await training.update(rollout, { perToken: { advantages: weighted } });

    // Step 5. Steer the penalty, report, save.
    await training.finish(rollout);
  }
  return training.result;
}

/** PPO's clipped loss on the policy's graph, and the penalty where it belongs there. */
function lossOf(graph: PolicyGraph, options: ReturnType<typeof withPenalty>): Omit<TrainedGraph, 'model'> {
  const { tokens, logProbs, oldLogProbs, tokenTotal } = graph;
  const { loss, metrics } = ppoPolicyLoss({
    logProbs,
    oldLogProbs,
    advantages: graph.perToken('advantages'),
    counted: tokens.counted,
    normaliser: tokenTotal,
    clipRange: options.epsilon,
    clipRangeHigh: options.epsilonHigh ?? undefined,
    entropy: graph.entropy,
    entropyCoefficient: options.entropyCoef,
  });
  if (options.beta === 0 || options.klIn === 'reward') return { loss, metrics: { ...metrics } };
  const kl = klLoss({
    tokens,
    logProbs,
    oldLogProbs,
    referenceLogProbs: graph.perToken('referenceLogProbs'),
    estimator: options.klEstimator,
    useBiasCorrectionKl: options.useBiasCorrectionKl,
    per: 'token',
    total: tokenTotal,
  });
  return { loss: add(loss, multiply(kl, graph.scalar('beta'))), metrics: { ...metrics, kl } };
}
