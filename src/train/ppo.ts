/**
 * Proximal policy optimisation from a reward model, under a KL penalty to a frozen reference model.
 *
 * The loop is that of Ziegler et al. 2019 (arXiv:1909.08593) and Ouyang et al. 2022 (arXiv:2203.02155): sample
 * responses, score them, turn score and divergence into a reward per token, estimate advantages, and take a
 * few clipped steps. Where public implementations differ, this one
 *   - counts the end token as part of the response, whatever the padding id is;
 *   - puts the score on the last counted token;
 *   - takes every mean over counted tokens only;
 *   - clips the gradient norm, checkpoints the value function too, and resumes exactly.
 *
 * Shapes: B responses per iteration, R tokens of the longest, N counted tokens of a micro-batch.
 */
import { meanOf, TenetError } from '../base/index.ts';
import {
  buildModelGraph,
  countedHidden,
  countedLogProbs,
  type DecoderConfig,
  Generator,
  type ParameterStore,
  scalarHead,
} from '../model/index.ts';
import {
  conditionScores,
  createKlController,
  explainedVariance,
  generalisedAdvantages,
  type KlControllerState,
  maskedMean,
  maskedWhiten,
  ppoLoss,
  ppoPolicyLoss,
  ppoValueLoss,
  RunningMoments,
  type RunningMomentsState,
  shapeRewards,
} from '../objective/index.ts';
import { entropyFromLogits, type Feeds, type Graph, learningRateAt, type Tensor } from '../tensor/index.ts';
import type { Tokenizer } from '../text/index.ts';
import { type CheckpointPart, loadCheckpoint, saveCheckpoint } from './checkpoint.ts';
import type { StageContext } from './context.ts';
import { divergenceOf } from './kl-penalty.ts';
import { scheduleFor, trainerOptions } from './options.ts';
import { planSteps, policyFeeds } from './policy-batch.ts';
import { responseScores } from './policy-report.ts';
import type { PpoOptions } from './ppo-options.ts';
import { checkGenerationMatches, checkPrompts } from './preflight.ts';
import { rehearse } from './rehearsal.ts';
import { RewardMix, type RewardMixState, type RewardSource } from './rewards/reward-mix.ts';
import { collectRollout, drawsFor, iterationSlice, type PolicyPrompt, type Rollout } from './rollout.ts';
import { momentsOf } from './rollout-metrics.ts';
import { HeadScorer, ResponseScorer } from './scorers.ts';
import { saveIfStopped, stopRequested } from './stop.ts';
import { Trainer } from './trainer.ts';

export interface PpoInputs {
  readonly config: DecoderConfig;
  /** Trained in place. With `valueModel: 'head'` it must hold the parameter `value.weight` [1, D]. */
  readonly policy: ParameterStore;
  /** Frozen: what the policy must stay close to, usually a copy of it. */
  readonly reference: ParameterStore;
  /** With `valueModel: 'separate'`: a decoder with `value.weight`, usually a copy of the reward model. */
  readonly value?: ParameterStore;
  readonly reward: RewardSource;
  readonly prompts: readonly PolicyPrompt[];
  readonly tokenizer: Pick<Tokenizer, 'decode'>;
  /** Ids that end a response. */
  readonly stopIds: readonly number[];
  /** Other measures of a response, only recorded: name → value per response. */
  readonly probes?: Readonly<Record<string, (prompt: string, response: string) => number>>;
}

export interface PpoResult {
  readonly iterations: number;
  readonly episodes: number;
  /** Means over the last iteration; NaN where other weights were put in the policy's place after it. */
  readonly score: number;
  /** Divergence from the reference, nats per response. */
  readonly kl: number;
}

/** What resuming needs besides parameters and optimizers. */
interface PpoState {
  readonly klController: KlControllerState;
  readonly moments: RunningMomentsState;
  /** Of a mix of objectives with bounds. */
  readonly rewards?: RewardMixState;
}

export const valueHeadName = 'value.weight';

