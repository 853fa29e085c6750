/** What a detector is: a rule over what was seen so far, with the words to say when it is broken. */
import type { History } from './history.ts';
import type { Thresholds } from './thresholds.ts';

export const detectorNames = [
  // Health of the run.
  'not-a-number',
  'kl-budget',
  'kl-negative',
  'kl-growth',
  'entropy-collapse',
  'clip-fraction',
  'update-size',
  'value-function',
  'gradient-norm',
  'zero-variance',
  'truncation',
  'repetition',
  'sampler-gap',
  'no-movement',
  'overfitting',
  // Of the reward.
  'held-out-fall',
  'proxy-gap',
  'ensemble-spread',
  'latent-outliers',
  'reward-length',
  'reward-style',
  'feature-drift',
  'same-answer',
  // The named hacks.
  'verbosity',
  'sycophancy',
  'confident-hallucination',
  'avoidance',
  'canary',
] as const;
export type DetectorName = (typeof detectorNames)[number];

/** What a detector says; every sentence is for a person who reads it once. */
export interface Finding {
  /** What was seen, with its numbers. */
  readonly what: string;
  readonly cause: string;
  readonly remedy: string;
}

export interface Detector {
  readonly name: DetectorName;
  /** After what it is asked: metrics of a step, or the responses of an iteration. */
  readonly reads: 'metrics' | 'responses';
  /** Findings in a row that raise an alarm; a single one where a value can only be a fault. Default: the option's. */
  readonly raiseAfter?: number;
  find(history: History, thresholds: Thresholds, window: number): Finding | null;
}
