/** Writes `report.html`: one file that opens offline, made only from the files of a run folder. */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { writeFileAtomic } from '../base/index.ts';
import { readEvaluation } from './evaluation.ts';
import { readJsonLines } from './json-lines.ts';
import { readManifest } from './manifest.ts';
import { readEvents, readSamples, readWarnings, type WarningRecord } from './records.ts';
import { loadAssets } from './report/assets.ts';
import { reportPage } from './report/page.ts';

/**
 * Writes the report of a run; also of one that still runs, failed or was interrupted.
 * @returns the absolute path of `report.html`.
 * @throws TenetError('usage') when the folder is no run folder, or its files are not what they should be.
 */
export async function writeReport(runFolder: string): Promise<string> {
  const folder = resolve(runFolder);
  const manifest = await readManifest(folder);
  const [recipe, events, samples, warnings, evaluation, damage, assets] = await Promise.all([
    readFile(join(folder, 'recipe.yaml'), 'utf8'),
    readEvents(folder),
    readSamples(folder),
    readWarnings(folder),
    readEvaluation(folder),
    damagedFiles(folder),
    loadAssets(),
  ]);
  const data = { manifest, recipe, events, samples, warnings: [...warnings, ...damage], evaluation };
  const path = join(folder, 'report.html');
  await writeFileAtomic(path, reportPage(data, assets));
  return path;
}

/** A warning for each file with lines that could not be read, so that nothing is left out in silence. */
async function damagedFiles(folder: string): Promise<WarningRecord[]> {
  const warnings: WarningRecord[] = [];
  for (const name of ['events.jsonl', 'samples.jsonl', 'warnings.jsonl']) {
    const { damagedLines } = await readJsonLines(join(folder, name));
    if (damagedLines.length === 0) continue;
    const message = `${name} has unreadable lines, which this report leaves out: ${damagedLines.slice(0, 10).join(', ')}${damagedLines.length > 10 ? ', …' : ''}.`;
    warnings.push({ stage: '', time: 0, message });
  }
  return warnings;
}
