/**
 * One optimizer step over any number of micro-batches: the service that every stage trains through.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TenetError } from '../base/index.ts';
import { LayerStack, type ModelGraph, type ParameterStore } from '../model/index.ts';
import {
  AdamW,
  type AdamWState,
  type Dim,
  type Feed,
  type Feeds,
  gradients,
  Session,
  type SessionOptions,
  type Tensor,
} from '../tensor/index.ts';
import { addMetrics } from './metrics.ts';

export interface TrainerOptions extends SessionOptions {
  /** Adam's moment decays. Default [0.9, 0.999] (PyTorch, TRL). */
  readonly betas?: readonly [number, number];
  /** Default 1e-8 (PyTorch, TRL). */
  readonly eps?: number;
  /** Decoupled weight decay; norms and biases are spared. Default 0 (TRL). */
  readonly weightDecay?: number;
  /** Gradients are scaled down to this global norm; null = never. Default 1 (TRL). */
  readonly maxGradNorm?: number | null;
  /** Where a batch that broke the training is saved. */
  readonly folder: string;
}

/** Metrics of one step, added up over its micro-batches (`addMetrics`); `loss` and `gradNorm` besides the graph's own. */
export type StepMetrics = Readonly<Record<string, number>>;

export class Trainer {
  /** As in `buildModelGraph`: how rows have to be laid out. */
  readonly sharedPrompts: boolean;
  private readonly session: Session<string>;
  private readonly optimizer: AdamW;
  private readonly parameterFeeds: Readonly<Record<string, Float32Array>>;
  private readonly folder: string;
  /** The layers, where they are run one at a time. */
  private readonly layers: LayerStack | null;
  private readonly inputs: readonly Tensor[];

  private constructor(
    session: Session<string>,
    layers: LayerStack | null,
    inputs: readonly Tensor[],
    optimizer: AdamW,
    parameterFeeds: Readonly<Record<string, Float32Array>>,
    { folder, sharedPrompts }: { readonly folder: string; readonly sharedPrompts: boolean },
  ) {
    this.session = session;
    this.sharedPrompts = sharedPrompts;
    this.layers = layers;
    this.inputs = inputs;
    this.optimizer = optimizer;
    this.parameterFeeds = parameterFeeds;
    this.folder = folder;
  }

  /**
   * Adds the gradient of `loss` to the model's graph and prepares the optimizer.
   *
   * Losses and metrics must be sums divided by a normaliser of the whole step, so that adding up the
   * micro-batches gives the step's value whatever their sizes; metrics whose names end in Min or Max may be extremes.
   * @param parameters the store behind the graph's weights; those that the graph uses and the store owns are trained:
   *   of a model with an adapter that alone, and the base has neither gradients nor moments
   */
  static async create(
    model: ModelGraph,
    loss: Tensor,
    metrics: Readonly<Record<string, Tensor | undefined>>,
    parameters: ParameterStore,
    options: TrainerOptions,
  ): Promise<Trainer> {
    const inputs = [...model.weights.inputs].filter(([name]) => parameters.owns(name));
    const { checkpointed } = model;
    const layers =
      checkpointed &&
      (await LayerStack.create(model.config, parameters, {
        ...options,
        dropout: checkpointed.dropout,
        sharedPrompts: model.sharedPrompts,
      }));
    const tensors = gradients(loss, [
      ...inputs.map(([, tensor]) => tensor),
      ...(checkpointed ? [checkpointed.states] : []),
    ]);
    const measured = Object.fromEntries(Object.entries(metrics).filter(([, tensor]) => tensor)) as Record<
      string,
      Tensor
    >;
    const outputs: Record<string, Tensor> = { loss, ...measured };
    inputs.forEach(([name], i) => {
      outputs[gradientPrefix + name] = tensors[i];
    });
    if (checkpointed) outputs[stateGradient] = tensors[inputs.length];
    const session = await Session.create<string>(model.graph, outputs, options);
    const used = new Set([...inputs.map(([name]) => name), ...(layers?.trained ?? [])]);
    // In the order of the store, so that a checkpoint fits whichever way the layers are run.
    const trained = new Map(
      parameters.names.filter((name) => used.has(name)).map((name) => [name, parameters.view(name)]),
    );
    const optimizer = new AdamW(trained, {
      betas: options.betas,
      eps: options.eps,
      weightDecay: options.weightDecay,
      maxNorm: options.maxGradNorm === undefined ? 1 : options.maxGradNorm,
      // Norm weights and biases are vectors; matrices decay.
      noDecay: (name) => parameters.shapeOf(name).length < 2,
    });
    const feeds = [...model.weights.inputs.keys()].map((name) => [name, parameters.view(name)]);
    const inputsOf = model.graph.inputs.filter(({ name }) => !model.weights.inputs.has(name));
    return new Trainer(session, layers, inputsOf, optimizer, Object.fromEntries(feeds), {
      folder: options.folder,
      sharedPrompts: model.sharedPrompts,
    });
  }

