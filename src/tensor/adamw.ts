/** The optimizer: Adam with decoupled weight decay, gradient accumulation and clipping by the global norm. */
import { TenetError } from '../base/index.ts';
import { loopsFor, type OptimizerLoops } from './optimizer-loops.ts';

export interface AdamWOptions {
  /** Decay of the two moments. Default [0.9, 0.999] (PyTorch, and Adam's paper). */
  readonly betas?: readonly [number, number];
  /** Added to the corrected root of the second moment. Default 1e-8 (PyTorch, and Adam's paper). */
  readonly eps?: number;
  /** Share of each parameter, times the learning rate, taken off per step. Default 0 (transformers; PyTorch has 0.01). */
  readonly weightDecay?: number;
  /** True for parameters without weight decay, usually norms and biases. Default: none. */
  readonly noDecay?: (name: string) => boolean;
  /** Gradients are scaled down to this global L2 norm. Default null = no clipping. */
  readonly maxNorm?: number | null;
}

/** Gradients by parameter name, each as long as its parameter. */
export type Gradients = ReadonlyMap<string, Float32Array> | Readonly<Record<string, Float32Array>>;

export interface AdamWStepOptions {
  /** Factor on the summed gradients, e.g. 1 / counted tokens. Default 1. */
  readonly gradientScale?: number;
}

/** A gradient that is not a number or infinite. */
export interface NonFiniteGradient {
  readonly name: string;
  /** How many of its values are NaN or infinite. */
  readonly count: number;
  /** Where the first one stands, row-major. */
  readonly firstIndex: number;
}

/** What a step did. When `applied` is false no parameter, moment or step count has changed. */
export type AdamWResult =
  | {
      readonly applied: true;
      /** Global L2 norm before clipping, after `gradientScale`. */
      readonly gradientNorm: number;
      /** What gradients were multiplied by; 1 = not clipped. */
      readonly clipFactor: number;
    }
  | { readonly applied: false; readonly nonFinite: readonly NonFiniteGradient[] };

/** All that a checkpoint must hold to continue with identical bits. */
export interface AdamWState {
  /** Updates made so far. */
  readonly step: number;
  /** All parameters' first moments, one after the other in the order of the parameters, without gaps. */
  readonly firstMoment: Float32Array;
  /** All parameters' second moments, likewise. */
  readonly secondMoment: Float32Array;
}

interface Slot {
  readonly name: string;
  readonly parameter: Float32Array;
  readonly first: Float32Array;
  readonly second: Float32Array;
  readonly offset: number;
  readonly decays: boolean;
}

/**
 * AdamW as PyTorch computes it, in float32:
 *
 *     m ← m + (g − m)(1 − β₁)           v ← β₂ v + (1 − β₂) g²
 *     θ ← θ (1 − lr · weightDecay) − lr / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + eps)
 *
 * The parameters are updated in place; arrays from `allocateFloats` without any copying.
 * @see Kingma and Ba 2015, arXiv:1412.6980, algorithm 1; Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2.
 * @example
 * const optimizer = new AdamW(parameters, { maxNorm: 1 });
 * for (const batch of microBatches) optimizer.accumulate(await gradientsOf(batch), 1 / microBatches.length);
 * const result = optimizer.step(learningRateAt(optimizer.steps, schedule));
 * if (!result.applied) throw new Error(`NaN in the gradient of ${result.nonFinite[0].name}`);
 */
export class AdamW {
  /** Number of parameters. */
  readonly count: number;
  private readonly slots: readonly Slot[];
  private readonly loops: OptimizerLoops;
  private readonly options: Required<Omit<AdamWOptions, 'noDecay'>>;
  private readonly firstMoment: Float32Array;
  private readonly secondMoment: Float32Array;
  private made = 0;
  /** The first micro-batch, kept as it is until a second one comes. */
  private single: { readonly gradients: readonly Float32Array[]; readonly weight: number } | null = null;
  /** The sum of two and more micro-batches, allocated when first needed. */
  private sum: Float32Array | null = null;
  private summed = false;

