/** Runs suites on a model for the command line: progress, reward models, plain text. */
import { TenetError } from '../../base/index.ts';
import type { DataFolder, Suite, SuiteContext, SuiteResult } from '../../evaluate/index.ts';
import type { ProgressDisplay } from '../../run/progress-display.ts';
import type { AskSession } from '../ask-flags.ts';
import { rewardBench } from './known-suites.ts';
import type { ModelResults } from './results-file.ts';

export interface EvaluateSettings extends Omit<SuiteContext, 'model' | 'data' | 'textScorer' | 'onProgress'> {
  readonly data: DataFolder;
  readonly threads?: number;
}

export async function evaluateModel(
  spec: string,
  suites: readonly Suite[],
  settings: EvaluateSettings,
  parts: { readonly session: AskSession; readonly display: ProgressDisplay; readonly scoresRewards: boolean },
): Promise<ModelResults> {
  const { session, display, scoresRewards } = parts;
  const { resolveModelSpec } = await import('../../run/resolve-model-spec.ts');
  const name = await resolveModelSpec(spec);
  const folder = name.startsWith('local:') ? name.slice('local:'.length) : null;
  const results: SuiteResult[] = [];
  const count = suites.length + (scoresRewards ? 1 : 0);
  const during = async (
    stage: string,
    index: number,
    work: (onProgress: (done: number, total: number) => void) => Promise<SuiteResult>,
  ): Promise<void> => {
    display.stage({ stage, index, count, status: 'running' });
    results.push(await work((done, total) => display.progress({ stage, done, total, metrics: {} })));
    display.stage({ stage, index, count, status: 'finished' });
  };

  if (suites.length > 0) {
    const model = await session.open(spec);
    const scorers: (() => Promise<void>)[] = [];
    const textScorer = folder
      ? async () => {
          const { localTextScorer } = await import('../../evaluate/index.ts');
          const scorer = await localTextScorer(folder, { threads: settings.threads });
          scorers.push(() => scorer.close());
          return scorer;
        }
      : undefined;
    try {
      for (const [i, suite] of suites.entries()) {
        await during(suite.name, i, (onProgress) =>
          suite.run({ ...settings, model, onProgress, ...(textScorer && { textScorer }) }),
        );
      }
    } finally {
      for (const close of scorers) await close();
    }
  }
  if (scoresRewards) {
    const scored = await rewardModelFolder(spec, folder);
    const [{ openRewardScorer }, { runRewardBenchmark }] = await Promise.all([
      import('../../run/evaluation-suites/index.ts'),
      import('../../evaluate/index.ts'),
    ]);
    const scorer = await openRewardScorer(scored, { threads: settings.threads });
    try {
      await during(rewardBench, suites.length, (onProgress) =>
        runRewardBenchmark(scorer.score, { ...settings, onProgress }),
      );
    } finally {
      await scorer[Symbol.asyncDispose]();
    }
  }
  return { model: spec, seed: settings.seed, limit: settings.limit ?? null, suites: results };
}

/** Of a run, its newest reward model; a folder as it is. */
async function rewardModelFolder(spec: string, folder: string | null): Promise<string> {
  const { readManifest } = await import('../../run/manifest.ts');
  const path = spec.replace(/^local:/, '');
  const manifest = await readManifest(path).catch(() => null);
  const made = manifest?.stages.findLast(({ results }) => {
    const { model } = (results ?? {}) as { model?: { head: string } };
    return model?.head === 'reward';
  });
  if (made) {
    const { findModel } = await import('../../run/find-model.ts');
    return (await findModel(path, made.name)).folder;
  }
  if (folder) return folder;
  throw new TenetError(
    'usage',
    `${rewardBench} scores with a reward model on this machine; ${spec} is none.`,
  );
}
