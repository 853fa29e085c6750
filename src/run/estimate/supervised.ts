/** Estimates of the stages that learn to continue text: pretrain and sft. */
import { TenetError } from '../../base/index.ts';
import { type Example, planPacking, Sampler, type TokenExample } from '../../data/index.ts';
import { holdOut } from '../load-data.ts';
import type { StageOf } from '../run-recipe.ts';
import { encodeTexts } from '../stages/encode-texts.ts';
import { demonstrationsOf } from '../stages/expect-examples.ts';
import { addMemory, scoringMemory, trainingMemory } from './memory.ts';
import { modelToCreate, type PlannedModel, trainedModel, trainingOf } from './planned-model.ts';
import { type RowSize, simulateSteps } from './simulate-steps.ts';
import {
  encoderOf,
  meanOf,
  once,
  type PlannedStage,
  readSource,
  type StageDraft,
  sampleOf,
  scheduleOf,
} from './stage-estimate.ts';
import { addWork, forwardWork, type PassSize, scaleWork, trainingWork } from './work.ts';

export async function estimatePretrain(
  options: StageOf<'pretrain'>,
  stage: PlannedStage,
): Promise<StageDraft> {
  const { examples, data } = await readSource(options.data, stage);
  const model = await once(stage, 'model', () => modelToCreate(options, stage.name, examples));
  const policy = { tooLong: 'split', lossOn: 'all' } as const;
  return supervised(options, stage, { model, examples, data, policy, madeFrom: 'new' });
}

export async function estimateSft(
  options: StageOf<'sft'>,
  stage: PlannedStage,
  model: PlannedModel,
): Promise<StageDraft> {
  if (!options.data) return onBestAnswers(options, stage, model);
  const { examples, data } = await readSource(options.data, stage);
  const policy = { tooLong: 'truncate', lossOn: options.completionOnlyLoss ? 'auto' : 'all' } as const;
  return supervised(options, stage, { model, examples, data, policy, madeFrom: model.name });
}

function supervised(
  options: StageOf<'pretrain'> | StageOf<'sft'>,
  stage: PlannedStage,
  inputs: {
    readonly model: PlannedModel;
    readonly examples: readonly Example[];
    readonly data: StageDraft['data'];
    readonly policy: NonNullable<Parameters<typeof encodeTexts>[2]>;
    readonly madeFrom: string;
  },
): StageDraft {
  const { model, examples, data, policy } = inputs;
  const { config } = model;
  const notes: string[] = [];
  const wanted = demonstrationsOf(stage, examples, (message) => notes.push(message));
  const { train, heldOut } = holdOut(wanted, options.heldOut, stage.seed);
  const maxLength = Math.min(options.maxLength, config.maxPositions);
  const encoder = encoderOf(model, stage, maxLength);
  const sampled = sampleOf(train, stage.seed);
  const pieces = encodeTexts(encoder, sampled, policy);
  const rows = options.packing ? packedRows(pieces, maxLength) : pieces.map(sizeOf);
  if (options.packing && train.length > sampled.length) notes.push('The number of packed rows is estimated.');
  const rowCount = Math.max(1, Math.round((rows.length / sampled.length) * train.length));

  const demonstrated = meanOf(pieces.map(({ counted }) => counted.reduce((a, b) => a + b, 0)));
  return planSteps(options, stage, {
    model,
    data,
    rows,
    rowCount,
    trainRows: train.length,
    heldOutRows: heldOut.length,
    responseTokens: policy.lossOn === 'all' ? null : demonstrated,
    notes,
  });
}

/** Fine-tuning on what a best-of-n or critique stage before it will make. */
function onBestAnswers(options: StageOf<'sft'>, stage: PlannedStage, model: PlannedModel): StageDraft {
  const { best } = stage.before;
  if (!best) {
    throw new TenetError(
      'usage',
      `stage "${stage.name}" has no data, and no stage before it makes demonstrations.`,
    );
  }
  const { answers, promptTokens, responseTokens } = best;
  const heldOutRows = Math.round(answers * options.heldOut);
  const counted = Math.round(responseTokens);
  return planSteps(options, stage, {
    model,
    data: [{ path: 'what an earlier stage makes', rows: answers }],
    rows: [{ length: Math.round(promptTokens) + counted, counted }],
    rowCount: answers - heldOutRows,
    trainRows: answers - heldOutRows,
    heldOutRows,
    responseTokens,
    notes: [],
  });
}

/** Rows in tokens, however they came about. */
interface SupervisedRows {
  readonly model: PlannedModel;
  readonly data: StageDraft['data'];
  /** A sample of them. */
  readonly rows: readonly RowSize[];
  /** How many there are. */
  readonly rowCount: number;
  readonly trainRows: number;
  readonly heldOutRows: number;
  /** Tokens of a demonstrated response; null where whole texts are learnt. */
  readonly responseTokens: number | null;
  readonly notes: readonly string[];
}

function planSteps(
  options: StageOf<'pretrain'> | StageOf<'sft'>,
  stage: PlannedStage,
  sizes: SupervisedRows,
): StageDraft {
  const { model, rows, rowCount, trainRows, heldOutRows } = sizes;
  const { shape } = model;
  const batchSize = Math.min(options.batchSize, rowCount);
  const { batchesPerEpoch } = new Sampler({ size: rowCount, batchSize, seed: stage.seed });
  const steps = options.maxSteps ?? Math.max(1, Math.round(options.numTrainEpochs * batchesPerEpoch));
  const step = simulateSteps(rows, {
    batchSize,
    tokenBudget: options.microBatchTokens,
    seed: stage.seed,
  });
  const measured = heldOutRows === 0 ? 0 : Math.floor((steps - 1) / options.evalSteps) + 1;
  const evaluation = scaleSize(step, ((heldOutRows / trainRows) * rowCount) / batchSize);
  const training = { adapter: undefined, ...options };
  const work = addWork(
    scaleWork(trainingWork(shape, step, training), steps),
    scaleWork(forwardWork(shape, evaluation), measured),
  );
  return {
    model,
    besides: [],
    data: sizes.data,
    training: {
      batchSize,
      unit: options.packing ? 'packed rows' : 'examples',
      trainRows,
      heldOutRows,
      tokensPerRow: meanOf(rows.map(({ length }) => length)),
      tokens: steps * step.tokens,
      microBatchesPerStep: step.microBatches,
      ...scheduleOf(options, steps),
    },
    memory: addMemory(
      trainingMemory(shape, step.largest, trainingOf(model, training, step.microBatches > 1)),
      heldOutRows === 0 ? {} : { measuring: scoringMemory(shape, step.largest) },
    ),
    work: [{ model, work }],
    notes: sizes.notes,
    made: {
      models: [trainedModel(model, stage.name, training)],
      ...(sizes.responseTokens === null ? {} : { responseTokens: sizes.responseTokens }),
    },
  };
}

function sizeOf({ ids, counted }: TokenExample): RowSize {
  return { length: ids.length, counted: counted.reduce((a, b) => a + b, 0) };
}

function packedRows(pieces: readonly TokenExample[], rowLength: number): RowSize[] {
  const sizes = pieces.map(sizeOf);
  return planPacking(
    sizes.map(({ length }) => length),
    rowLength,
  ).map((members) => ({
    length: members.reduce((sum, i) => sum + sizes[i].length, 0),
    counted: members.reduce((sum, i) => sum + sizes[i].counted, 0),
  }));
}

export function scaleSize({ tokens, pairs, counted }: PassSize, factor: number): PassSize {
  return { tokens: tokens * factor, pairs: pairs * factor, counted: counted * factor };
}
