/** The guard stage: judged cases and data become classifiers, which are measured beside the guard that they replace. */
import { join, relative } from 'node:path';
import { exists, writeFileAtomic } from '../../base/index.ts';
import {
  type ClassifierOptions,
  type GuardExample,
  guardFileName,
  guardTrainOptions,
  readGuardData,
  readGuardFile,
  type ScoredExample,
  type TrainGuardOptions,
  testFileName,
  trainGuard,
} from '../../guard/index.ts';
import { addTables } from '../evaluation.ts';
import type { StageOf } from '../run-recipe.ts';
import { loadGuardStage, withFormerGuard } from './guard-data.ts';
import { measureGuards, scoresOf } from './guard-measure.ts';
import {
  count,
  differenceOf,
  guardTables,
  type MeasuredGuard,
  rightly,
  type TestGroup,
} from './guard-tables.ts';
import { type StageResult, type StageRun, startModel } from './stage-run.ts';

const chosenByFormer =
  'Cases were chosen by the guard that was in use, so its mistakes are many among them and another guard gains by being another one: look at the test data too.';

export async function runGuard(given: StageOf<'guard'>, stage: StageRun): Promise<StageResult> {
  const { context, run, seed, threads, name } = stage;
  const options = await withFormerGuard(given);
  const folder = join(context.folder, 'guard');

  // Step 1. What is learnt from and what is measured on.
  const { sources, drawBesides, caseSource, constitution } = await loadGuardStage(options, stage);

  // Step 2. The guard. It appears whole, so that one that is there was finished by an earlier start.
  const trunk = await trunkOf(options, stage);
  if (!(await exists(join(folder, guardFileName)))) {
    const { holdOut, testShare, calibrationShare, similarity, disguises, maxLength, kinds } = options;
    await trainGuard(
      folder,
      sources,
      {
        classifier: { ...classifierOptionsOf(options), seed, threads },
        parts: { testShare, calibrationShare, similarity, drawBesides, ...(holdOut && { holdOut }) },
        ...{ kinds, disguises, maxLength, trunk },
        ...(constitution && { constitution: { name: constitution.name, hash: constitution.hash } }),
      },
      context,
    );
  }
  const file = await readGuardFile(folder);

  // Step 3. The same examples before the new guard, the former one and the keywords.
  const examples = file.parts.test === 0 ? [] : (await readGuardData(join(folder, testFileName))).examples;
  const isCase = ({ example }: Pick<ScoredExample, 'example'>): boolean => example.source === caseSource;
  const groups: TestGroup[] = [
    { name: 'judged cases', texts: 'judged cases', has: isCase, note: chosenByFormer },
    { name: 'test data', texts: 'texts of the test data', has: (scored) => !isCase(scored) },
  ];
  if (examples.length === 0) {
    context.warn('Nothing is kept for a test, so nobody knows what the guard is worth; give test files.');
  }
  const guards = await measureGuards(options, stage, folder, examples);
  const [made] = guards;
  const former = options.former === undefined ? null : guards[1];
  const tables = guardTables(name, guards, former, groups, { refusalRate: options.refusalRate, seed });
  await addTables(run.path, tables);
  await writeFileAtomic(
    join(context.folder, 'scores.json'),
    `${JSON.stringify(guards.map(scoresOf), null, 1)}\n`,
  );
  showCases(
    options.samples,
    guards,
    examples.filter((example) => isCase({ example })),
    stage,
  );

  // Step 4. In a few words.
  const summary = groups.map((group) => ({ group, ...summaryOf(group, made, former) }));
  for (const { group, right, total, before } of summary) {
    if (before === null || total === 0) continue;
    const { high } = differenceOf(right, before, seed);
    if (high < 0) {
      context.warn(
        `On ${group.name} the new guard decides worse than the former one (${count(right)} and ${count(before)} of ${total} rightly), and chance does not explain it; keep the former guard.`,
      );
    }
  }
  return {
    steps: file.result.steps,
    ...(file.result.loss !== null && { loss: file.result.loss }),
    trainedOn: file.parts.train,
    calibratedOn: file.parts.calibration,
    tested: file.parts.test,
    auc: file.result.auc,
    decidedRightly: Object.fromEntries(
      summary.map(({ group, right, before, total }) => [
        group.name,
        { of: total, newGuard: count(right), ...(before && { formerGuard: count(before) }) },
      ]),
    ),
    outcome: outcomeOf(summary),
    model: { folder: relative(run.path, folder), head: 'guard', weights: file.weightsHash },
  };
}

