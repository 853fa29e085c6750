/** The estimate of the guard stage. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  exportCases,
  type GuardSource,
  headNames,
  makeTrunk,
  mostMeasured,
  partExamples,
  plannedLengths,
  readGuardData,
  readGuardSources,
} from '../../guard/index.ts';
import { openStore } from '../../store/index.ts';
import type { StageOf } from '../run-recipe.ts';
import { guardInputsOf, partsOfCases, testOfFormer, withFormerGuard } from '../stages/guard-data.ts';
import { addMemory, scoringMemory, trainingMemory } from './memory.ts';
import { shapeOf } from './model-shape.ts';
import { modelInFolder, type PlannedModel, trainingOf } from './planned-model.ts';
import { simulateSteps } from './simulate-steps.ts';
import {
  meanOf,
  once,
  type PlannedData,
  type PlannedStage,
  type StageDraft,
  sampleOf,
  scheduleOf,
} from './stage-estimate.ts';
import { scaleSize } from './supervised.ts';
import { addWork, forwardWork, scaleWork, trainingWork } from './work.ts';

/** @param named the model that the recipe names for the guard to stand on; null without one */
export async function estimateGuard(
  given: StageOf<'guard'>,
  stage: PlannedStage,
  named: PlannedModel | null,
): Promise<StageDraft> {
  const options = await withFormerGuard(given);
  const { sources, data, drawBesides } = await once(stage, 'sources', () => sourcesOf(options));
  const { testShare, calibrationShare, similarity, holdOut, kinds, disguises } = options;
  const of = (use: GuardSource['use']) => sources.flatMap((one) => (one.use === use ? one.examples : []));
  const parts = await once(stage, 'parts', async () =>
    partExamples(of('train'), of('test'), {
      ...{ testShare, calibrationShare, similarity, seed: stage.seed, drawBesides },
      ...(holdOut && { holdOut }),
    }),
  );
  const model = named ?? (await once(stage, 'model', () => ownModel(options, stage, parts.train)));
  const maxLength = Math.min(options.maxLength, model.config.maxPositions);
  const sample = sampleOf(parts.train, stage.seed);
  const lengths = await once(stage, 'lengths', async () =>
    plannedLengths(sample, model.tokenizer, { kinds, maxLength, disguises, seed: stage.seed }),
  );
  const perExample = lengths.length / Math.max(1, sample.length);
  const [trainRows, heldOutRows] = [parts.train, parts.calibration].map(({ length }) =>
    Math.round(perExample * length),
  );
  const counted = (length: number): number => (options.languageModelCoef > 0 ? length - 1 : 0);
  const rows = lengths.map((length) => ({ length, counted: counted(length) }));
  const batchSize = Math.max(1, Math.min(options.batchSize, trainRows));
  const steps = options.maxSteps ?? Math.max(1, Math.round((options.numTrainEpochs * trainRows) / batchSize));
  const step = simulateSteps(rows, { batchSize, tokenBudget: options.microBatchTokens, seed: stage.seed });
  const measured = Math.floor(steps / options.evalSteps) + 2;
  const { shape } = model;
  return {
    model,
    besides: [
      ...(options.former === undefined
        ? []
        : [`former guard: ${options.former}, measured beside the new one`]),
      ...(options.generate ? [`further data: written by ${options.generate.model}`] : []),
    ],
    data,
    training: {
      ...{ batchSize, unit: 'examples', trainRows, heldOutRows },
      tokensPerRow: meanOf(lengths),
      tokens: steps * step.tokens,
      microBatchesPerStep: step.microBatches,
      ...scheduleOf(options, steps),
    },
    memory: addMemory(
      trainingMemory(shape, step.largest, trainingOf(model, options, step.microBatches > 1)),
      { measuring: scoringMemory(shape, { ...step.largest, counted: 0 }) },
    ),
    work: [
      {
        model,
        work: addWork(
          scaleWork(trainingWork(shape, step, options), steps),
          scaleWork(
            forwardWork(shape, {
              ...scaleSize(step, Math.min(mostMeasured, heldOutRows) / batchSize),
              counted: 0,
            }),
            measured,
          ),
        ),
      },
    ],
    notes: [
      'Reading the test with the finished guards comes on top.',
      ...(options.generate ? ['What the model writes is not counted, nor is the time that it takes.'] : []),
    ],
  };
}

/** The files and the judged cases, as the stage will read them. */
async function sourcesOf(options: StageOf<'guard'>): Promise<{
  readonly sources: readonly GuardSource[];
  readonly data: readonly PlannedData[];
  readonly drawBesides: boolean;
}> {
  const named = await readGuardSources(guardInputsOf(options));
  const former = await testOfFormer(options, named);
  const files: readonly GuardSource[] = former ? [...named, former] : named;
  const data = files.map(({ path, examples }) => ({ path, rows: examples.length }));
  const drawBesides = !files.some(({ use }) => use === 'test');
  if (!options.cases) return { sources: files, data, drawBesides };
  const { store: address, project, testShare, weight } = options.cases;
  const folder = await mkdtemp(join(tmpdir(), 'tenet-plan-'));
  const store = await openStore(address, { mustExist: true });
  try {
    const file = join(folder, 'cases.jsonl');
    const { rows } = await exportCases(store, project, file, { testShare });
    const cases = rows === 0 ? [] : partsOfCases(await readGuardData(file), weight);
    return {
      drawBesides,
      sources: [...files, ...cases],
      data: [...data, { path: `judged cases of project ${project}`, rows }],
    };
  } finally {
    await store.close();
    await rm(folder, { recursive: true });
  }
}

/** The guard that goes on, or a new trunk. */
async function ownModel(
  { former, startFromFormer, trunk, kinds, maxLength }: StageOf<'guard'>,
  stage: PlannedStage,
  examples: readonly GuardSource['examples'][number][],
): Promise<PlannedModel> {
  if (startFromFormer) return modelInFolder(former!, { name: 'former guard', head: 'reward' });
  const { config, tokenizer } = await makeTrunk({ ...trunk, maxPositions: maxLength }, examples, {
    heads: headNames(kinds, []),
    seed: stage.seed,
  });
  const weights = { base: `stage ${stage.name}`, own: 0 };
  return { name: 'new', head: 'reward', config, shape: shapeOf(config), tokenizer, weights };
}
