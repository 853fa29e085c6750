/**
 * What the loops of the methods stand on that learn from groups of sampled responses: sampling, optimizer steps on
 * what was sampled, the tie to the reference model, reports, checkpoints. What a response is worth, and the loss, are
 * the methods' own.
 *
 * With one optimizer step per batch, the default, everything is on-policy: the ratio is 1, and the log-probabilities
 * that the sampler reports are those that the step would compute first. They are then taken as they are, which saves a
 * pass over the policy, and the step tells how far off they were.
 *
 * Shapes: B responses per iteration in groups, R tokens of the longest.
 */
import { meanOf } from '../base/index.ts';
import type { ModelGraph, ParameterStore } from '../model/index.ts';
import type { ImportanceMode, KlController, KlControllerState } from '../objective/index.ts';
import type { Feeds, Tensor } from '../tensor/index.ts';
import { type CheckpointOptions, loadCheckpoint, saveCheckpoint } from './checkpoint.ts';
import type { StageContext } from './context.ts';
import { GroupSampler, type GroupSamplerOptions, type PolicyInputs } from './group-sampler.ts';
import {
  createKlPenalty,
  divergenceOf,
  followPolicy,
  type KlOptions,
  refuseMixedAdapters,
} from './kl-penalty.ts';
import { type OptimizerOptions, trainerOptions } from './options.ts';
import {
  buildPolicyGraph,
  type PolicyGraph,
  type PolicyValues,
  planSteps,
  policyFeeds,
} from './policy-batch.ts';
import { checkPolicyInputs } from './policy-checks.ts';
import { type PolicyPlan, type PolicyPlanOptions, planPolicyTraining } from './policy-plan.ts';
import { type PolicyResult, reportIteration } from './policy-report.ts';
import { checkGenerationMatches } from './preflight.ts';
import { rehearse } from './rehearsal.ts';
import { RewardMix, type RewardMixState } from './rewards/reward-mix.ts';
import { drawsFor, type Rollout } from './rollout.ts';
import { momentsOf, tokensOf } from './rollout-metrics.ts';
import { correctForSampler, type SamplerCorrection } from './sampler-correction.ts';
import { saveIfStopped, stopRequested } from './stop.ts';
import { Trainer } from './trainer.ts';

/** The options that all these methods have. */
export interface PolicyTrainingOptions
  extends Omit<KlOptions, 'klEstimator' | 'klIn' | 'useBiasCorrectionKl'>,
    PolicyPlanOptions,
    OptimizerOptions,
    Omit<GroupSamplerOptions, 'scoreReference' | 'trustSampler'> {
  readonly microBatchTokens: number;
  readonly gradientCheckpointing: boolean;
  readonly loggingSteps: number;
  readonly sampleEvery: number;
  readonly saveSteps: number;
  readonly saveTotalLimit: number;
  readonly importanceSamplingMode: ImportanceMode | null;
  readonly importanceSamplingClipMin: number | null;
  readonly importanceSamplingClipMax: number;
}

/** The policy's graph with a loss; metrics as `trlMetricNames` calls them. */
export interface TrainedGraph {
  readonly model: ModelGraph;
  readonly loss: Tensor;
  readonly metrics: Readonly<Record<string, Tensor | undefined>>;
}

export interface PolicyMethod<O extends PolicyTrainingOptions> {
  /** For messages. */
  readonly name: string;
  readonly options: O;
  readonly inputs: PolicyInputs;
  /** Builds what is trained; for losses over sampled tokens see `trainedOn`. */
  readonly build: () => TrainedGraph;
  /**
   * True: the policy is always passed over, for its entropies, or because the loss does not compare the sampler with
   * itself (`trainedOn` makes one that does). Default false.
   */
  readonly rescores?: boolean;
}

/** What a checkpoint holds besides parameters and optimizer. */
interface PolicyState {
  readonly klController: KlControllerState;
  readonly tokens: number;
  /** Of a mix with bounds. */
  readonly rewards?: RewardMixState;
}