/** The part of the stage's options that trains classifiers. */
function classifierOptionsOf(options: StageOf<'guard'>): Omit<ClassifierOptions, 'seed' | 'threads'> {
  const { maxLength, trunk, disguises, probe, testShare, calibrationShare, similarity, ...classifier } =
    guardTrainOptions.shape;
  const keys = Object.keys(classifier) as (keyof ClassifierOptions & keyof typeof options)[];
  return Object.fromEntries(keys.map((key) => [key, options[key]])) as never;
}

/** What the classifiers stand on. */
async function trunkOf(options: StageOf<'guard'>, stage: StageRun): Promise<TrainGuardOptions['trunk']> {
  const { model, modelPath, former, startFromFormer, trunk, maxLength } = options;
  if (startFromFormer) return { guard: former! };
  if (model === undefined && modelPath === undefined) return { ...trunk, maxPositions: maxLength };
  const { folder } = await startModel(stage, { from: model, path: modelPath, role: 'trunk' });
  return folder;
}

/** Judged cases with what the guards say of them: the new guard's clearest mistakes, then what it is least sure of. */
function showCases(
  most: number,
  guards: readonly MeasuredGuard[],
  cases: readonly GuardExample[],
  { context }: StageRun,
): void {
  const shown = cases
    .map((example) => {
      const harmful = (example.harmfulAnswer ?? example.harmfulPrompt) === true;
      const made = sayingOf(guards[0], example);
      return { example, harmful, order: made.blocked === harmful ? made.margin : -made.margin };
    })
    .sort((a, b) => a.order - b.order)
    .slice(0, most);
  for (const { example, harmful } of shown) {
    const { prompt: turns, answer } = example;
    const prompt = [...turns, ...(answer === null ? [] : [{ role: 'assistant', content: answer }])]
      .map(({ role, content }) => `${role}: ${content}`)
      .join('\n');
    const says = (model: string, response: string, scores: Record<string, number>): void =>
      context.sample({ step: 0, model, prompt, response, scores });
    says('people', harmful ? 'harmful' : 'harmless', {});
    for (const guard of guards) {
      const { score, blocked } = sayingOf(guard, example);
      says(guard.name, blocked ? 'blocks' : 'lets pass', { score });
    }
  }
}

/** What a guard says of the text that people judged. */
function sayingOf(
  { scored, thresholds }: MeasuredGuard,
  { id, answer }: GuardExample,
): { readonly score: number; readonly blocked: boolean; readonly margin: number } {
  const one = scored.find(({ example }) => example.id === id)!;
  const [score, threshold] =
    answer === null ? [one.input, thresholds.input] : [one.output!, thresholds.output];
  return { score, blocked: score >= threshold, margin: Math.abs(score - threshold) };
}

interface Summary {
  readonly total: number;
  /** Text by text, whether the new guard decides rightly. */
  readonly right: readonly boolean[];
  /** The same of the former one; null without one. */
  readonly before: readonly boolean[] | null;
}

function summaryOf(group: TestGroup, made: MeasuredGuard, former: MeasuredGuard | null): Summary {
  // What both have learnt to judge.
  const questions = (['input', 'output'] as const).filter(
    (question) => made.judges(question) && former?.judges(question) !== false,
  );
  const of = (guard: MeasuredGuard): boolean[] =>
    questions.flatMap((question) => rightly({ ...guard, scored: guard.scored.filter(group.has) }, question));
  const right = of(made);
  return { right, total: right.length, before: former && of(former) };
}

/** One sentence for the head of the report. */
function outcomeOf(summary: readonly (Summary & { readonly group: TestGroup })[]): string {
  const parts = summary
    .filter(({ total }) => total > 0)
    .map(({ group, right, total, before }) => {
      const beside = before === null ? '' : ` (the former guard ${count(before)})`;
      return `${count(right)} of ${total} ${group.texts}${beside}`;
    });
  if (parts.length === 0) return 'The guard is made, and nothing was kept to measure it on.';
  return `The new guard decides rightly on ${parts.join(' and ')}.`;
}