/** Trains `inputs.policy` in place. */
export async function trainPpo(
  options: PpoOptions,
  inputs: PpoInputs,
  context: StageContext,
): Promise<PpoResult> {
  const { config, policy, reference, tokenizer } = inputs;
  checkPrompts(inputs.prompts, {
    stage: 'PPO',
    maxPositions: config.maxPositions,
    responseLength: options.responseLength,
    stopIds: inputs.stopIds,
  });

  // Step 1. The functions to train and the passes that only score.
  const engine = { threads: options.threads };
  const scoring = { ...engine, tokenBudget: options.microBatchTokens };
  const separate = options.valueModel === 'separate' ? requireValue(inputs) : null;
  await using updater = await createUpdater(options, inputs, separate, context.folder);
  await using scorer = await ResponseScorer.create(config, policy, {
    ...scoring,
    temperature: options.temperature,
    valueHead: separate ? undefined : valueHeadName,
  });
  await using valueScorer = separate
    ? await HeadScorer.create(config, separate, valueHeadName, scoring)
    : null;
  const controllerOptions =
    options.klTarget === null
      ? ({ kind: 'fixed', coefficient: options.klCoef } as const)
      : ({
          kind: 'adaptive',
          coefficient: options.klCoef,
          target: options.klTarget,
          horizon: options.klHorizon,
        } as const);

  // Step 2. Continue from the newest checkpoint. All draws depend on the seed and the iteration's number
  // only, so nothing else has to be restored.
  const checkpoint = { folder: context.folder, parts: updater.parts };
  const saved = context.resume ? await loadCheckpoint<PpoState>(checkpoint) : null;
  const controller = createKlController(controllerOptions, saved?.state.klController);
  const moments = new RunningMoments(saved?.state.moments);
  const mix = inputs.reward instanceof RewardMix ? inputs.reward : null;
  if (saved?.state.rewards) mix?.restore(saved.state.rewards);
  const save = (done: number): Promise<void> => {
    const state: PpoState = {
      klController: controller.state,
      moments: moments.state,
      ...(mix && { rewards: mix.state }),
    };
    return saveCheckpoint(checkpoint, done, state, options.saveTotalLimit);
  };
  let iterations = Math.ceil(options.totalEpisodes / options.batchSize);
  const updatesPerIteration = options.numPpoEpochs * options.numMiniBatches;
  const schedule = scheduleFor(options, iterations * updatesPerIteration);
  const longest = inputs.prompts.map(({ ids }) => ({ prompt: ids.length, response: options.responseLength }));
  for (const trainer of updater.trainers) {
    await rehearse(trainer, longest, {
      perStep: Math.ceil(options.batchSize / options.numMiniBatches),
      tokenBudget: options.microBatchTokens,
    });
  }
  let last = { score: Number.NaN, kl: Number.NaN };

  for (let iteration = saved?.step ?? 0; iteration < iterations; iteration++) {
    const iterationStarted = performance.now();

    // Step 3. Sample one response per prompt with the current policy, and score it: reward model, policy,
    // reference, value function.
    const generator = await Generator.create(config, policy, engine);
    const sampling = collectRollout({
      prompts: iterationSlice(inputs.prompts, options.seed, iteration, options.batchSize),
      generator,
      policy,
      reference,
      scorer,
      value: separate && valueScorer ? { scorer: valueScorer, parameters: separate } : undefined,
      reward: inputs.reward,
      tokenizer,
      stopIds: inputs.stopIds,
      responseLength: options.responseLength,
      temperature: options.temperature,
      random: drawsFor(options.seed, 'responses', iteration),
      signal: context.signal,
    }).finally(() => generator.release());
    // Asked to stop while sampling: nothing of this iteration counts yet, so the state before it is saved.
    const rollout = await saveIfStopped(sampling, {
      save: () => save(iteration),
      done: iteration,
      total: iterations,
      unit: 'iteration',
    });
    checkGenerationMatches(rollout.logProbGap);
    const verdict = await context.watch?.(iteration + 1, rollout);
    if (verdict === 'stop' || verdict === 'restored') {
      iterations = iteration;
      last = verdict === 'stop' ? meansOf(rollout) : { score: Number.NaN, kl: Number.NaN };
      break;
    }
    const { counted, items } = rollout;

    // Step 4. From one score per response to one reward per token: −β · log-ratio at every token, the score on
    // top at the last one.
    const conditioned = conditionScores({
      scores: rollout.scores,
      ended: rollout.ended,
      moments: options.normalizeRewards ? moments : undefined,
      clip: options.rewardClip,
      missingEosPenalty: options.missingEosPenalty,
    });
    const klCoefficient = controller.coefficient;
    const shaped = shapeRewards({
      scores: conditioned,
      logProbs: rollout.logProbs,
      referenceLogProbs: rollout.referenceLogProbs,
      counted,
      klCoefficient,
      klEstimator: options.klEstimator,
    });
    const rewards = options.whitenRewards
      ? maskedWhiten(shaped.rewards, counted, { keepMean: true })
      : shaped.rewards;

    // Step 5. How much better each token was than the value function expected.
    const estimate = generalisedAdvantages({
      rewards,
      values: rollout.values,
      counted,
      sequences: items.length,
      gamma: options.gamma,
      lambda: options.lam,
    });
    const advantages = maskedWhiten(estimate.advantages, counted);

    // Step 6. A few clipped steps on the same responses.
    const updateStarted = performance.now();
    const updates: Record<string, number>[] = [];
    const steps = planSteps(items.length, {
      passes: options.numPpoEpochs,
      stepsPerPass: options.numMiniBatches,
      random: drawsFor(options.seed, 'minibatches', iteration),
    });
    const perToken = { advantages, oldValues: rollout.values, returns: estimate.returns };
    for (const chosen of steps) {
      const lr = learningRateAt(iteration * updatesPerIteration + updates.length, schedule);
      const microBatches = policyFeeds(
        rollout,
        chosen,
        { perToken },
        { tokenBudget: options.microBatchTokens, sharedPrompts: false },
      );
      const metrics = await updater.update(microBatches, lr);
      updates.push({ ...metrics, lr });
      if (options.maxUpdateKl !== null && metrics.approxKl > options.maxUpdateKl) break;
    }
    const updateMs = performance.now() - updateStarted;

    // Step 7. Steer the penalty, report, save.
    const kl = meanOf(shaped.kl);
    controller.update(kl, items.length);
    if (rollout.mixed) mix?.observe(rollout.mixed);
    last = { score: momentsOf(rollout.mixed?.sums ?? rollout.scores).mean, kl };
    const totalMs = performance.now() - iterationStarted;
    const done = iteration + 1;
    if (done % options.loggingSteps === 0 || done === iterations) {
      context.event(done, {
        episode: done * options.batchSize,
        'objective/scores': last.score,
        'objective/kl': kl,
        'objective/non_score_reward': meanOf(shaped.nonScoreRewards),
        'objective/rlhf_reward': meanOf(shaped.totals),
        'objective/entropy': maskedMean(rollout.entropies, counted),
        ...(rollout.mixed && mix?.metrics(rollout.mixed)),
        ...probe(inputs.probes, rollout),
        ...averagesOf(updates),
        'val/explained_variance': explainedVariance(estimate.returns, rollout.values, counted),
        'val/num_eos_tokens': meanOf(rollout.ended) * items.length,
        'completions/mean_length': meanOf(rollout.lengths),
        'completions/clipped_ratio': 1 - meanOf(rollout.ended),
        'sampling/sampling_logp_difference/mean': rollout.logProbGap,
        'sampling/sampling_logp_difference/max': rollout.largestLogProbGap,
        kl_coef: klCoefficient,
        'time/generate': rollout.timeMs.generate,
        'time/score': rollout.timeMs.score,
        'time/update': updateMs,
        'time/other': totalMs - rollout.timeMs.generate - rollout.timeMs.score - updateMs,
      });
    }
    if (iteration % options.sampleEvery === 0 || done === iterations)
      recordSamples(context, done, rollout, shaped.kl);
    context.progress(done, iterations, { reward: last.score, kl, length: meanOf(rollout.lengths) });
    const stopping = context.signal.aborted && done < iterations;
    if (stopping || (done % options.saveSteps === 0 && done < iterations)) await save(done);
    if (stopping) throw stopRequested(done, iterations, 'iteration');
  }

  return { iterations, episodes: iterations * options.batchSize, ...last };
}

