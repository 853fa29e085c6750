/** The records of a run folder's append-only files, and how readers resolve what a resumed run wrote twice. */
import { join } from 'node:path';
import { readJsonLines } from './json-lines.ts';

/** One line of `events.jsonl`: metrics at one step of a stage. */
export interface EventRecord {
  readonly stage: string;
  /** Counted in optimizer steps from 1; 0 is before training. */
  readonly step: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Values by metric name; null in the file where the value was not a finite number. */
  readonly metrics: Readonly<Record<string, number | null>>;
}

/** One line of `samples.jsonl`. */
export interface SampleRecord {
  readonly stage: string;
  readonly step: number;
  /** Which start of the stage wrote it: 1, and one more at each resume. */
  readonly attempt: number;
  /** Whose answer it is, where several models answer the same prompts. */
  readonly model?: string;
  readonly prompt: string;
  readonly response: string;
  readonly scores: Readonly<Record<string, number | null>>;
}

/** One line of `warnings.jsonl`. */
export interface WarningRecord {
  readonly stage: string;
  readonly time: number;
  readonly message: string;
  /** Of a monitor's alarm: when, which detector, why it may be so, what helps, and what was done. */
  readonly step?: number;
  readonly detector?: string;
  readonly cause?: string;
  readonly remedy?: string;
  readonly action?: string;
}

/**
 * Reads the events of a run, one per (stage, step), in order of first appearance of the stage and then of
 * steps. A stage that was killed and resumed writes the steps after its checkpoint again: for each metric
 * the last value written counts.
 */
export async function readEvents(runFolder: string): Promise<EventRecord[]> {
  const { records } = await readJsonLines(join(runFolder, 'events.jsonl'));
  const stages = new Map<string, Map<number, EventRecord>>();
  for (const record of records as EventRecord[]) {
    const steps = stages.get(record.stage) ?? new Map<number, EventRecord>();
    stages.set(record.stage, steps);
    const earlier = steps.get(record.step);
    steps.set(record.step, { ...record, metrics: { ...earlier?.metrics, ...record.metrics } });
  }
  return [...stages.values()].flatMap((steps) => [...steps.values()].sort((a, b) => a.step - b.step));
}

/**
 * Reads the samples of a run in the order written. Where a resumed stage generated the same sample again
 * (same step, same prompt, same place among equal prompts) the later attempt replaces the earlier.
 */
export async function readSamples(runFolder: string): Promise<SampleRecord[]> {
  const { records } = await readJsonLines(join(runFolder, 'samples.jsonl'));
  const seen = new Map<string, number>();
  const samples = new Map<string, SampleRecord>();
  for (const sample of records as SampleRecord[]) {
    const what = JSON.stringify([sample.stage, sample.step, sample.prompt]);
    const inAttempt = `${sample.attempt} ${what}`;
    const place = seen.get(inAttempt) ?? 0;
    seen.set(inAttempt, place + 1);
    samples.set(`${place} ${what}`, sample);
  }
  return [...samples.values()];
}

/** Reads the warnings of a run; one that a resumed stage repeats is kept once. */
export async function readWarnings(runFolder: string): Promise<WarningRecord[]> {
  const { records } = await readJsonLines(join(runFolder, 'warnings.jsonl'));
  const unique = new Map<string, WarningRecord>();
  for (const warning of records as WarningRecord[]) {
    const key = JSON.stringify([warning.stage, warning.message]);
    if (!unique.has(key)) unique.set(key, warning);
  }
  return [...unique.values()];
}