  /**
   * One update: runs the micro-batches, adds up their gradients and updates the parameters.
   * @throws TenetError('training') when the loss or a gradient is not finite: the batch is saved to
   *   `broken-batch.json` and the parameters stay as they were
   */
  async step(microBatches: readonly Feeds[], lr: number): Promise<StepMetrics> {
    const metrics: Record<string, number> = {};
    for (const feeds of microBatches) {
      const pass = await this.layers?.forward(feeds);
      const states = pass && { states: pass.states[pass.states.length - 1] };
      const values = await this.session.run({ ...this.parameterFeeds, ...feeds, ...states });
      const found: Record<string, Float32Array> = {};
      const measured: Record<string, number> = {};
      for (const [name, value] of Object.entries(values)) {
        if (name.startsWith(gradientPrefix))
          found[name.slice(gradientPrefix.length)] = value.data as Float32Array;
        else if (name !== stateGradient) measured[name] = Number(value.data[0]);
      }
      addMetrics(metrics, measured);
      if (!Number.isFinite(metrics.loss)) {
        this.optimizer.discard();
        await this.fail(feeds, `the loss is ${metrics.loss}`);
      }
      if (this.layers && pass) {
        await this.layers.backward(pass, values[stateGradient].data as Float32Array, found);
      }
      this.optimizer.accumulate(found);
    }
    const result = this.optimizer.step(lr);
    if (!result.applied) {
      const [first] = result.nonFinite;
      const others = result.nonFinite.length - 1;
      await this.fail(
        microBatches,
        `the gradient of ${first.name} has ${first.count} values that are NaN or infinite` +
          (others ? ` (and ${others} other tensors too)` : ''),
      );
    } else {
      metrics.gradNorm = result.gradientNorm;
    }
    return metrics;
  }

  /**
   * Computes a micro-batch as `step` does and forgets it: what does not fit into memory shows, and nothing changes.
   * Inputs that are not fed are zeros.
   */
  async rehearse(feeds: Feeds): Promise<void> {
    const all = { ...zerosFor(this.inputs, feeds), ...feeds };
    const pass = await this.layers?.forward(all);
    const states = pass && { states: pass.states[pass.states.length - 1] };
    const values = await this.session.run({ ...this.parameterFeeds, ...all, ...states });
    if (this.layers && pass) await this.layers.backward(pass, values[stateGradient].data as Float32Array, {});
  }

  /** The optimizer's state, for checkpoints. */
  get state(): AdamWState {
    return this.optimizer.state;
  }

  restore(state: AdamWState): void {
    this.optimizer.restore(state);
  }

  async release(): Promise<void> {
    await this.session.release();
    await this.layers?.[Symbol.asyncDispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  private async fail(batch: Feeds | readonly Feeds[], what: string): Promise<never> {
    const path = join(this.folder, 'broken-batch.json');
    await writeFile(path, JSON.stringify(batch, replaceArrays));
    throw new TenetError(
      'training',
      `Training broke down: ${what}. The parameters are as before this step and the batch is in ${path}. ` +
        'Usual causes: a learning rate too high (halve it), gradients not clipped (set maxGradNorm), or a bad record.',
      { details: { path } },
    );
  }
}

const gradientPrefix = 'gradient:';
/** Output of the gradient of what the layers gave. */
const stateGradient = 'states';

/** Zeros for the inputs without a feed, of the sizes that the feeds give; one where none gives it. */
function zerosFor(inputs: readonly Tensor[], feeds: Feeds): Feeds {
  const sizes = new Map<Dim, number>();
  for (const { name, shape } of inputs) {
    const feed = feeds[name];
    if (!feed) continue;
    const fed = ArrayBuffer.isView(feed) ? [feed.length] : feed.shape;
    shape.forEach((dim, axis) => void sizes.set(dim, fed[axis]));
  }
  const missing = inputs.filter(({ name }) => !(name in feeds));
  return Object.fromEntries(
    missing.map(({ name, dtype, shape }) => {
      const known = shape.map((dim) => (typeof dim === 'number' ? dim : (sizes.get(dim) ?? 1)));
      const count = known.reduce((a, b) => a * b, 1);
      const data = dtype === 'int32' ? new Int32Array(count) : new Float32Array(count);
      return [name, { data, shape: known }];
    }),
  );
}

/** JSON has no typed arrays, no bigint, and no NaN or Infinity, which become their names. */
function replaceArrays(_key: string, value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<number | bigint>);
  if (typeof value === 'bigint') return Number(value);
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

/** A scalar input's feed. */
export function scalarFeed(value: number): Feed {
  return { data: Float32Array.of(value), shape: [] };
}
