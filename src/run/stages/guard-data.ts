/** What a guard stage learns from and is measured on: files, judged cases of the ledger, data that a model writes. */
import { join } from 'node:path';
import { exists, hashFile, TenetError } from '../../base/index.ts';
import { type Constitution, DEFAULT_CONSTITUTION, loadConstitution } from '../../constitution/index.ts';
import { writeRecords } from '../../data/index.ts';
import {
  exportCases,
  type GuardData,
  type GuardInputs,
  type GuardSource,
  generateGuardData,
  guardFileName,
  readGuardData,
  readGuardFile,
  readGuardSources,
  testFileName,
  toGuardRow,
} from '../../guard/index.ts';
import { openModel } from '../../llm/index.ts';
import { openStore, readSelectionFile } from '../../store/index.ts';
import { findGuard } from '../find-guard.ts';
import type { InputRecord } from '../manifest.ts';
import type { StageOf } from '../run-recipe.ts';
import { constitutionInput, criticSpec, storeAddress } from './feedback.ts';
import type { StageRun } from './stage-run.ts';

/** The options with the former guard's own folder, where a run is named that made it. */
export async function withFormerGuard(options: StageOf<'guard'>): Promise<StageOf<'guard'>> {
  return options.former === undefined ? options : { ...options, former: await findGuard(options.former) };
}

export interface StageGuardData {
  readonly sources: readonly GuardSource[];
  /** True: nothing but judged cases is for tests so far, so that families of the data are drawn besides. */
  readonly drawBesides: boolean;
  /** Source of the judged cases among the examples; null without any. */
  readonly caseSource: string | null;
  readonly constitution: Constitution | null;
}

/** Loads everything, and records it as inputs of the run. */
export async function loadGuardStage(options: StageOf<'guard'>, stage: StageRun): Promise<StageGuardData> {
  const { run, name } = stage;
  const constitution =
    options.constitution === undefined && !options.generate
      ? null
      : await loadConstitution(options.constitution ?? DEFAULT_CONSTITUTION);
  if (constitution) await run.recordInputs([constitutionInput(constitution, `${name} constitution`)]);

  const files = await loadFiles(options, stage);
  const former = await recordFormer(options, stage, files);
  const written = options.generate && constitution ? await loadWritten(options, stage, constitution) : [];
  const cases = options.cases ? await loadCases(options.cases, stage) : [];
  const others = [...files, ...former, ...written];
  return {
    sources: [...others, ...cases],
    drawBesides: !others.some(({ use, examples }) => use === 'test' && examples.length > 0),
    caseSource: options.cases ? caseSourceOf(options.cases.project) : null,
    constitution,
  };
}

function caseSourceOf(project: string): string {
  return `ledger:${project}`;
}

/** The files that the stage names. */
export function guardInputsOf(options: StageOf<'guard'>): GuardInputs {
  const list = (value: string | readonly string[] | undefined): readonly string[] =>
    value === undefined ? [] : [value].flat();
  return {
    data: list(options.labelled),
    harmful: list(options.harmful),
    harmless: list(options.harmless),
    harmfulAnswers: list(options.harmfulAnswers),
    harmlessAnswers: list(options.harmlessAnswers),
    test: list(options.test),
    testHarmful: list(options.testHarmful),
    testHarmless: list(options.testHarmless),
  };
}

async function loadFiles(options: StageOf<'guard'>, { run, name }: StageRun): Promise<GuardSource[]> {
  const sources: GuardSource[] = [];
  for (const [option, paths] of Object.entries(guardInputsOf(options))) {
    for (const [i, path] of (paths as readonly string[]).entries()) {
      const [source] = await readGuardSources({ [option]: [path] });
      const number = paths.length === 1 ? '' : ` ${i + 1}`;
      await run.recordInputs([
        await inputOf(source, `${name} ${option === 'data' ? 'labelled' : option}${number}`),
      ]);
      sources.push(source);
    }
  }
  return sources;
}

async function inputOf({ path, hash, examples }: GuardSource, name: string): Promise<InputRecord> {
  const labels = await readSelectionFile(path, hash);
  return { kind: 'data', name, path, hash, rows: examples.length, ...(labels !== null && { labels }) };
}

/** What the former guard has kept for tests and so never seen, where the recipe names no test of its own; else null. */
export async function testOfFormer(
  { former, cases }: StageOf<'guard'>,
  files: readonly GuardSource[],
): Promise<GuardSource | null> {
  if (former === undefined || files.some(({ use }) => use === 'test')) return null;
  if ((await readGuardFile(former)).parts.test === 0) return null;
  const { path, hash, examples } = await readGuardData(join(former, testFileName));
  // Of judged cases the ledger has the newest word.
  const kept = examples.filter(({ source }) => !cases || source !== caseSourceOf(cases.project));
  return kept.length === 0 ? null : { path, hash, use: 'test', examples: kept };
}

