/**
 * Group relative policy optimisation: several responses to a prompt are each other's baseline, so there is no value
 * function. DAPO, Dr. GRPO, GSPO, CISPO, SAPO, VESPO and LUSPO are the same loop with other losses
 * (`src/objective/grpo.ts`).
 *
 * With one optimizer step per batch, the default, everything is on-policy: the ratio is 1, and the log-probabilities
 * that the sampler reports are those that the step would compute first. They are taken as they are, which saves a pass
 * over the policy, and the step tells how far off they were.
 *
 * Shapes: B responses per iteration in groups, R tokens of the longest.
 *
 * @see Shao et al. 2024, "DeepSeekMath", arXiv:2402.03300, algorithm 1.
 */
import {
  conditionScores,
  groupAdvantages,
  grpoLoss,
  highEntropyMask,
  type KlControllerState,
} from '../objective/index.ts';
import { loadCheckpoint, saveCheckpoint } from './checkpoint.ts';
import type { StageContext } from './context.ts';
import { GroupSampler, type PolicyInputs } from './group-sampler.ts';
import { type GrpoOptions, grpoRules } from './grpo-options.ts';
import { createKlPenalty, divergenceOf, followPolicy, penalisedScores } from './kl-penalty.ts';
import { meanOf } from './mean.ts';
import { refuseOptions } from './option-rules.ts';
import { trainerOptions } from './options.ts';
import { buildPolicyGraph, type PolicyGraph, planSteps, policyFeeds } from './policy-batch.ts';
import { checkPolicyInputs, SpreadWatch } from './policy-checks.ts';
import { planPolicyTraining } from './policy-plan.ts';
import { type PolicyResult, reportIteration } from './policy-report.ts';
import { checkGenerationMatches } from './preflight.ts';
import { drawsFor } from './rollout.ts';
import { momentsOf, tokensOf } from './rollout-metrics.ts';
import { correctForSampler } from './sampler-correction.ts';
import { saveIfStopped, stopRequested } from './stop.ts';
import { Trainer } from './trainer.ts';

/** What resuming needs besides parameters and optimizer. */
interface GrpoState {
  readonly klController: KlControllerState;
  readonly tokens: number;
}