  /**
   * @param parameters arrays to update, by name; their order is the order of the state
   * @throws TenetError('usage') naming every option that is out of range
   */
  constructor(parameters: ReadonlyMap<string, Float32Array>, options: AdamWOptions = {}) {
    const { betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0, maxNorm = null } = options;
    this.options = { betas, eps, weightDecay, maxNorm };
    checkOptions(parameters, this.options);
    this.count = [...parameters.values()].reduce((total, { length }) => total + length, 0);
    this.loops = loopsFor(parameters.values(), [this.count, this.count, this.count]);
    this.firstMoment = this.loops.allocate(this.count);
    this.secondMoment = this.loops.allocate(this.count);
    let offset = 0;
    this.slots = [...parameters].map(([name, parameter]) => {
      const end = offset + parameter.length;
      const slot: Slot = {
        name,
        parameter,
        first: this.firstMoment.subarray(offset, end),
        second: this.secondMoment.subarray(offset, end),
        offset,
        decays: !options.noDecay?.(name),
      };
      offset = end;
      return slot;
    });
  }

  /** Updates made so far. */
  get steps(): number {
    return this.made;
  }

  /**
   * Adds `weight` · gradients to those of the next update. The arrays of an update's only micro-batch are used
   * as they are, so they must stay unchanged until `step` returns (outputs of a session do).
   * @param gradients one array for every parameter
   * @throws TenetError('usage') naming every gradient that is missing, unknown or of the wrong length
   */
  accumulate(gradients: Gradients, weight = 1): void {
    const ordered = this.inOrder(gradients);
    if (!Number.isFinite(weight))
      throw new TenetError('usage', `AdamW.accumulate: weight is ${weight}, must be finite`);
    if (!this.single && !this.summed) {
      this.single = { gradients: ordered, weight };
      return;
    }
    const sum = (this.sum ??= this.loops.allocate(this.count));
    if (this.single) {
      sum.fill(0);
      this.add(sum, this.single.gradients, this.single.weight);
      this.single = null;
      this.summed = true;
    }
    this.add(sum, ordered, weight);
  }

  /** Forgets the gradients accumulated since the last update. */
  discard(): void {
    this.single = null;
    this.summed = false;
  }

  /**
   * Updates the parameters from the accumulated gradients and forgets these, also when it refuses them.
   * @param lr learning rate, see `learningRateAt`
   * @throws TenetError('usage') without gradients, or for a number that is out of range
   */
  step(lr: number, options: AdamWStepOptions = {}): AdamWResult {
    const { gradientScale = 1 } = options;
    if (!(lr >= 0 && lr < Number.POSITIVE_INFINITY)) {
      throw new TenetError('usage', `AdamW.step: lr is ${lr}, must be finite and not negative`);
    }
    if (!Number.isFinite(gradientScale)) {
      throw new TenetError('usage', `AdamW.step: gradientScale is ${gradientScale}, must be finite`);
    }
    if (!this.single && !this.summed) {
      throw new TenetError('usage', 'AdamW.step: no gradients; call accumulate first, once per micro-batch');
    }
    const gradients = this.single?.gradients ?? this.slots.map((slot) => part(this.sum!, slot));
    const scale = gradientScale * (this.single?.weight ?? 1);
    this.discard();

    // 1. Global norm; a sum of float32 squares in float64 is finite exactly when every value is.
    const squares = gradients.map((gradient) => this.loops.sumOfSquares(gradient));
    const broken = this.slots.flatMap(({ name }, i) =>
      Number.isFinite(squares[i]) ? [] : [describeNonFinite(name, gradients[i])],
    );
    if (broken.length) return { applied: false, nonFinite: broken };
    const gradientNorm = Math.abs(scale) * Math.sqrt(squares.reduce((a, b) => a + b, 0));

    // 2. Clipping, with PyTorch's 1e-6 (torch.nn.utils.clip_grad_norm_).
    const { betas, eps, weightDecay, maxNorm } = this.options;
    const clipFactor = maxNorm === null ? 1 : Math.min(1, maxNorm / (gradientNorm + 1e-6));

    // 3. Update.
    this.made += 1;
    const coefficients = {
      gradientFactor: scale * clipFactor,
      firstRate: 1 - betas[0],
      secondDecay: betas[1],
      secondRate: 1 - betas[1],
      correction: 1 / Math.sqrt(1 - betas[1] ** this.made),
      eps,
      stepSize: lr / (1 - betas[0] ** this.made),
    };
    this.slots.forEach(({ parameter, first, second, decays }, i) => {
      const keep = decays ? 1 - lr * weightDecay : 1;
      this.loops.adamw(parameter, first, second, gradients[i], { ...coefficients, keep });
    });
    return { applied: true, gradientNorm, clipFactor };
  }

