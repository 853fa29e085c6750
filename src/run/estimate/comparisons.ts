/** Estimates of the stages that learn from judgements: reward models, and the methods without one. */
import { TenetError } from '../../base/index.ts';
import { type RankingExample, Sampler } from '../../data/index.ts';
import { holdOut } from '../load-data.ts';
import type { StageOf } from '../run-recipe.ts';
import { judgedResponses } from '../stages/kto.ts';
import type { PairStage } from '../stages/pair-methods.ts';
import { addMemory, scoringMemory, trainingMemory } from './memory.ts';
import { type PlannedModel, referenceWeights, trainedModel, trainingOf } from './planned-model.ts';
import { type RowSize, type StepSize, simulateSteps } from './simulate-steps.ts';
import {
  encoderOf,
  meanOf,
  type PlannedData,
  type PlannedStage,
  readSource,
  type StageDraft,
  sampleOf,
  scheduleOf,
} from './stage-estimate.ts';
import { scaleSize } from './supervised.ts';
import { addWork, forwardWork, scaleWork, trainingWork } from './work.ts';

type ComparingStage = StageOf<'reward'> | PairStage | StageOf<'kto'>;

/** Comparisons by number, with the responses of a sample of them. */
interface ComparisonSizes {
  readonly data: readonly PlannedData[];
  readonly train: number;
  readonly heldOut: number;
  /** Responses of one comparison, on average. */
  readonly responses: number;
  /** Prompt and response of each response of the sample. */
  readonly rows: readonly RowSize[];
  readonly notes: readonly string[];
}

export async function estimateReward(
  options: StageOf<'reward'>,
  stage: PlannedStage,
  model: PlannedModel,
): Promise<StageDraft> {
  const sizes = await comparisonSizes(options, stage, model);
  // Only the last token's hidden state goes to the head, so nothing of vocabulary width is computed.
  const rows = sizes.rows.map(({ length, counted }) => ({ length, counted: 0, response: counted }));
  const { steps, step, measured, heldOutSize, training } = planSteps(
    options,
    stage,
    { ...sizes, rows },
    'rankings',
  );
  const { shape } = model;
  return {
    model,
    besides: [],
    data: sizes.data,
    training,
    memory: addMemory(
      trainingMemory(shape, step.largest, trainingOf(model, options, step.microBatches > 1)),
      {
        scoring: scoringMemory(shape, scorerBatch(step, options)),
      },
    ),
    work: [
      {
        model,
        work: addWork(
          scaleWork(trainingWork(shape, step, options), steps),
          scaleWork(forwardWork(shape, heldOutSize), measured),
        ),
      },
    ],
    notes: sizes.notes,
    made: { models: [{ ...trainedModel(model, stage.name, options), head: 'reward' }] },
  };
}

export async function estimatePairs(
  options: PairStage,
  stage: PlannedStage,
  model: PlannedModel,
): Promise<StageDraft> {
  const asPairs = pairsFrom(await comparisonSizes(options, stage, model));
  const { steps, step, measured, heldOutSize, training } = planSteps(options, stage, asPairs, 'pairs');
  const { shape } = model;
  const onePass = scaleSize(step, asPairs.train / training.batchSize);
  const hasReference = options.type === 'dpo';
  const keepsReference = options.type === 'dpo' && !options.precomputeRefLogProbs;
  // The reference judges all pairs once, or those of each step in that step.
  const judged = keepsReference ? scaleSize(step, steps) : onePass;
  return {
    model,
    besides: keepsReference
      ? ['a copy of the model as reference, which judges the pairs of each step']
      : hasReference
        ? ['the reference log-probabilities are computed once, before the first step']
        : [],
    data: asPairs.data,
    training,
    memory: addMemory(
      trainingMemory(shape, step.largest, trainingOf(model, options, step.microBatches > 1)),
      { scoring: scoringMemory(shape, hasReference ? scorerBatch(step, options) : step.largest) },
      keepsReference ? { weights: referenceWeights(model, options) } : {},
    ),
    work: [
      {
        model,
        work: addWork(
          scaleWork(trainingWork(shape, step, options), steps),
          scaleWork(forwardWork(shape, judged), hasReference ? 1 : 0),
          scaleWork(forwardWork(shape, heldOutSize), measured + (hasReference ? 1 : 0)),
        ),
      },
    ],
    notes: asPairs.notes,
    made: { models: [trainedModel(model, stage.name, options)] },
  };
}

