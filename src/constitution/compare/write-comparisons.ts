/** The files that a comparison job leaves. */
import { join } from 'node:path';
import { writeFileAtomic } from '../../base/index.ts';
import { writeRecords } from '../../data/index.ts';
import { type Store, selectFromLedger, writeSelectionFile } from '../../store/index.ts';
import type { Constitution } from '../constitution.ts';
import type { CompareJobResult } from './compare-job.ts';
import { softPreferences, softRanking } from './records.ts';
import { type ComparisonReport, type ReportOptions, reportComparisons } from './report.ts';

export interface ComparisonFiles {
  /** TRL preference, one row a pair, with the soft label. */
  readonly preferences: string;
  /** One row a prompt, with the soft labels of all its pairs. */
  readonly rankings: string;
  /** Every item with every answer. */
  readonly comparisons: string;
  readonly report: string;
}

export interface WrittenComparisonReport extends ComparisonReport {
  readonly job: string;
  readonly constitution: { readonly name: string; readonly version: string | null; readonly hash: string };
  /** Pairs written: those that are not exactly level. */
  readonly preferences: number;
  readonly failedItems: CompareJobResult['failed'];
}

/** Writes them, each whole or not at all. */
export async function writeComparisons(
  result: CompareJobResult,
  options: ReportOptions & {
    readonly folder: string;
    readonly constitution: Constitution;
    /** Where the answers were kept: each file then says which events it was made from. Default: nowhere. */
    readonly store?: Store;
  },
): Promise<{ readonly files: ComparisonFiles; readonly report: WrittenComparisonReport }> {
  const { folder, constitution } = options;
  const items = result.items.filter((item) => item !== null);
  const files: ComparisonFiles = {
    preferences: join(folder, 'preferences.jsonl'),
    rankings: join(folder, 'rankings.jsonl'),
    comparisons: join(folder, 'comparisons.jsonl'),
    report: join(folder, 'report.json'),
  };
  const preferences = items.flatMap(softPreferences);
  await writeRecords(files.preferences, preferences);
  await writeRecords(files.rankings, items.map(softRanking));
  await writeRecords(files.comparisons, items);
  if (options.store) {
    const selection = await selectFromLedger(options.store, { project: result.job });
    for (const path of [files.preferences, files.rankings]) await writeSelectionFile(path, selection);
  }
  const { name, version, hash } = constitution;
  const report: WrittenComparisonReport = {
    job: result.job,
    constitution: { name, version, hash },
    ...reportComparisons(result, options),
    preferences: preferences.length,
    failedItems: result.failed,
  };
  await writeFileAtomic(files.report, `${JSON.stringify(report, null, 2)}\n`);
  return { files, report };
}
