/** Asks monitors again about what they saw of a run, with other options: what would have been an alarm? */
import { join } from 'node:path';
import { type Alarm, type Entry, Monitor, type MonitorOptions } from '../../monitor/index.ts';
import { readJsonLines } from '../json-lines.ts';
import { readManifest } from '../manifest.ts';

export interface ReplayedStage {
  readonly stage: string;
  /** Iterations or logged steps that were seen. */
  readonly steps: number;
  readonly alarms: readonly Alarm[];
}

/** The stages of a run that were watched, with the alarms they raise under these options; nothing is written. */
export async function replayMonitors(runFolder: string, options: MonitorOptions): Promise<ReplayedStage[]> {
  const { stages } = await readManifest(runFolder);
  const replayed: ReplayedStage[] = [];
  for (const { name, folder } of stages) {
    const { records } = await readJsonLines(join(runFolder, folder, 'monitor.jsonl'));
    const entries = records as Entry[];
    if (entries.length === 0) continue;
    const monitor = new Monitor(options);
    const alarms = entries.flatMap((entry) => monitor.observe(entry));
    replayed.push({ stage: name, steps: new Set(entries.map(({ step }) => step)).size, alarms });
  }
  return replayed;
}