export async function estimateKto(
  options: StageOf<'kto'>,
  stage: PlannedStage,
  model: PlannedModel,
): Promise<StageDraft> {
  const sizes = await judgedSizes(options, stage, model);
  const { steps, step, measured, heldOutSize, training } = planSteps(options, stage, sizes, 'responses');
  const { shape } = model;
  // Each step passes over as many mismatched responses; the reference judges both kinds once.
  const passes = options.lossType === 'kto' ? 2 : 1;
  const onePass = scaleSize(step, sizes.train / training.batchSize);
  return {
    model,
    besides: ['the reference log-probabilities are computed once, before the first step'],
    data: sizes.data,
    training,
    memory: addMemory(
      trainingMemory(shape, step.largest, trainingOf(model, options, step.microBatches > 1)),
      {
        scoring: scoringMemory(shape, scorerBatch(step, options)),
      },
    ),
    work: [
      {
        model,
        work: addWork(
          scaleWork(trainingWork(shape, step, options), steps),
          scaleWork(forwardWork(shape, step), steps * (passes - 1)),
          scaleWork(forwardWork(shape, onePass), passes),
          scaleWork(forwardWork(shape, heldOutSize), (measured + 1) * passes),
        ),
      },
    ],
    notes: sizes.notes,
    made: { models: [trainedModel(model, stage.name, options)] },
  };
}

/** K responses in order make K (K − 1) / 2 pairs, each with two rows of its own. */
function pairsFrom(sizes: ComparisonSizes): ComparisonSizes {
  const pairsPerRanking = (sizes.responses * (sizes.responses - 1)) / 2;
  return {
    ...sizes,
    train: Math.round(sizes.train * pairsPerRanking),
    heldOut: Math.round(sizes.heldOut * pairsPerRanking),
    responses: 2,
  };
}

/** Single responses: those of the data, or those of the comparisons that the rankings stage collects. */
async function judgedSizes(
  options: StageOf<'kto'>,
  stage: PlannedStage,
  model: PlannedModel,
): Promise<ComparisonSizes> {
  if (!options.data) {
    const sizes = await comparisonSizes(options, stage, model);
    const { responses } = sizes;
    return {
      ...sizes,
      train: Math.round(sizes.train * responses),
      heldOut: Math.round(sizes.heldOut * responses),
      responses: 1,
    };
  }
  const { examples, data } = await readSource(options.data, stage);
  const notes: string[] = [];
  const judged = judgedResponses(stage, examples, (message) => notes.push(message));
  const { train, heldOut } = holdOut(judged, options.heldOut, stage.seed);
  const encoder = encoderOf(model, stage, Math.min(options.maxLength, model.config.maxPositions));
  const sampled = sampleOf(train, stage.seed);
  const rows = sampled.flatMap((example) => {
    const encoded = encoder.encodeJudged(example);
    return encoded
      ? [{ length: encoded.prompt.length + encoded.response.length, counted: encoded.response.length }]
      : [];
  });
  const kept = rows.length / sampled.length;
  if (rows.length === 0) throw nothingFits(stage, sampled.length, options.maxLength);
  return {
    data,
    train: Math.round(train.length * kept),
    heldOut: Math.round(heldOut.length * kept),
    responses: 1,
    rows,
    notes,
  };
}

function nothingFits(stage: PlannedStage, sampled: number, maxLength: number): TenetError {
  return new TenetError(
    'preflight',
    `stage "${stage.name}": none of ${sampled} examples fits into maxLength ${maxLength}; raise it.`,
  );
}

