/** Comparisons and demonstrations for a stage: from the recipe's data, or what an earlier stage has made. */
import { resolve } from 'node:path';
import { hashFile, TenetError } from '../../base/index.ts';
import { type Example, examplesOf, type RankingExample, readRecords } from '../../data/index.ts';
import { loadData } from '../load-data.ts';
import type { InputRecord } from '../manifest.ts';
import type { DataSource } from '../run-recipe.ts';
import { expectKinds } from './expect-examples.ts';
import type { panels } from './rankings.ts';
import type { FinishedStage, StageRun } from './stage-run.ts';

export interface Comparisons {
  readonly examples: readonly RankingExample[];
  readonly inputs: readonly InputRecord[];
  /** The simulated annotators who ranked; null for data from a file. */
  readonly panel: keyof typeof panels | null;
}

/** @throws TenetError('data') when the data holds something else than preferences and rankings */
export async function loadComparisons(source: DataSource | undefined, stage: StageRun): Promise<Comparisons> {
  const { context, run, seed, name } = stage;
  if (source) {
    const { examples, inputs } = await loadData(source, {
      purpose: `${name} data`,
      folder: context.folder,
      seed,
    });
    await run.recordInputs(inputs);
    expectKinds(stage, examples, ['ranking']);
    return { examples: examples as readonly RankingExample[], inputs, panel: null };
  }
  const { examples, from } = await collectedBy(stage, 'comparisons');
  return {
    examples: examples as readonly RankingExample[],
    inputs: [],
    panel: (from.result.panel as keyof typeof panels | undefined) ?? null,
  };
}

/** The file that a stage made of a kind, relative to the run folder. */
const madeBy = {
  comparisons: ({ type, result }: FinishedStage) =>
    ['rankings', 'compare', 'hybrid'].includes(type) ? result.data : (result.preferences ?? undefined),
  demonstrations: ({ type, result }: FinishedStage) =>
    type === 'best-of-n' || type === 'critique' ? result.data : undefined,
} as const;

/**
 * The newest data of a kind that an earlier stage has made.
 * @throws TenetError('usage') when there are none
 */
export async function collectedBy(
  { finished, run, name }: StageRun,
  kind: keyof typeof madeBy,
): Promise<{ readonly examples: readonly Example[]; readonly from: FinishedStage }> {
  const from = finished.findLast((stage) => madeBy[kind](stage) !== undefined);
  const file = from && madeBy[kind](from);
  if (!from || file === undefined) {
    const makers = kind === 'comparisons' ? 'rankings, compare or hybrid' : 'best-of-n or critique';
    throw new TenetError(
      'usage',
      `stage "${name}" has no data: give it data: { path: … }, or put a ${makers} stage before it.`,
    );
  }
  const path = resolve(run.path, file);
  const hash = await hashFile(path);
  await run.recordUse(name, { kind: 'data', role: from.type, stage: from.name, path: file, hash });
  const examples: Example[] = [];
  for await (const { record, format } of readRecords(path)) {
    examples.push(...examplesOf(record, format));
  }
  return { examples, from };
}