  /** The state to store in a checkpoint; the arrays are the live ones, so write or copy them before the next update. */
  get state(): AdamWState {
    return { step: this.made, firstMoment: this.firstMoment, secondMoment: this.secondMoment };
  }

  /**
   * Continues from a stored state, with identical bits; drops accumulated gradients.
   * @throws TenetError('usage') if the state belongs to other parameters
   */
  restore({ step, firstMoment, secondMoment }: AdamWState): void {
    const problems: string[] = [];
    if (!Number.isInteger(step) || step < 0) problems.push(`step is ${step}, must be a whole number from 0`);
    for (const [name, { length }] of Object.entries({ firstMoment, secondMoment })) {
      if (length !== this.count) problems.push(`${name} has ${length} values, must have ${this.count}`);
    }
    if (problems.length) {
      throw new TenetError(
        'usage',
        `AdamW.restore: the state does not fit these parameters: ${problems.join('; ')}`,
      );
    }
    this.discard();
    this.made = step;
    this.firstMoment.set(firstMoment);
    this.secondMoment.set(secondMoment);
  }

  private add(sum: Float32Array, gradients: readonly Float32Array[], weight: number): void {
    this.slots.forEach((slot, i) => {
      this.loops.accumulate(part(sum, slot), gradients[i], weight);
    });
  }

  private inOrder(gradients: Gradients): Float32Array[] {
    const given: ReadonlyMap<string, Float32Array> =
      gradients instanceof Map ? gradients : new Map(Object.entries(gradients));
    const problems: string[] = [];
    const ordered = this.slots.map(({ name, parameter }) => {
      const gradient = given.get(name);
      if (!gradient) problems.push(`"${name}" is missing`);
      else if (gradient.length !== parameter.length) {
        problems.push(`"${name}" has ${gradient.length} values, must have ${parameter.length}`);
      }
      return gradient!;
    });
    if (problems.length || given.size !== this.slots.length) {
      const known = new Set(this.slots.map(({ name }) => name));
      for (const name of given.keys()) if (!known.has(name)) problems.push(`"${name}" is no parameter`);
    }
    if (problems.length) {
      throw new TenetError('usage', `AdamW.accumulate: ${problems.join('; ')}`, { details: { problems } });
    }
    return ordered;
  }
}

function part(flat: Float32Array, { offset, parameter }: Slot): Float32Array {
  return flat.subarray(offset, offset + parameter.length);
}

function describeNonFinite(name: string, gradient: Float32Array): NonFiniteGradient {
  let count = 0;
  for (const value of gradient) if (!Number.isFinite(value)) count += 1;
  return { name, count, firstIndex: gradient.findIndex((value) => !Number.isFinite(value)) };
}

function checkOptions(
  parameters: ReadonlyMap<string, Float32Array>,
  { betas, eps, weightDecay, maxNorm }: Required<Omit<AdamWOptions, 'noDecay'>>,
): void {
  const problems: string[] = [];
  if (parameters.size === 0) problems.push('there are no parameters');
  for (const beta of betas) {
    if (!(beta >= 0 && beta < 1))
      problems.push(`betas are ${betas.join(', ')}, each must be from 0 to below 1`);
  }
  if (!(eps > 0)) problems.push(`eps is ${eps}, must be above 0`);
  if (!(weightDecay >= 0)) problems.push(`weightDecay is ${weightDecay}, must not be negative`);
  if (maxNorm !== null && !(maxNorm > 0))
    problems.push(`maxNorm is ${maxNorm}, must be above 0, or null for no clipping`);
  if (problems.length)
    throw new TenetError('usage', `AdamW: ${problems.join('; ')}`, { details: { problems } });
}
