/** What every progress display can do, and what it is told. */
import type { EventRecord, SampleRecord, WarningRecord } from './records.ts';

/** A stage begins or ends. */
export interface StageUpdate {
  readonly stage: string;
  /** Place among the run's stages, from 0. */
  readonly index: number;
  readonly count: number;
  readonly status: 'running' | 'finished' | 'failed' | 'interrupted' | 'already finished';
}

/** How far the running stage is, in its own units of work, with the metrics worth seeing live. */
export interface ProgressUpdate {
  readonly stage: string;
  readonly done: number;
  readonly total: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** Receives all that happens in a run and shows some of it. */
export interface ProgressDisplay {
  stage(update: StageUpdate): void;
  progress(update: ProgressUpdate): void;
  event(record: EventRecord): void;
  sample(record: SampleRecord): void;
  warn(record: WarningRecord): void;
  /** Ends the display and gives the terminal back as it was. */
  close(): void;
}

/** The part of a writable stream that displays use. */
export interface ProgressStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface DisplayOptions {
  readonly stream: ProgressStream;
  readonly color: boolean;
  /** Clock in milliseconds. */
  readonly now: () => number;
}