/** One optimizer step on policy and value function. */
interface Updater extends AsyncDisposable {
  /** @returns metrics of the step */
  update(microBatches: readonly Feeds[], lr: number): Promise<Record<string, number>>;
  readonly parts: Readonly<Record<string, CheckpointPart>>;
  readonly trainers: readonly Trainer[];
}

/** Builds the losses: one graph when policy and value share a model, two when they do not. */
async function createUpdater(
  options: PpoOptions,
  inputs: PpoInputs,
  separate: ParameterStore | null,
  folder: string,
): Promise<Updater> {
  const training = { ...trainerOptions(options), folder };
  const { gradientCheckpointing } = options;
  const policyModel = buildModelGraph(inputs.config, inputs.policy, { gradientCheckpointing });
  const input = tokenTerms(policyModel.graph);
  const tokens = countedLogProbs(policyModel, { temperature: options.temperature });
  const policyTerms = {
    logProbs: tokens.logProbs,
    oldLogProbs: input.perToken('oldLogProbs'),
    advantages: input.perToken('advantages'),
    counted: input.counted,
    normaliser: input.normaliser,
    clipRange: options.cliprange,
    entropy: entropyFromLogits(tokens.logits, tokens.probabilities, tokens.logNormaliser),
    entropyCoefficient: options.entropyCoef,
  };
  if (!separate) {
    const { loss, metrics } = ppoLoss({
      ...policyTerms,
      values: scalarHead(policyModel, tokens.hidden, valueHeadName),
      oldValues: input.perToken('oldValues'),
      returns: input.perToken('returns'),
      valueClipRange: options.cliprangeValue,
      valueCoefficient: options.vfCoef,
    });
    const trainer = await Trainer.create(policyModel, loss, metrics, inputs.policy, training);
    return {
      update: (microBatches, lr) => trainer.step(microBatches, lr),
      parts: { policy: { parameters: inputs.policy, optimizer: trainer } },
      trainers: [trainer],
      [Symbol.asyncDispose]: () => trainer.release(),
    };
  }

  const policy = ppoPolicyLoss(policyTerms);
  const policyTrainer = await Trainer.create(
    policyModel,
    policy.loss,
    policy.metrics,
    inputs.policy,
    training,
  );
  const valueModel = buildModelGraph(inputs.config, separate, { gradientCheckpointing });
  const valueInput = tokenTerms(valueModel.graph);
  const value = ppoValueLoss({
    values: scalarHead(valueModel, countedHidden(valueModel), valueHeadName),
    oldValues: valueInput.perToken('oldValues'),
    returns: valueInput.perToken('returns'),
    counted: valueInput.counted,
    normaliser: valueInput.normaliser,
    valueClipRange: options.cliprangeValue,
  });
  const valueTrainer = await Trainer.create(
    valueModel,
    value.loss,
    { ...value.metrics, valueLoss: value.loss },
    separate,
    training,
  );
  return {
    async update(microBatches, lr) {
      const policyMetrics = await policyTrainer.step(microBatches, lr);
      const { loss: _, gradNorm: valueGradNorm, ...valueMetrics } = await valueTrainer.step(microBatches, lr);
      return { ...policyMetrics, ...valueMetrics, valueGradNorm };
    },
    parts: {
      policy: { parameters: inputs.policy, optimizer: policyTrainer },
      value: { parameters: separate, optimizer: valueTrainer },
    },
    trainers: [policyTrainer, valueTrainer],
    async [Symbol.asyncDispose]() {
      await policyTrainer.release();
      await valueTrainer.release();
    },
  };
}