/** The iteration under way. */
interface Iteration {
  readonly index: number;
  readonly started: number;
  updateStarted: number;
  readonly updates: Record<string, number>[];
  correction: SamplerCorrection | null;
}

export class PolicyTraining<O extends PolicyTrainingOptions> implements AsyncDisposable {
  /** What is held to; null without a penalty. */
  readonly reference: ParameterStore | null;
  private readonly method: PolicyMethod<O>;
  private readonly context: StageContext;
  private readonly plan: PolicyPlan;
  private readonly trainer: Trainer;
  private readonly sampler: GroupSampler;
  private readonly checkpoint: CheckpointOptions;
  private readonly trustSampler: boolean;
  private readonly penalty: KlController;
  private readonly mix: RewardMix | null;
  private readonly first: number;
  private tokens: number;
  /** Iterations done, where the stage was ended early. */
  private done: number | null = null;
  private current: Iteration;
  private last: Pick<PolicyResult, 'reward' | 'kl'> = { reward: Number.NaN, kl: null };

  private constructor(
    method: PolicyMethod<O>,
    context: StageContext,
    parts: {
      readonly plan: PolicyPlan;
      readonly reference: ParameterStore | null;
      readonly trainer: Trainer;
      readonly sampler: GroupSampler;
      readonly trustSampler: boolean;
      readonly checkpoint: CheckpointOptions;
      readonly saved: { readonly step: number; readonly state: PolicyState } | null;
    },
  ) {
    this.method = method;
    this.context = context;
    this.plan = parts.plan;
    this.reference = parts.reference;
    this.trainer = parts.trainer;
    this.sampler = parts.sampler;
    this.trustSampler = parts.trustSampler;
    this.checkpoint = parts.checkpoint;
    this.penalty = createKlPenalty(method.options, parts.saved?.state.klController);
    this.first = parts.saved?.step ?? 0;
    this.tokens = parts.saved?.state.tokens ?? 0;
    this.mix = method.inputs.reward instanceof RewardMix ? method.inputs.reward : null;
    if (parts.saved?.state.rewards) this.mix?.restore(parts.saved.state.rewards);
    this.current = beginIteration(this.first);
  }

  /**
   * Checks the inputs, prepares sampling and training, and continues from the newest checkpoint where the stage
   * resumes. All draws depend on the seed and the iteration's number only, so that little has to be restored.
   */
  static async create<O extends PolicyTrainingOptions>(
    method: PolicyMethod<O>,
    context: StageContext,
  ): Promise<PolicyTraining<O>> {
    const { options, inputs } = method;
    const { policy } = inputs;
    checkPolicyInputs(method.name, options, inputs);
    refuseMixedAdapters(method.name, options, policy);
    const plan = planPolicyTraining(options, inputs.prompts.length);
    const reference = options.beta > 0 ? (inputs.reference ?? null) : null;
    const trustSampler =
      plan.updatesPerIteration === 1 && options.importanceSamplingMode === null && !method.rescores;

    const { model, loss, metrics } = method.build();
    const trainer = await Trainer.create(model, loss, metrics, policy, {
      ...trainerOptions(options),
      folder: context.folder,
    });
    const sampler = await GroupSampler.create(inputs, {
      ...options,
      scoreReference: reference !== null,
      trustSampler,
    });
    const checkpoint = {
      folder: context.folder,
      parts: {
        policy: { parameters: policy, optimizer: trainer },
        ...(options.syncRefModel && reference && { reference: { parameters: reference } }),
      },
    };
    const saved = context.resume ? await loadCheckpoint<PolicyState>(checkpoint) : null;
    const perPrompt = trainer.sharedPrompts ? options.numGenerations : 1;
    const longest = inputs.prompts.flatMap(({ ids }) =>
      Array.from({ length: perPrompt }, () => ({
        prompt: ids.length,
        response: options.maxCompletionLength,
      })),
    );
    await rehearse(trainer, longest, {
      perStep: Math.ceil(options.batchSize / options.stepsPerGeneration),
      perPrompt,
      tokenBudget: options.microBatchTokens,
    });
    return new PolicyTraining(method, context, {
      plan,
      reference,
      trainer,
      sampler,
      trustSampler,
      checkpoint,
      saved,
    });
  }