async function recordFormer(
  options: StageOf<'guard'>,
  { run, name, context }: StageRun,
  files: readonly GuardSource[],
): Promise<GuardSource[]> {
  const { former } = options;
  if (former === undefined) return [];
  const { weightsHash, data, probe } = await readGuardFile(former);
  // Probes have no model of their own, but all that they are stands in one file.
  const file = join(former, guardFileName);
  await run.recordInputs([
    {
      name: `${name} former guard`,
      ...(probe
        ? { kind: 'data', path: file, hash: await hashFile(file) }
        : { kind: 'model', path: former, hash: weightsHash }),
    },
  ]);
  const source = await testOfFormer(options, files);
  const isDrawn =
    options.holdOut !== undefined || (source === null && !files.some(({ use }) => use === 'test'));
  for (const { path, hash, use } of files) {
    if (!data.some((one) => one.use === 'train' && one.hash === hash)) continue;
    if (use === 'test') {
      context.warn(`The former guard was trained on ${path}; what is reported of it there is too good.`);
    } else if (isDrawn) {
      context.warn(
        `The former guard may have been trained on what is kept of ${path} for the test; what is reported of it there may be too good.`,
      );
    }
  }
  if (source === null) return [];
  await run.recordInputs([await inputOf(source, `${name} former guard’s test`)]);
  return [source];
}

/** Judged cases that are trained on, and those that are kept for the test. */
export function partsOfCases(
  { path, hash, examples }: GuardData,
  weight: number,
): [train: GuardSource, test: GuardSource] {
  const of = (use: GuardSource['use']) => examples.filter(({ split }) => split === use);
  return [
    { path, hash, use: 'train', examples: of('train').map((example) => ({ ...example, weight })) },
    { path, hash, use: 'test', examples: of('test') },
  ];
}

/**
 * Judged cases as they are at the first start of the stage: people go on judging, and a stage that is resumed ends as one
 * that never was stopped.
 */
async function loadCases(
  { store: address, project, testShare, weight }: NonNullable<StageOf<'guard'>['cases']>,
  { run, name, context }: StageRun,
): Promise<GuardSource[]> {
  const file = join(context.folder, 'cases.jsonl');
  // Which labels they are of is written last.
  if (!(await exists(`${file}.ledger.json`))) {
    const store = await openStore(address, { mustExist: true });
    try {
      const { rows } = await exportCases(store, project, file, { testShare });
      if (rows === 0) {
        throw new TenetError(
          'usage',
          `stage "${name}": people are divided about every judged case of project ${project}; more labels or an adjudicator decide.`,
        );
      }
    } finally {
      await store.close();
    }
  }
  const cases = await readGuardData(file);
  await run.recordInputs([await inputOf({ ...cases, use: 'train' }, `${name} judged cases of ${project}`)]);
  const [train, test] = partsOfCases(cases, weight);
  for (const [part, what] of [
    [train, 'trained on'],
    [test, 'kept for the test'],
  ] as const) {
    if (part.examples.length > 0) continue;
    context.warn(
      `None of ${cases.examples.length} judged cases is ${what}; cases.testShare says how many are kept.`,
    );
  }
  return [train, test];
}

/** What the model has written is kept, so that a stage that is resumed does not pay for it again. */
async function loadWritten(
  { generate }: StageOf<'guard'>,
  stage: StageRun,
  constitution: Constitution,
): Promise<GuardSource[]> {
  const { run, name, context, seed } = stage;
  const file = join(context.folder, 'synthetic.jsonl');
  if (!(await exists(file))) {
    const { model: writer, ...wanted } = generate!;
    const spec = await criticSpec(stage, writer, 'writer');
    const store = await openStore(storeAddress(run.path, undefined));
    try {
      const cache = spec.startsWith('local:') ? undefined : store.calls;
      const model = await openModel(spec, { cache, engine: { threads: stage.threads } });
      try {
        const { examples, left } = await generateGuardData(constitution, model, {
          ...{ ...wanted, seed, signal: context.signal },
          onProgress: (done, total) => context.progress(done, Math.ceil(total)),
        });
        if (examples.length === 0) {
          throw new TenetError(
            'data',
            `stage "${name}": ${writer} wrote nothing that a guard could learn from${left.reason ? `; the first question failed: ${left.reason}` : ''}.`,
          );
        }
        if (left.failed > 0) {
          context.warn(`${left.failed} questions to ${writer} came to nothing, the first: ${left.reason}`);
        }
        await writeRecords(file, examples.map(toGuardRow));
      } finally {
        await model.close();
      }
    } finally {
      await store.close();
    }
  }
  const source = { ...(await readGuardData(file)), use: 'train' } as const;
  await run.recordInputs([await inputOf(source, `${name} generated`)]);
  return [source];
}
