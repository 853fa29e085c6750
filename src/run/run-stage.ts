/** Runs one stage inside a run folder: its context, its status in the manifest, its place in a resumed run. */
import type { Sample, StageContext } from '../train/context.ts';
import type { ProgressDisplay } from './progress-display.ts';
import type { RunFolder } from './run-folder.ts';

export interface StageContextOptions {
  /** Aborted when the user asks to stop. */
  readonly signal: AbortSignal;
  /** Where progress is shown. Default: nowhere. */
  readonly display?: ProgressDisplay;
}

/**
 * The context a stage trains in: its folder, and the run's files and display to write to.
 * The stage resumes from its newest checkpoint when it was begun before.
 */
export function createStageContext(
  run: RunFolder,
  stageName: string,
  options: StageContextOptions,
): StageContext {
  const { display } = options;
  const { attempts } = run.stage(stageName);
  const folder = run.stageFolder(stageName);
  return {
    folder,
    signal: options.signal,
    resume: attempts > 1,
    event(step, metrics) {
      const record = { stage: stageName, step, time: Date.now(), metrics };
      run.events.append(record);
      display?.event(record);
    },
    sample(sample: Sample) {
      const record = { stage: stageName, attempt: Math.max(1, attempts), ...sample };
      run.samples.append(record);
      display?.sample(record);
    },
    progress(done, total, metrics) {
      display?.progress({ stage: stageName, done, total, metrics: metrics ?? {} });
    },
    warn(message, alarm) {
      const record = { stage: stageName, time: Date.now(), message, ...alarm };
      run.warnings.append(record);
      display?.warn(record);
    },
  };
}

/**
 * Runs a stage, or returns the recorded results when an earlier start of the run has finished it.
 *
 * @param body the stage, e.g. `(context) => trainSft(options, inputs, context)`. What it returns is recorded
 *   in the manifest and must be plain data (what JSON can hold); it is returned as read back from there, so
 *   that a resumed run goes on with exactly what an uninterrupted one does.
 * @throws whatever the stage throws, after recording that it failed or was interrupted.
 */
export async function runStage<T>(
  run: RunFolder,
  stageName: string,
  options: StageContextOptions,
  body: (context: StageContext) => Promise<T>,
): Promise<T> {
  const { display } = options;
  const stages = run.manifest.stages;
  const place = { stage: stageName, index: stages.indexOf(run.stage(stageName)), count: stages.length };
  if (run.stage(stageName).status === 'finished') {
    display?.stage({ ...place, status: 'already finished' });
    return run.stage(stageName).results as T;
  }
  await run.beginStage(stageName);
  display?.stage({ ...place, status: 'running' });
  try {
    const results = asJson(await body(createStageContext(run, stageName, options)));
    await run.finishStage(stageName, results);
    display?.stage({ ...place, status: 'finished' });
    return results;
  } catch (error) {
    await run.failStage(stageName, error);
    const { status } = run.stage(stageName);
    display?.stage({ ...place, status: status === 'interrupted' ? 'interrupted' : 'failed' });
    throw error;
  }
}

function asJson<T>(value: T): T {
  return value === undefined ? value : (JSON.parse(JSON.stringify(value)) as T);
}