  /** The iterations left to do, by number from 0. */
  *remaining(): Generator<number> {
    for (let index = this.first; index < this.plan.iterations; index++) {
      this.current = beginIteration(index);
      yield index;
    }
  }

  /** The penalty's weight in this iteration, reward units per nat. */
  get klCoefficient(): number {
    return this.penalty.coefficient;
  }

  /**
   * Samples and scores this iteration's responses, and compares the sampler's probabilities with the trainer's.
   * @returns null where whoever watches the stage ends it here: nothing is learnt from these responses
   */
  async sample(): Promise<Rollout | null> {
    const { index } = this.current;
    const rollout = await saveIfStopped(this.sampler.sample(index, this.context.signal), {
      save: () => this.save(index),
      done: index,
      total: this.plan.iterations,
      unit: 'iteration',
    });
    this.tokens += tokensOf(rollout);
    this.current.correction = correctForSampler(rollout, this.method.options);
    if (!this.current.correction && !this.trustSampler) checkGenerationMatches(rollout.logProbGap);
    const verdict = await this.context.watch?.(index + 1, rollout);
    if (verdict !== 'stop' && verdict !== 'restored') return rollout;
    this.done = index;
    const unknown = { reward: Number.NaN, kl: null };
    this.last = verdict === 'stop' ? meansOf(rollout, this.reference !== null) : unknown;
    return null;
  }

  /** [B, R] weights that correct for a sampler whose probabilities differ; null where none are wanted. */
  get samplerWeights(): Float32Array | null {
    return this.current.correction?.weights ?? null;
  }

  /**
   * The optimizer steps on the tokens of one rollout.
   * @param values   what the loss reads, besides `beta`, the penalty's weight, and the reference's log-probabilities
   * @param leaveOut [B] 1 = none of the response's tokens count. Default: none
   */
  async update(rollout: Rollout, values: PolicyValues, leaveOut?: ArrayLike<number>): Promise<void> {
    const fed = {
      perToken: { referenceLogProbs: rollout.referenceLogProbs, ...values.perToken },
      perSequence: values.perSequence,
      totals: values.totals,
      scalars: { beta: this.klCoefficient, ...values.scalars },
    };
    const layout = {
      tokenBudget: this.method.options.microBatchTokens,
      sharedPrompts: this.trainer.sharedPrompts,
    };
    await this.updateOn(rollout.items.length, (rows) =>
      policyFeeds(rollout, rows, fed, { ...layout, leaveOut }),
    );
  }

  /**
   * The optimizer steps on any units of work made from one rollout, responses or pairs.
   * @param units   how many there are
   * @param feedsOf the micro-batches of one step, from the numbers of its units; where there are none it is skipped
   */
  async updateOn(units: number, feedsOf: (chosen: readonly number[]) => Feeds[]): Promise<void> {
    const { options, inputs } = this.method;
    const { current } = this;
    current.updateStarted = performance.now();
    const steps = planSteps(units, {
      passes: options.numIterations,
      stepsPerPass: options.stepsPerGeneration,
      random: drawsFor(options.seed, 'minibatches', current.index),
    });
    for (const [i, chosen] of steps.entries()) {
      const update = current.index * this.plan.updatesPerIteration + i;
      const microBatches = feedsOf(chosen);
      if (microBatches.length > 0) {
        const lr = this.plan.learningRate(update);
        current.updates.push({ ...(await this.trainer.step(microBatches, lr)), lr });
        if (this.trustSampler) checkGenerationMatches(current.updates[0].logProbGap);
      }
      if (options.syncRefModel && this.reference && (update + 1) % options.refModelSyncSteps === 0) {
        followPolicy(this.reference, inputs.policy, options.refModelMixupAlpha);
      }
    }
  }