/** Trains `inputs.policy` in place. */
export async function trainGrpo(
  options: GrpoOptions,
  inputs: PolicyInputs,
  context: StageContext,
): Promise<PolicyResult> {
  const { policy } = inputs;
  refuseOptions('GRPO', options, grpoRules);
  checkPolicyInputs('GRPO', options, inputs);
  const reference = options.beta > 0 ? (inputs.reference ?? null) : null;
  const plan = planPolicyTraining(options, inputs.prompts.length);
  const { iterations, updatesPerIteration } = plan;
  const corrects = options.importanceSamplingMode !== null;
  const trustSampler = updatesPerIteration === 1 && !corrects && options.topEntropyQuantile === 1;

  // Step 1. The loss to train, and what samples and scores.
  const graph = buildPolicyGraph(inputs.config, policy, options);
  const { loss, metrics } = lossOf(graph, options);
  await using trainer = await Trainer.create(graph.model, loss, { ...metrics, ...graph.gap }, policy, {
    ...trainerOptions(options),
    folder: context.folder,
  });
  await using sampler = await GroupSampler.create(inputs, {
    ...options,
    scoreReference: reference !== null,
    trustSampler,
  });

  // Step 2. Continue from the newest checkpoint. All draws depend on the seed and the iteration's number only, so
  // nothing else has to be restored.
  const checkpoint = {
    folder: context.folder,
    parts: {
      policy: { parameters: policy, optimizer: trainer },
      ...(options.syncRefModel && reference && { reference: { parameters: reference } }),
    },
  };
  const saved = context.resume ? await loadCheckpoint<GrpoState>(checkpoint) : null;
  const penalty = createKlPenalty(options, saved?.state.klController);
  let tokens = saved?.state.tokens ?? 0;
  const save = (done: number): Promise<void> => {
    const state: GrpoState = { klController: penalty.state, tokens };
    return saveCheckpoint(checkpoint, done, state, options.saveTotalLimit);
  };
  const spread = new SpreadWatch();
  let last: Pick<PolicyResult, 'reward' | 'kl'> = { reward: Number.NaN, kl: null };

  for (let iteration = saved?.step ?? 0; iteration < iterations; iteration++) {
    const started = performance.now();
    const done = iteration + 1;

    // Step 3. Sample a group of responses to each prompt with the current policy, and score them.
    const rollout = await saveIfStopped(sampler.sample(iteration, context.signal), {
      save: () => save(iteration),
      done: iteration,
      total: iterations,
      unit: 'iteration',
    });
    if (!corrects && !trustSampler) checkGenerationMatches(rollout.logProbGap);
    tokens += tokensOf(rollout);

    // Step 4. How much better each response was than the others of its group.
    const { coefficient } = penalty;
    const conditioned = conditionScores({
      scores: rollout.scores,
      ended: rollout.ended,
      missingEosPenalty: options.missingEosPenalty,
      allowUnscored: true,
    });
    const rewards =
      reference && options.klIn === 'reward'
        ? penalisedScores(rollout, conditioned, { coefficient, estimator: options.klEstimator })
        : conditioned;
    const { advantages, fractionWithoutSpread } = groupAdvantages({
      rewards,
      groupSize: options.numGenerations,
      scale: options.scaleRewards,
    });
    spread.check(fractionWithoutSpread, done, context);

    // Step 5. Optimizer steps on the same responses.
    const updateStarted = performance.now();
    const correction = correctForSampler(rollout, options);
    const values = {
      perToken: {
        ...(reference && { referenceLogProbs: rollout.referenceLogProbs }),
        ...(correction && { importanceWeights: correction.weights }),
        ...(options.topEntropyQuantile < 1 && {
          keepTokens: highEntropyMask({
            entropy: rollout.entropies,
            counted: rollout.counted,
            part: options.topEntropyQuantile,
          }),
        }),
      },
      perSequence: { advantages },
      scalars: { beta: coefficient },
    };
    const leaveOut = options.maskTruncatedCompletions ? rollout.ended.map((one) => 1 - one) : undefined;
    const steps = planSteps(rollout.items.length, {
      passes: options.numIterations,
      stepsPerPass: options.stepsPerGeneration,
      random: drawsFor(options.seed, 'minibatches', iteration),
    });
    const updates: Record<string, number>[] = [];
    for (const [i, rows] of steps.entries()) {
      const update = iteration * updatesPerIteration + i;
      const microBatches = policyFeeds(rollout, rows, values, options.microBatchTokens, leaveOut);
      if (microBatches.length > 0) {
        const lr = plan.learningRate(update);
        updates.push({ ...(await trainer.step(microBatches, lr)), lr });
        if (trustSampler) checkGenerationMatches(updates[0].logProbGap);
      }
      if (options.syncRefModel && reference && (update + 1) % options.refModelSyncSteps === 0) {
        followPolicy(reference, policy, options.refModelMixupAlpha);
      }
    }

    // Step 6. Steer the penalty, report, save.
    const divergence = reference && { kl: meanOf(divergenceOf(rollout)), coefficient };
    if (divergence) penalty.update(divergence.kl, rollout.items.length);
    last = { reward: momentsOf(rollout.scores).mean, kl: divergence?.kl ?? null };
    reportIteration(context, {
      done,
      total: iterations,
      options,
      inputs,
      rollout,
      perResponse: { advantage: advantages },
      updates,
      comparesSampler: trustSampler,
      tokens,
      divergence,
      metrics: { frac_reward_zero_std: fractionWithoutSpread, ...correction?.metrics },
      started,
      updateStarted,
    });
    const stopping = context.signal.aborted && done < iterations;
    if (stopping || (done % options.saveSteps === 0 && done < iterations)) await save(done);
    if (stopping) throw stopRequested(done, iterations, 'iteration');
  }

  return { iterations, episodes: iterations * options.batchSize, ...last };
}

/** The loss on the policy's graph. */
function lossOf(graph: PolicyGraph, options: GrpoOptions): ReturnType<typeof grpoLoss> {
  const inLoss = options.beta > 0 && options.klIn === 'loss';
  return grpoLoss({
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
    ...(options.topEntropyQuantile < 1 && { keepTokens: graph.perToken('keepTokens') }),
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
}
