/**
 * What the loops of the preference methods stand on: the order of the data, optimizer steps, measurements on held-out
 * data, reports, checkpoints. What a step reads, and the loss, are the methods' own.
 */
import { meanOf } from '../base/index.ts';
import { Sampler, type SamplerPosition } from '../data/index.ts';
import { type Feeds, learningRateAt, type ScheduleOptions } from '../tensor/index.ts';
import { type CheckpointOptions, loadCheckpoint, saveCheckpoint } from './checkpoint.ts';
import type { StageContext } from './context.ts';
import { averageMetrics } from './metrics.ts';
import { type OptimizerOptions, scheduleFor, stepsOf } from './options.ts';
import { stopRequested } from './stop.ts';
import type { Trainer } from './trainer.ts';

export interface DataTrainingOptions extends OptimizerOptions {
  readonly numTrainEpochs: number;
  readonly maxSteps: number | null;
  readonly batchSize: number;
  readonly evalSteps: number;
  readonly seed: number;
  readonly loggingSteps: number;
  readonly saveSteps: number;
  readonly saveTotalLimit: number;
}

/** One optimizer step to do. */
export interface DataStep {
  /** From 1. */
  readonly number: number;
  /** Indices of its examples. */
  readonly rows: readonly number[];
}

/** What a checkpoint holds besides parameters and optimizer. */
interface DataState<Extra> {
  readonly position: SamplerPosition;
  readonly recentLosses: readonly number[];
  readonly tokens: number;
  readonly extra: Extra;
}

/** Measures the model on held-out data; the metrics are recorded with `eval_` before their names. */
export type Measure = () => Promise<Readonly<Record<string, number>>>;

/** Steps over which the reported loss is averaged. */
const recentSteps = 20;

/** @typeParam Extra what the method itself keeps in its checkpoints, plain data */
export class DataTraining<Extra> {
  /** What the method had kept in the checkpoint that is continued from; null at the start. */
  readonly restored: Extra | null;
  readonly totalSteps: number;
  private readonly options: DataTrainingOptions;
  private readonly context: StageContext;
  private readonly trainer: Trainer;
  private readonly checkpoint: CheckpointOptions;
  private readonly sampler: Sampler;
  private readonly schedule: ScheduleOptions;
  private readonly names: Readonly<Record<string, string>>;
  private readonly first: number;
  private readonly recent: number[];
  private tokens: number;
  private measured: Readonly<Record<string, number>> | null = null;

  private constructor(
    setup: DataTrainingSetup,
    sampler: Sampler,
    saved: { readonly step: number; readonly state: DataState<Extra> } | null,
  ) {
    const { options } = setup;
    this.options = options;
    this.context = setup.context;
    this.trainer = setup.trainer;
    this.checkpoint = checkpointOf(setup);
    this.sampler = sampler;
    this.names = { loss: 'loss', ...setup.metricNames, gradNorm: 'grad_norm' };
    if (saved) sampler.restore(saved.state.position);
    this.first = (saved?.step ?? 0) + 1;
    this.recent = [...(saved?.state.recentLosses ?? [])];
    this.tokens = saved?.state.tokens ?? 0;
    this.restored = saved?.state.extra ?? null;
    this.totalSteps = stepsOf(options, sampler.batchesPerEpoch);
    this.schedule = scheduleFor(options, this.totalSteps);
  }

  /** Continues from the newest checkpoint where the stage resumes. */
  static async create<Extra>(setup: DataTrainingSetup): Promise<DataTraining<Extra>> {
    const { size, options, context } = setup;
    const sampler = new Sampler({ size, batchSize: Math.min(options.batchSize, size), seed: options.seed });
    const saved = context.resume ? await loadCheckpoint<DataState<Extra>>(checkpointOf(setup)) : null;
    return new DataTraining(setup, sampler, saved);
  }

  /** The steps left to do. */
  *remaining(): Generator<DataStep> {
    for (let number = this.first; number <= this.totalSteps; number++) {
      yield { number, rows: this.sampler.next() };
    }
  }

  /** One optimizer step. @param tokens read by it, prompts included */
  async update(
    { number }: DataStep,
    microBatches: readonly Feeds[],
    tokens: number,
  ): Promise<Readonly<Record<string, number>>> {
    const lr = learningRateAt(number - 1, this.schedule);
    const result = await this.trainer.step(microBatches, lr);
    this.tokens += tokens;
    this.recent.push(result.loss);
    if (this.recent.length > recentSteps) this.recent.shift();
    return { ...result, lr };
  }

  /**
   * Ends a step: measures, reports and saves where it is time to.
   * @param found.result   what the step measured
   * @param found.progress shown beside the progress bar, besides the loss
   * @param found.measure  on held-out data; null without any
   * @param found.keep     what the method keeps in checkpoints
   * @throws TenetError('interrupted') when the user has asked to stop, after saving
   */
  async finish(
    { number }: DataStep,
    found: {
      readonly result: Readonly<Record<string, number>>;
      readonly progress?: Readonly<Record<string, number>>;
      readonly measure: Measure | null;
      readonly keep: () => Extra;
    },
  ): Promise<void> {
    const { options, context } = this;
    const last = number === this.totalSteps;
    if (found.measure && (number % options.evalSteps === 0 || last)) {
      this.measured = await found.measure();
      const named = Object.entries(averageMetrics([this.measured], this.names));
      context.event(number, Object.fromEntries(named.map(([name, value]) => [`eval_${name}`, value])));
    }
    if (number % options.loggingSteps === 0 || last) {
      context.event(number, {
        ...averageMetrics([found.result], this.names),
        lr: found.result.lr,
        num_tokens: this.tokens,
      });
      context.progress(number, this.totalSteps, { loss: meanOf(this.recent), ...found.progress });
    }
    const stopping = context.signal.aborted && !last;
    if (stopping || (number % options.saveSteps === 0 && !last)) {
      const state: DataState<Extra> = {
        position: this.sampler.position,
        recentLosses: this.recent,
        tokens: this.tokens,
        extra: found.keep(),
      };
      await saveCheckpoint(this.checkpoint, number, state, options.saveTotalLimit);
    }
    if (stopping) throw stopRequested(number, this.totalSteps, 'step');
  }

  /** Mean loss of the last steps. */
  get recentLoss(): number {
    return meanOf(this.recent);
  }

  /** The newest measurement on held-out data. */
  get heldOut(): Readonly<Record<string, number>> | null {
    return this.measured;
  }
}

export interface DataTrainingSetup {
  readonly options: DataTrainingOptions;
  /** Examples to go through. */
  readonly size: number;
  readonly context: StageContext;
  readonly trainer: Trainer;
  readonly parts: CheckpointOptions['parts'];
  /** Field of a step's metrics → name under which it is recorded; others are not recorded. */
  readonly metricNames: Readonly<Record<string, string>>;
}

function checkpointOf({ context, parts }: DataTrainingSetup): CheckpointOptions {
  return { folder: context.folder, parts };
}
