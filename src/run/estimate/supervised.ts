/** Estimates of the stages that learn to continue text: pretrain and sft. */
import { type Example, planPacking, Sampler, type TokenExample } from '../../data/index.ts';
import { holdOut } from '../load-data.ts';
import type { StageOf } from '../run-recipe.ts';
import { encodeTexts } from '../stages/encode-texts.ts';
import { demonstrationsOf } from '../stages/expect-examples.ts';
import { addMemory, scoringMemory, trainingMemory } from './memory.ts';
import { modelToCreate, type PlannedModel } from './planned-model.ts';
import { type RowSize, simulateSteps } from './simulate-steps.ts';
import {
  encoderOf,
  meanOf,
  type PlannedStage,
  readSource,
  type StageDraft,
  sampleOf,
} from './stage-estimate.ts';
import { addWork, forwardWork, type PassSize, scaleWork, trainingWork } from './work.ts';

export async function estimatePretrain(
  options: StageOf<'pretrain'>,
  stage: PlannedStage,
): Promise<StageDraft> {
  const { examples, data } = await readSource(options.data, stage);
  const model = await modelToCreate(options, stage.name, examples);
  const policy = { tooLong: 'split', lossOn: 'all' } as const;
  return supervised(options, stage, { model, examples, data, policy, madeFrom: 'new' });
}

export async function estimateSft(
  options: StageOf<'sft'>,
  stage: PlannedStage,
  model: PlannedModel,
): Promise<StageDraft> {
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
  const { shape, config } = model;
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

  const batchSize = Math.min(options.batchSize, rowCount);
  const { batchesPerEpoch } = new Sampler({ size: rowCount, batchSize, seed: stage.seed });
  const steps = options.maxSteps ?? Math.max(1, Math.round(options.numTrainEpochs * batchesPerEpoch));
  const step = simulateSteps(rows, {
    batchSize,
    tokenBudget: options.microBatchTokens,
    seed: stage.seed,
  });
  const measured = heldOut.length === 0 ? 0 : Math.floor((steps - 1) / options.evalSteps) + 1;
  const evaluation = scaleSize(step, ((heldOut.length / train.length) * rowCount) / batchSize);
  const work = addWork(
    scaleWork(trainingWork(shape, step), steps),
    scaleWork(forwardWork(shape, evaluation), measured),
  );
  const demonstrated = meanOf(pieces.map(({ counted }) => counted.reduce((a, b) => a + b, 0)));
  const isWholeText = policy.lossOn === 'all';
  return {
    model,
    besides: [],
    data,
    training: {
      steps,
      batchSize,
      unit: options.packing ? 'packed rows' : 'examples',
      trainRows: train.length,
      heldOutRows: heldOut.length,
      tokensPerRow: meanOf(rows.map(({ length }) => length)),
      tokens: steps * step.tokens,
      microBatchesPerStep: step.microBatches,
      learningRate: options.learningRate,
      schedule: options.lrSchedulerType,
      warmupSteps: Math.ceil(options.warmupRatio * steps),
    },
    memory: addMemory(
      trainingMemory(shape, step.largest, { severalMicroBatches: step.microBatches > 1 }),
      heldOut.length === 0 ? {} : { measuring: scoringMemory(shape, step.largest) },
    ),
    work: [{ model, work }],
    notes,
    made: {
      models: [{ ...model, name: stage.name }],
      ...(isWholeText ? {} : { responseTokens: demonstrated }),
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
