/** What opening a guard of classifiers takes and gives. */
import type { WeightPrecision } from '../../model/index.ts';
import type { GuardModel } from '../screen.ts';
import type { GuardFile } from './guard-file.ts';

export interface OpenClassifierOptions {
  /** Precision of the products with weights. Default float32. */
  readonly precision?: WeightPrecision;
  /** Threads of the engine. Default: the cores of the machine. */
  readonly threads?: number;
  /** True: compute in a thread of its own, so that a server stays responsive. Default false. */
  readonly inThread?: boolean;
  /** Share of harmless traffic that its thresholds may refuse. Default 0.01. */
  readonly refusalRate?: number;
  /** Which kind judges answers. Default: exchange where the guard has it, else output. */
  readonly answers?: 'output' | 'exchange';
}

/** A guard of classifiers, with what its folder says of it. */
export interface ClassifierGuard extends GuardModel {
  readonly file: GuardFile;
  /**
   * The threshold for a wanted share of refused harmless traffic, as a score.
   * @throws TenetError('usage') for a share that the guard was not calibrated for
   */
  thresholdFor(what: 'input' | 'output', refusalRate: number): number;
}
