/** Comparisons for a stage: from the recipe's data, or what a rankings stage of the run has collected. */
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
  const { examples, from } = await collectedBy(stage, 'rankings');
  return {
    examples: examples as readonly RankingExample[],
    inputs: [],
    panel: from.result.panel as keyof typeof panels,
  };
}

/**
 * The data that the newest stage of a type has collected.
 * @throws TenetError('usage') when there is none
 */
export async function collectedBy(
  { finished, run, name }: StageRun,
  type: 'rankings' | 'best-of-n',
): Promise<{ readonly examples: readonly Example[]; readonly from: FinishedStage }> {
  const from = finished.findLast((stage) => stage.type === type);
  if (!from?.result.data) {
    throw new TenetError(
      'usage',
      `stage "${name}" has no data: give it data: { path: … }, or put a ${type} stage before it.`,
    );
  }
  const path = resolve(run.path, from.result.data);
  const hash = await hashFile(path);
  await run.recordUse(name, { kind: 'data', role: type, stage: from.name, path: from.result.data, hash });
  const examples: Example[] = [];
  for await (const { record, format } of readRecords(path)) {
    examples.push(...examplesOf(record, format));
  }
  return { examples, from };
}