/** The inputs that a loss reads besides the tokens. */
function tokenTerms(graph: Graph): {
  /** [N] a number per counted token. */
  perToken(name: string): Tensor;
  /** [N] ones: only counted tokens are fed. */
  counted: Tensor;
  /** Scalar: counted tokens of the whole optimizer step. */
  normaliser: Tensor;
} {
  return {
    perToken: (name) => graph.input(name, 'real', ['N']),
    counted: graph.input('counted', 'real', ['N']),
    normaliser: graph.input('tokenTotal', 'real', []),
  };
}

function requireValue(inputs: PpoInputs): ParameterStore {
  if (inputs.value) return inputs.value;
  throw new TenetError(
    'usage',
    "PPO with valueModel 'separate' needs the parameters of a value model (usually a copy of the reward model); " +
      "give them as `value`, or set valueModel to 'head'",
  );
}

/** Of a policy that does not learn from what it has sampled. */
function meansOf(rollout: Rollout): Pick<PpoResult, 'score' | 'kl'> {
  return {
    score: momentsOf(rollout.mixed?.sums ?? rollout.scores).mean,
    kl: meanOf(divergenceOf(rollout)),
  };
}

/** Means of the probes over a rollout, under `probe/<name>`. */
function probe(probes: PpoInputs['probes'], rollout: Rollout): Record<string, number> {
  return Object.fromEntries(
    Object.entries(probes ?? {}).map(([name, measure]) => [
      `probe/${name}`,
      meanOf(rollout.items.map(({ promptText, responseText }) => measure(promptText, responseText))),
    ]),
  );
}

/** Metric names as TRL's PPO had them, so that its users find their curves. */
const updateMetricNames: Readonly<Record<string, string>> = {
  policyLoss: 'loss/policy_avg',
  valueLoss: 'loss/value_avg',
  approxKl: 'policy/approxkl_avg',
  clipFraction: 'policy/clipfrac_avg',
  entropy: 'policy/entropy_avg',
  ratioMean: 'val/ratio',
  valueClipFraction: 'val/clipfrac_avg',
  gradNorm: 'grad_norm',
  valueGradNorm: 'value_grad_norm',
  lr: 'lr',
};

/** Means over the iteration's optimizer steps; the learning rate is the last one. */
function averagesOf(updates: readonly Record<string, number>[]): Record<string, number> {
  const averages: Record<string, number> = {};
  for (const [key, name] of Object.entries(updateMetricNames)) {
    if (key in updates[0]) averages[name] = meanOf(updates.map((update) => update[key]));
  }
  averages.lr = updates[updates.length - 1].lr;
  return averages;
}

function recordSamples(context: StageContext, step: number, rollout: Rollout, kl: Float32Array): void {
  rollout.items.slice(0, 3).forEach(({ promptText, responseText }, i) => {
    const scores = { ...responseScores(rollout, i), kl: kl[i] };
    context.sample({ step, prompt: promptText, response: responseText, scores });
  });
}