function planSteps(
  options: ComparingStage,
  stage: PlannedStage,
  sizes: ComparisonSizes,
  unit: 'rankings' | 'pairs' | 'responses',
) {
  const batchSize = Math.min(options.batchSize, sizes.train);
  const { batchesPerEpoch } = new Sampler({ size: sizes.train, batchSize, seed: stage.seed });
  const steps = options.maxSteps ?? Math.max(1, Math.round(options.numTrainEpochs * batchesPerEpoch));
  const step = simulateSteps(sizes.rows, {
    batchSize: Math.round(batchSize * sizes.responses),
    tokenBudget: options.microBatchTokens,
    seed: stage.seed,
    ...(unit !== 'responses' && { perPrompt: Math.round(sizes.responses), together: true }),
  });
  return {
    steps,
    step,
    measured: sizes.heldOut === 0 ? 0 : Math.floor((steps - 1) / options.evalSteps) + 1,
    heldOutSize: scaleSize(step, sizes.heldOut / batchSize),
    training: {
      batchSize,
      unit,
      trainRows: sizes.train,
      heldOutRows: sizes.heldOut,
      tokensPerRow: sizes.responses * meanOf(sizes.rows.map(({ length }) => length)),
      tokens: steps * step.tokens,
      microBatchesPerStep: step.microBatches,
      ...scheduleOf(options, steps),
    },
  };
}

/** From the stage's data, or what the rankings stage before it will collect. */
async function comparisonSizes(
  options: ComparingStage,
  stage: PlannedStage,
  model: PlannedModel,
): Promise<ComparisonSizes> {
  const { rankings } = stage.before;
  if (!options.data) {
    if (!rankings)
      throw new TenetError('usage', `stage "${stage.name}" has no data and no rankings stage before it.`);
    const { responses, promptTokens, responseTokens } = rankings;
    const heldOut = Math.round(rankings.rankings * options.heldOut);
    const length = Math.round(promptTokens + responseTokens);
    return {
      data: [{ path: 'what an earlier stage makes', rows: rankings.rankings }],
      train: rankings.rankings - heldOut,
      heldOut,
      responses,
      rows: [{ length, counted: Math.round(responseTokens) }],
      notes: [],
    };
  }
  const { examples, data } = await readSource(options.data, stage);
  const wrong = examples.find(({ kind }) => kind !== 'ranking');
  if (wrong) {
    throw new TenetError(
      'data',
      `stage "${stage.name}" needs preferences or rankings, but its data holds ${wrong.kind} records; "tenet data check" says what a file is.`,
    );
  }
  const { train, heldOut } = holdOut(examples as readonly RankingExample[], options.heldOut, stage.seed);
  const encoder = encoderOf(model, stage, Math.min(options.maxLength, model.config.maxPositions));
  const sampled = sampleOf(train as readonly RankingExample[], stage.seed);
  const encoded = sampled.flatMap((example) => encoder.encodeRanking(example) ?? []);
  const kept = encoded.length / sampled.length;
  if (kept === 0) throw nothingFits(stage, sampled.length, options.maxLength);
  return {
    data,
    train: Math.round(train.length * kept),
    heldOut: Math.round(heldOut.length * kept),
    responses: meanOf(encoded.map(({ responses }) => responses.length)),
    rows: encoded.flatMap(({ prompt, responses }) =>
      responses.map((response) => ({ length: prompt.length + response.length, counted: response.length })),
    ),
    notes:
      kept < 1
        ? [
            `About ${Math.round(100 * (1 - kept))} % of the comparisons are longer than maxLength and left out.`,
          ]
        : [],
  };
}

/**
 * Scorers take a micro-batch at once.
 * @param most tokens that there are to score. Default: more
 */
export function scorerBatch(
  { largest }: Pick<StepSize, 'largest'>,
  { microBatchTokens }: { readonly microBatchTokens: number },
  most = Number.POSITIVE_INFINITY,
): StepSize['largest'] {
  const tokens = Math.min(microBatchTokens, most);
  const factor = largest.tokens === 0 ? 0 : tokens / largest.tokens;
  return { ...largest, tokens, counted: largest.counted * factor };
}
