/** What a stage may use of the run around it. `src/run` provides it; tests and library users can too. */
import type { Rollout } from './rollout.ts';

/** One generated text worth keeping: before or after training, or during it. */
export interface Sample {
  readonly step: number;
  /** Whose answer it is, where several models answer the same prompts. Default: the model of the stage. */
  readonly model?: string;
  readonly prompt: string;
  readonly response: string;
  /** Named numbers about the response: `reward`, `kl`, gold objectives … */
  readonly scores: Readonly<Record<string, number>>;
}

export interface StageContext {
  /** The stage's own folder (checkpoints, final model); exists already. */
  readonly folder: string;
  /** Aborted when the user asks to stop: finish the step, save, throw TenetError('interrupted'). */
  readonly signal: AbortSignal;
  /** True: continue from the newest checkpoint in `folder` if there is one. */
  readonly resume: boolean;
  /** Records metrics at a step (1-based, counted in optimizer steps). Appended whole to events.jsonl. */
  event(step: number, metrics: Readonly<Record<string, number>>): void;
  /** Records a generated sample in samples.jsonl. */
  sample(sample: Sample): void;
  /** Moves the progress display. `done` of `total` in units of work; metrics are shown beside the bar. */
  progress(done: number, total: number, metrics?: Readonly<Record<string, number>>): void;
  /** Tells the user of something unusual that does not stop the run; also kept for the report. */
  warn(message: string, alarm?: AlarmRecord): void;
  /**
   * Shown what the policy has just sampled, before it learns from it: the policy is the one that wrote these responses.
   * Default: nobody watches.
   * @param step the iteration that has begun, from 1
   * @returns stop: the stage ends here, without learning from them; restored: the same, and whoever watches has put better
   *   weights in the place of the policy's
   */
  watch?(step: number, rollout: WatchedRollout): Promise<Verdict>;
}

export type Verdict = 'go on' | 'stop' | 'restored';

/** What else is known of a warning that a monitor gives. */
export interface AlarmRecord {
  readonly step: number;
  readonly detector: string;
  readonly cause: string;
  readonly remedy: string;
  readonly action: string;
}

/** The part of a rollout that says what the policy does, and what that is worth. */
export type WatchedRollout = Pick<
  Rollout,
  'items' | 'length' | 'counted' | 'scores' | 'mixed' | 'logProbs' | 'referenceLogProbs'
>;
