/** Mean and spread of a stream of numbers, kept up to date without storing them. */
import { TenetError } from '../base/index.ts';
import type { Values } from './masked.ts';

/** Everything a checkpoint must hold to continue. */
export interface RunningMomentsState {
  readonly count: number;
  readonly mean: number;
  /** Sum of squared distances from the mean. */
  readonly squares: number;
}

/**
 * Welford's update of mean and variance, exact for any order and numerically stable.
 * @see Welford 1962, Technometrics 4(3):419–420.
 */
export class RunningMoments {
  private count_: number;
  private mean_: number;
  private squares: number;

  /** @param state a saved state to continue from */
  constructor(state: RunningMomentsState = { count: 0, mean: 0, squares: 0 }) {
    this.count_ = state.count;
    this.mean_ = state.mean;
    this.squares = state.squares;
  }

  get state(): RunningMomentsState {
    return { count: this.count_, mean: this.mean_, squares: this.squares };
  }

  get count(): number {
    return this.count_;
  }

  /** 0 before the first number. */
  get mean(): number {
    return this.mean_;
  }

  /** With Bessel's correction; NaN before the second number. */
  get variance(): number {
    return this.count_ < 2 ? Number.NaN : this.squares / (this.count_ - 1);
  }

  /** Square root of the variance; NaN before the second number. */
  get deviation(): number {
    return Math.sqrt(this.variance);
  }

  /**
   * Takes in more numbers.
   * @throws TenetError('training') for a number that is not finite, which would spoil the moments for good
   */
  add(values: Values): void {
    const bad = Array.from(values).findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) {
      throw new TenetError(
        'training',
        `RunningMoments: value ${bad} of ${values.length} is ${values[bad]}; only finite numbers have moments`,
      );
    }
    for (const value of values) {
      this.count_++;
      const before = value - this.mean_;
      this.mean_ += before / this.count_;
      this.squares += before * (value - this.mean_);
    }
  }

  /**
   * Numbers on the scale of what was seen: (x − mean) / (deviation + eps). Unchanged before the second number,
   * since one number has no spread.
   * @param options.keepMean true divides only, so that the sign of a reward keeps its meaning. Default false.
   * @param options.eps default 1e-8
   */
  normalise(
    values: Values,
    options: { readonly keepMean?: boolean; readonly eps?: number } = {},
  ): Float32Array {
    if (this.count_ < 2) return Float32Array.from(values);
    const shift = options.keepMean ? 0 : this.mean_;
    const scale = 1 / (this.deviation + (options.eps ?? 1e-8));
    return Float32Array.from(values, (value) => (value - shift) * scale);
  }
}
