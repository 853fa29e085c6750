/** The files that a critique job leaves. */
import { join } from 'node:path';
import { writeFileAtomic } from '../../base/index.ts';
import { writeRecords } from '../../data/index.ts';
import { type Store, selectFromLedger, writeSelectionFile } from '../../store/index.ts';
import type { Constitution } from '../constitution.ts';
import { type CritiqueJobResult, type CritiqueSummary, summariseCritiques } from './critique-job.ts';
import { demonstrationsFrom, type HelpfulResponse, type MixOptions, revisionPreferences } from './records.ts';

export interface CritiqueFiles {
  /** TRL prompt-completion: what SFT learns from. */
  readonly demonstrations: string;
  /** TRL preference: revisions above first responses; null when not asked for. */
  readonly preferences: string | null;
  /** Every chain with all its steps. */
  readonly chains: string;
  readonly report: string;
}

export interface CritiqueReport extends CritiqueSummary {
  readonly job: string;
  readonly constitution: { readonly name: string; readonly version: string | null; readonly hash: string };
  readonly demonstrations: { readonly revisions: number; readonly helpful: number };
  readonly preferences: number | null;
  /** Index of the input, and why it failed. */
  readonly failedItems: CritiqueJobResult['failed'];
}

export interface WriteCritiqueOptions extends MixOptions {
  readonly folder: string;
  readonly constitution: Constitution;
  readonly helpful: readonly HelpfulResponse[];
  /** True: also write preference pairs. */
  readonly pairs: boolean;
  /** Where the steps were kept: each file then says which events it was made from. Default: nowhere. */
  readonly store?: Store;
}

/** Writes them, each whole or not at all. */
export async function writeCritiques(
  result: CritiqueJobResult,
  options: WriteCritiqueOptions,
): Promise<{ readonly files: CritiqueFiles; readonly report: CritiqueReport }> {
  const { folder, constitution, helpful, pairs } = options;
  const chains = result.chains.filter((chain) => chain !== null);
  const files: CritiqueFiles = {
    demonstrations: join(folder, 'demonstrations.jsonl'),
    preferences: pairs ? join(folder, 'preferences.jsonl') : null,
    chains: join(folder, 'chains.jsonl'),
    report: join(folder, 'report.json'),
  };
  const mix = demonstrationsFrom(chains, helpful, options);
  const preferences = pairs ? revisionPreferences(chains) : null;
  await writeRecords(files.demonstrations, mix.records);
  if (files.preferences) await writeRecords(files.preferences, preferences!);
  await writeRecords(files.chains, chains);
  if (options.store) {
    const selection = await selectFromLedger(options.store, { project: result.job });
    for (const path of [files.demonstrations, files.preferences]) {
      if (path !== null) await writeSelectionFile(path, selection);
    }
  }
  const { name, version, hash } = constitution;
  const report: CritiqueReport = {
    job: result.job,
    constitution: { name, version, hash },
    ...summariseCritiques(result),
    demonstrations: { revisions: mix.revisions, helpful: mix.helpful },
    preferences: preferences?.length ?? null,
    failedItems: result.failed,
  };
  await writeFileAtomic(files.report, `${JSON.stringify(report, null, 2)}\n`);
  return { files, report };
}
