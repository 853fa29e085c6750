/**
 * Group relative policy optimisation: several responses to a prompt are each other's baseline, so there is no value
 * function. DAPO, Dr. GRPO, GSPO, CISPO, SAPO, VESPO and LUSPO are the same loop with other losses
 * (`src/objective/grpo.ts`).
 *
 * @see Shao et al. 2024, "DeepSeekMath", arXiv:2402.03300, algorithm 1.
 */
import { conditionScores, groupAdvantages, grpoLoss, highEntropyMask } from '../objective/index.ts';
import type { StageContext } from './context.ts';
import type { PolicyInputs } from './group-sampler.ts';
import { type GrpoOptions, grpoRules } from './grpo-options.ts';
import { penalisedScores } from './kl-penalty.ts';
import { refuseOptions } from './option-rules.ts';
import type { PolicyGraph } from './policy-batch.ts';
import { SpreadWatch } from './policy-checks.ts';
import type { PolicyResult } from './policy-report.ts';
import { PolicyTraining, type TrainedGraph, trainedOn } from './policy-training.ts';

/** Trains `inputs.policy` in place. */
export async function trainGrpo(
  options: GrpoOptions,
  inputs: PolicyInputs,
  context: StageContext,
): Promise<PolicyResult> {
  // Step 1. The policy with its loss; or, when resuming, where they stood.
  refuseOptions('GRPO', options, grpoRules);
  await using training = await PolicyTraining.create(
    {
      name: 'GRPO',
      options,
      inputs,
      build: () => trainedOn({ inputs, options }, (graph) => lossOf(graph, options)),
      rescores: options.topEntropyQuantile < 1,
    },
    context,
  );
  const spread = new SpreadWatch();

  for (const iteration of training.remaining()) {
    // Step 2. Sample a group of responses to each prompt with the current policy, and score them.
    const rollout = await training.sample();
    if (!rollout) break;
    const { ended, counted, entropies } = rollout;

    // Step 3. How much better each response was than the others of its group.
    const scores = conditionScores({
      scores: rollout.scores,
      ended,
      missingEosPenalty: options.missingEosPenalty,
      allowUnscored: true,
    });
    const { klCoefficient: coefficient } = training;
    const rewards =
      training.reference && options.klIn === 'reward'
        ? penalisedScores(rollout, scores, { coefficient, estimator: options.klEstimator })
        : scores;
    const { advantages, fractionWithoutSpread } = groupAdvantages({
      rewards,
      groupSize: options.numGenerations,
      scale: options.scaleRewards,
    });
    spread.check(fractionWithoutSpread, iteration + 1, context);

    // Step 4. Optimizer steps on these responses, or on the tokens of them that are to count.
    const { samplerWeights } = training;
    const part = options.topEntropyQuantile;
    const keepTokens = part < 1 ? highEntropyMask({ entropy: entropies, counted, part }) : null;
    await training.update(
      rollout,
      {
        perSequence: { advantages },
        perToken: {
          ...(samplerWeights && { importanceWeights: samplerWeights }),
          ...(keepTokens && { keepTokens }),
        },
        ...(keepTokens && { totals: { keepTotal: keepTokens } }),
      },
      options.maskTruncatedCompletions ? ended.map((one) => 1 - one) : undefined,
    );

    // Step 5. Steer the penalty, report, save.
    await training.finish(rollout, {
      metrics: { frac_reward_zero_std: fractionWithoutSpread },
      perResponse: { advantage: advantages },
    });
  }
  return training.result;
}

/** The loss on the policy's graph. */
function lossOf(graph: PolicyGraph, options: GrpoOptions): Omit<TrainedGraph, 'model'> {
  const inLoss = options.beta > 0 && options.klIn === 'loss';
  const { loss, metrics } = grpoLoss({
    lossType: options.lossType,
    tokens: graph.tokens,
    logProbs: graph.logProbs,
    oldLogProbs: graph.oldLogProbs,
    advantages: graph.perSequence('advantages'),
    tokenTotal: graph.tokenTotal,
    sequenceTotal: graph.sequenceTotal,
    importanceSamplingLevel: options.importanceSamplingLevel,
    epsilon: options.epsilon,
    epsilonHigh: options.epsilonHigh ?? undefined,
    delta: options.delta,
    maxCompletionLength: options.maxCompletionLength,
    ...(inLoss && {
      beta: graph.scalar('beta'),
      referenceLogProbs: graph.perToken('referenceLogProbs'),
      klEstimator: options.klEstimator,
      useBiasCorrectionKl: options.useBiasCorrectionKl,
    }),
    ...(options.importanceSamplingMode !== null && {
      importanceWeights: graph.perToken('importanceWeights'),
    }),
    ...(options.topEntropyQuantile < 1 && {
      keepTokens: graph.perToken('keepTokens'),
      keepTotal: graph.scalar('keepTotal'),
    }),
    offPolicyMaskThreshold: options.offPolicyMaskThreshold,
    entropy: graph.entropy,
    entropyCoefficient: options.entropyCoef,
    sapoTemperaturePositive: options.sapoTemperaturePos,
    sapoTemperatureNegative: options.sapoTemperatureNeg,
    vespoKPositive: options.vespoKPos,
    vespoLambdaPositive: options.vespoLambdaPos,
    vespoKNegative: options.vespoKNeg,
    vespoLambdaNegative: options.vespoLambdaNeg,
  });
  return { loss, metrics: { ...metrics } };
}
