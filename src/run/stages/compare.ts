/** The compare stage: responses of the policy are compared under a constitution, and the labels become a data file. */
import { join, relative } from 'node:path';
import { Random } from '../../base/index.ts';
import {
  type ComparisonOptions,
  comparisonInputsOf,
  comparisonOptions,
  orderIsNeutral,
  runCompareJob,
  softRanking,
  writeComparisons,
} from '../../constitution/index.ts';
import { convertExample, type Example, writeRecords } from '../../data/index.ts';
import { loadData } from '../load-data.ts';
import type { StageOf } from '../run-recipe.ts';
import { expectKinds, expectPrompts } from './expect-examples.ts';
import { openFeedback, withoutClock } from './feedback.ts';
import type { StageResult, StageRun } from './stage-run.ts';

export async function runCompare(options: StageOf<'compare'>, stage: StageRun): Promise<StageResult> {
  const { context, run, seed, name } = stage;
  const where = { folder: context.folder, seed };
  const prompts = await loadData(options.prompts, { ...where, purpose: `${name} prompts`, lines: true });
  expectPrompts(stage, prompts.examples);
  const human = options.human ? await loadData(options.human, { ...where, purpose: `${name} human` }) : null;
  if (human) expectKinds(stage, human.examples, ['ranking']);
  await run.recordInputs([...prompts.inputs, ...(human?.inputs ?? [])]);
  const session = await openFeedback(stage, { ...options, critic: options.judge, role: 'judge' });
  try {
    // Step 1. Responses and answers. Each is in the ledger as soon as it comes, so that a resumed stage repeats none.
    const { constitution, store, policy, critic } = session;
    const inputs = comparisonInputsOf(prompts.examples);
    const result = await runCompareJob({
      ...{ judge: critic, policy, constitution, inputs, seed, recheck: options.recheck },
      options: ownOptions(options),
      sampling: {
        count: options.responses,
        temperature: options.samplingTemperature,
        topP: 1,
        responseLength: options.responseLength,
      },
      journal: store.ledger,
      concurrency: options.concurrency,
      signal: context.signal,
      onProgress: (done, total) => context.progress(done, total),
    });

    // Step 2. Labels and report; comparisons by people mixed in, in the ratio asked for.
    const { report } = await writeComparisons(result, {
      ...{ folder: context.folder, constitution, seed, orderIsNeutral: orderIsNeutral(inputs) },
    });
    await session.record(result.job);
    const labels = result.items.flatMap((item) => (item ? [softRanking(item)] : []));
    const mixed = mixLabels(labels, human?.examples ?? [], human ? options.humanShare : 0, seed);
    const data = join(context.folder, 'labels.jsonl');
    await writeRecords(data, mixed.records);
    if (report.failed > 0) {
      context.warn(
        `${report.failed} of ${report.inputs} prompts failed; the first: ${report.failedItems[0].reason}`,
      );
    }
    if (report.alike > 0)
      context.warn(`${report.alike} of ${report.inputs} prompts got the same response every time.`);
    const { position, length, agreement, confidence, mass } = report;
    context.event(1, {
      judge_confidence: confidence,
      judge_mass: mass.mean,
      ...(position.firstShare && { judge_first_share: position.firstShare.estimate }),
      ...(position.flips && { judge_flips: position.flips.estimate }),
      ...(length.longerWins && { judge_longer_wins: length.longerWins.estimate }),
      ...(agreement && { judge_agreement: agreement.accuracy.estimate }),
    });
    const { failedItems: _, preferences, usage, ...numbers } = report;
    return {
      ...numbers,
      usage: withoutClock(usage),
      preferencePairs: preferences,
      rankings: mixed.records.length,
      byAi: mixed.ai,
      byPeople: mixed.people,
      data: relative(run.path, data),
    };
  } finally {
    await session.close();
  }
}

/** AI labels and those of people in a ratio: all of whichever is short, as many of the other as that allows. */
export function mixLabels(
  ai: readonly object[],
  people: readonly Example[],
  share: number,
  seed: number,
): { readonly records: readonly object[]; readonly ai: number; readonly people: number } {
  const random = new Random(seed).fork('mix labels');
  const wanted = Math.round((ai.length * share) / (1 - share));
  const byPeople = Math.min(people.length, wanted);
  const byAi = byPeople < wanted ? Math.round((byPeople * (1 - share)) / share) : ai.length;
  const human = random
    .shuffled(people)
    .slice(0, byPeople)
    .flatMap((example) => convertExample(example, 'ranking', 'conversational').records);
  const labelled = random.shuffled(ai).slice(0, byAi);
  return { records: random.shuffled([...labelled, ...human]), ai: labelled.length, people: human.length };
}

function ownOptions(options: StageOf<'compare'>): ComparisonOptions {
  const keys = Object.keys(comparisonOptions.shape) as (keyof ComparisonOptions)[];
  return Object.fromEntries(keys.map((key) => [key, options[key]])) as ComparisonOptions;
}
