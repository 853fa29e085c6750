/** For tests: a stage context in a temporary folder that remembers what it was told. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Sample, StageContext } from '../context.ts';

export interface RecordedContext extends StageContext {
  readonly events: { readonly step: number; readonly metrics: Readonly<Record<string, number>> }[];
  readonly samples: Sample[];
  readonly warnings: string[];
}

export interface RecordContextOptions {
  /** Default: a new folder, removed when the test ends. */
  readonly folder?: string;
  readonly resume?: boolean;
  /** Asks the stage to stop once it reports this much progress. */
  readonly stopAfter?: number;
}

export function recordContext(options: RecordContextOptions = {}): RecordedContext {
  const controller = new AbortController();
  const events: RecordedContext['events'] = [];
  const samples: Sample[] = [];
  const warnings: string[] = [];
  return {
    folder: options.folder ?? temporaryFolder(),
    signal: controller.signal,
    resume: options.resume ?? false,
    events,
    samples,
    warnings,
    event: (step, metrics) => events.push({ step, metrics }),
    sample: (sample) => samples.push(sample),
    progress: (done) => {
      if (done === options.stopAfter) controller.abort();
    },
    warn: (message) => warnings.push(message),
  };
}

/** A folder that is removed when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tenet-train-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The values of one metric, in the order of the events that have it. */
export function curve(context: RecordedContext, metric: string): number[] {
  return context.events.flatMap(({ metrics }) => (metric in metrics ? [metrics[metric]] : []));
}