  /**
   * Ends the iteration: steers the penalty and the multipliers of bounds, reports, saves where it is time to.
   * @param found.metrics     others to record, under their final names
   * @param found.perResponse [B] numbers to show with samples
   * @throws TenetError('interrupted') when the user has asked to stop, after saving
   */
  async finish(
    rollout: Rollout,
    found: {
      readonly metrics?: Readonly<Record<string, number>>;
      readonly perResponse?: Readonly<Record<string, ArrayLike<number>>>;
    } = {},
  ): Promise<void> {
    const { context, current } = this;
    const { options, inputs } = this.method;
    const { iterations } = this.plan;
    const done = current.index + 1;
    this.last = meansOf(rollout, this.reference !== null);
    const divergence = this.last.kl === null ? null : { kl: this.last.kl, coefficient: this.klCoefficient };
    if (divergence) this.penalty.update(divergence.kl, rollout.items.length);
    if (rollout.mixed) this.mix?.observe(rollout.mixed);
    reportIteration(context, {
      done,
      total: iterations,
      options,
      inputs,
      rollout,
      perResponse: found.perResponse,
      updates: current.updates,
      comparesSampler: this.trustSampler,
      tokens: this.tokens,
      divergence,
      metrics: {
        // Per token, as TRL has it; a penalty in the loss records its own.
        ...(divergence && { kl: divergence.kl / meanOf(rollout.lengths) }),
        ...(rollout.mixed && this.mix?.metrics(rollout.mixed)),
        ...found.metrics,
        ...current.correction?.metrics,
      },
      started: current.started,
      updateStarted: current.updateStarted,
    });
    const stopping = context.signal.aborted && done < iterations;
    if (stopping || (done % options.saveSteps === 0 && done < iterations)) await this.save(done);
    if (stopping) throw stopRequested(done, iterations, 'iteration');
  }

  get result(): PolicyResult {
    const iterations = this.done ?? this.plan.iterations;
    return { iterations, episodes: iterations * this.method.options.batchSize, ...this.last };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.trainer.release();
    await this.sampler[Symbol.asyncDispose]();
  }

  private save(done: number): Promise<void> {
    const state: PolicyState = {
      klController: this.penalty.state,
      tokens: this.tokens,
      ...(this.mix && { rewards: this.mix.state }),
    };
    return saveCheckpoint(this.checkpoint, done, state, this.method.options.saveTotalLimit);
  }
}

/** A loss over sampled tokens, which also tells how far the sampler's log-probabilities are from the trainer's. */
export function trainedOn(
  { inputs, options }: Pick<PolicyMethod<PolicyTrainingOptions>, 'inputs' | 'options'>,
  lossOf: (graph: PolicyGraph) => Omit<TrainedGraph, 'model'>,
): TrainedGraph {
  const sharedPrompts = options.numGenerations > 1;
  const graph = buildPolicyGraph(inputs.config, inputs.policy, { ...options, sharedPrompts });
  const { loss, metrics } = lossOf(graph);
  return { model: graph.model, loss, metrics: { ...metrics, ...graph.gap } };
}

/** What a stage says of its last responses. */
function meansOf(rollout: Rollout, hasReference: boolean): Pick<PolicyResult, 'reward' | 'kl'> {
  return {
    reward: momentsOf(rollout.mixed?.sums ?? rollout.scores).mean,
    kl: hasReference ? meanOf(divergenceOf(rollout)) : null,
  };
}

function beginIteration(index: number): Iteration {
  const now = performance.now();
  return { index, started: now, updateStarted: now, updates: [], correction: null };
}
