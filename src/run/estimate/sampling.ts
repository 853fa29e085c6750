/** Estimates of the stages in which models write. */
import { TenetError } from '../../base/index.ts';
import { iterationsOf } from '../../train/index.ts';
import type { DataSource, StageOf } from '../run-recipe.ts';
import { limitOf, type ResponseLimit } from '../stages/encode-prompts.ts';
import type { PolicyStage } from '../stages/policy-methods.ts';
import { scorerBatch } from './comparisons.ts';
import { addMemory, cacheMemory, type Memory, scoringMemory, trainingMemory } from './memory.ts';
import {
  heldWeights,
  type PlannedModel,
  referenceWeights,
  trainedModel,
  trainingOf,
} from './planned-model.ts';
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
import { addWork, forwardWork, generationWork, scaleWork, trainingWork } from './work.ts';

/** Sequences that the generator decodes at once, and prompt tokens that it reads at once. */
export const generatorRows = 64;
const promptTokenBudget = 8192;
/** Where nothing is trained, scorers take their own default. */
const wholeBudget = { microBatchTokens: promptTokenBudget / 2 };

export interface PromptSizes {
  readonly data: readonly PlannedData[];
  /** Prompts that fit. */
  readonly count: number;
  /** Tokens of each prompt of a sample. */
  readonly lengths: readonly number[];
  readonly responseTokens: number;
  readonly notes: readonly string[];
}

/** What gives rewards. */
export interface PlannedScorer {
  /** For the plan, e.g. `reward model: reward`. */
  readonly label: string;
  /** null: it computes elsewhere, or next to nothing. */
  readonly model: PlannedModel | null;
}

/** The models of a stage in which a policy is scored. */
export interface PracticeModels {
  readonly policy: PlannedModel;
  readonly scorers: readonly PlannedScorer[];
}

export async function estimateRankings(
  options: StageOf<'rankings'>,
  stage: PlannedStage,
  model: PlannedModel,
): Promise<StageDraft> {
  const prompts = await promptSizes(options, stage, model);
  const promptTokens = meanOf(prompts.lengths);
  const { responseTokens } = prompts;
  const responses = prompts.count * options.responses;
  const work = generationWork(model.shape, {
    sequences: responses,
    promptTokens,
    perPrompt: options.responses,
    newTokens: responseTokens,
  });
  return {
    model,
    besides: [],
    data: prompts.data,
    sampling: { prompts: prompts.count, responses, promptTokens, responseTokens },
    memory: generatorMemory(model, prompts, options.responseLength),
    work: [{ model, work }],
    decodeRows: Math.min(generatorRows, responses),
    notes: prompts.notes,
    made: {
      rankings: {
        rankings: prompts.count * options.overlap,
        responses: options.responses,
        promptTokens,
        responseTokens,
      },
    },
  };
}

export async function estimatePpo(
  options: StageOf<'ppo'>,
  stage: PlannedStage,
  models: PracticeModels,
): Promise<StageDraft> {
  const { policy, scorers } = models;
  const prompts = await promptSizes(options, stage, policy);
  const promptTokens = meanOf(prompts.lengths);
  const { responseTokens } = prompts;
  const iterations = Math.ceil(options.totalEpisodes / options.batchSize);
  const rows = rowsOf(prompts);
  const sizes = { batchSize: options.batchSize, tokenBudget: options.microBatchTokens, seed: stage.seed };
  const batch = simulateSteps(rows, sizes);
  const withoutOutput = { ...batch, counted: 0 }; // values and rewards need no vocabulary
  const separate = options.valueModel === 'separate';

  // One iteration: sample, score with policy, reference, reward model and value function, then a few passes.
  const policyWork = addWork(
    generationWork(policy.shape, {
      sequences: options.batchSize,
      promptTokens,
      newTokens: responseTokens,
    }),
    scaleWork(forwardWork(policy.shape, batch), 2),
    scaleWork(trainingWork(policy.shape, batch, options), options.numPpoEpochs),
  );
  const valueWork = separate
    ? addWork(
        forwardWork(policy.shape, withoutOutput),
        scaleWork(trainingWork(policy.shape, withoutOutput, options), options.numPpoEpochs),
      )
    : scaleWork(forwardWork(policy.shape, withoutOutput), 0);

  const severalMicroBatches = batch.microBatches > options.numMiniBatches;
  const training = trainingOf(policy, options, severalMicroBatches);
  const trained = trainingMemory(policy.shape, batch.largest, training);
  const valueTrained = trainingMemory(policy.shape, { ...batch.largest, counted: 0 }, training);
  const valueStart = modelsOf(scorers)[0] ?? policy;
  const scorer = scorerBatch(batch, options, batch.tokens);
  const noOutput = { ...scorer, counted: 0 };
  const memory = addMemory(
    trained,
    separate ? valueTrained : {},
    {
      scoring:
        scoringMemory(policy.shape, scorer) +
        scorersMemory(scorers, noOutput) +
        (separate ? scoringMemory(policy.shape, noOutput) : 0),
    },
    generatorMemory(policy, prompts, options.responseLength),
  );
  // Models on one base share it.
  const held = [
    trainedModel(policy, stage.name, options),
    ...modelsOf(scorers),
    ...(separate ? [trainedModel(valueStart, `${stage.name} value`, options)] : []),
  ];
  const weights = heldWeights(held) + referenceWeights(policy, options);
  const steps = iterations * options.numPpoEpochs * options.numMiniBatches;
  return {
    model: policy,
    besides: [
      `reference: ${policy.name} as it was`,
      ...scorers.map(({ label }) => label),
      separate ? `value model: a copy of ${valueStart.name}` : 'value function: a head on the policy',
    ],
    data: prompts.data,
    sampling: {
      prompts: prompts.count,
      responses: iterations * options.batchSize,
      promptTokens,
      responseTokens,
    },
    training: {
      batchSize: Math.ceil(options.batchSize / options.numMiniBatches),
      unit: 'responses',
      trainRows: iterations * options.batchSize,
      heldOutRows: 0,
      tokensPerRow: promptTokens + responseTokens,
      tokens: iterations * options.numPpoEpochs * batch.tokens,
      microBatchesPerStep: batch.microBatches / options.numMiniBatches,
      ...scheduleOf(options, steps),
    },
    memory: { ...memory, weights },
    work: [
      { model: policy, work: scaleWork(addWork(policyWork, valueWork), iterations) },
      ...scoringWork(scorers, scaleSize(withoutOutput, iterations)),
    ],
    decodeRows: Math.min(generatorRows, options.batchSize),
    notes: prompts.notes,
    made: { models: [trainedModel(policy, stage.name, options)] },
  };
}

/** The methods without a value function: sample, score, a few passes. */
export async function estimatePolicyMethod(
  options: PolicyStage,
  stage: PlannedStage,
  models: PracticeModels,
): Promise<StageDraft> {
  const { policy, scorers } = models;
  const { batchSize, numGenerations } = options;
  const prompts = await promptSizes(options, stage, policy);
  const promptTokens = meanOf(prompts.lengths);
  const { responseTokens } = prompts;
  const iterations = iterationsOf(options, prompts.count);
  // RAFT learns from the best of each group, online DPO from the best and the worst.
  const learnt = { raft: 1, 'online-dpo': 2 }[options.type as string] ?? numGenerations;
  const batch = simulateSteps(rowsOf(prompts), {
    batchSize,
    tokenBudget: options.microBatchTokens,
    seed: stage.seed,
    perPrompt: learnt,
    together: options.type === 'online-dpo',
  });
  const trained = scaleSize(batch, learnt / numGenerations);
  const microBatches = (batch.microBatches * learnt) / numGenerations;
  const updates = options.numIterations * options.stepsPerGeneration;
  const hasReference = options.beta > 0;
  const rescores = options.type === 'online-dpo' || updates > 1;
  const work = addWork(
    generationWork(policy.shape, {
      sequences: batchSize,
      promptTokens,
      perPrompt: numGenerations,
      newTokens: responseTokens,
    }),
    scaleWork(forwardWork(policy.shape, batch), (hasReference ? 1 : 0) + (rescores ? 1 : 0)),
    scaleWork(trainingWork(policy.shape, trained, options), options.numIterations),
  );
  const scorer = scorerBatch(batch, options, batch.tokens);
  const steps = iterations * updates;
  return {
    model: policy,
    besides: [
      hasReference ? `reference: ${policy.name} as it was` : 'no reference model (beta is 0)',
      ...scorers.map(({ label }) => label),
    ],
    data: prompts.data,
    sampling: {
      prompts: prompts.count,
      responses: iterations * batchSize,
      promptTokens,
      responseTokens,
    },
    training: {
      batchSize: Math.ceil((batchSize * learnt) / numGenerations / options.stepsPerGeneration),
      unit: 'responses',
      trainRows: (iterations * batchSize * learnt) / numGenerations,
      heldOutRows: 0,
      tokensPerRow: promptTokens + responseTokens,
      tokens: iterations * options.numIterations * trained.tokens,
      microBatchesPerStep: microBatches / options.stepsPerGeneration,
      ...scheduleOf(options, steps),
    },
    memory: addMemory(
      {
        ...trainingMemory(
          policy.shape,
          batch.largest,
          trainingOf(policy, options, microBatches > options.stepsPerGeneration),
        ),
        weights:
          heldWeights([trainedModel(policy, stage.name, options), ...modelsOf(scorers)]) +
          (hasReference ? referenceWeights(policy, options) : 0),
      },
      {
        scoring:
          (hasReference || rescores ? scoringMemory(policy.shape, scorer) : 0) +
          scorersMemory(scorers, { ...scorer, counted: 0 }),
      },
      generatorMemory(policy, prompts, options.maxCompletionLength),
    ),
    work: [
      { model: policy, work: scaleWork(work, iterations) },
      ...scoringWork(scorers, scaleSize({ ...batch, counted: 0 }, iterations)),
    ],
    decodeRows: Math.min(generatorRows, batchSize),
    notes: prompts.notes,
    made: { models: [trainedModel(policy, stage.name, options)] },
  };
}

export async function estimateBestOfN(
  options: StageOf<'best-of-n'>,
  stage: PlannedStage,
  models: PracticeModels,
): Promise<StageDraft> {
  const { policy, scorers } = models;
  const prompts = await promptSizes(options, stage, policy);
  const promptTokens = meanOf(prompts.lengths);
  const { responseTokens } = prompts;
  const responses = prompts.count * options.numGenerations;
  const atOnce = options.batchSize * options.numGenerations;
  const batch = simulateSteps(rowsOf(prompts), {
    batchSize: atOnce,
    tokenBudget: promptTokenBudget,
    seed: stage.seed,
  });
  const scored = { ...scaleSize(batch, responses / atOnce), counted: 0 };
  return {
    model: policy,
    besides: scorers.map(({ label }) => label),
    data: prompts.data,
    sampling: { prompts: prompts.count, responses, promptTokens, responseTokens },
    memory: addMemory(
      { weights: heldWeights([policy, ...modelsOf(scorers)]) },
      { scoring: scorersMemory(scorers, { ...scorerBatch(batch, wholeBudget), counted: 0 }) },
      generatorMemory(policy, prompts, options.maxCompletionLength),
    ),
    work: [
      {
        model: policy,
        work: generationWork(policy.shape, {
          sequences: responses,
          promptTokens,
          perPrompt: options.numGenerations,
          newTokens: responseTokens,
        }),
      },
      ...scoringWork(scorers, scored),
    ],
    decodeRows: Math.min(generatorRows, atOnce),
    notes: prompts.notes,
    made: { best: { answers: prompts.count, promptTokens, responseTokens } },
  };
}

export async function estimateEvaluate(
  options: StageOf<'evaluate'>,
  stage: PlannedStage,
  models: { readonly policies: readonly PlannedModel[]; readonly reward: PlannedModel | null },
): Promise<StageDraft> {
  const { policies, reward } = models;
  const newest = policies.at(-1);
  if (!newest) throw new TenetError('usage', `stage "${stage.name}" has no model to evaluate.`);
  const prompts = await promptSizes(options, stage, newest);
  const promptTokens = meanOf(prompts.lengths);
  const { responseTokens } = prompts;
  const batch = simulateSteps(rowsOf(prompts), {
    batchSize: Math.min(prompts.count, 256),
    tokenBudget: promptTokenBudget,
    seed: stage.seed,
  });
  const share = prompts.count / Math.min(prompts.count, 256);
  const scorePass = {
    tokens: batch.tokens * share,
    pairs: batch.pairs * share,
    counted: batch.counted * share,
  };
  const noOutput = { ...scorePass, counted: 0 };
  return {
    model: newest,
    besides: [
      `every model: ${policies.map(({ name }) => name).join(', ')}`,
      ...(reward ? [`reward model: ${reward.name}`] : []),
    ],
    data: prompts.data,
    sampling: {
      prompts: prompts.count,
      responses: prompts.count * policies.length,
      promptTokens,
      responseTokens,
    },
    memory: addMemory(
      { weights: 4 * newest.shape.parameters * 2 + (reward ? 4 * reward.shape.parameters : 0) },
      { scoring: scoringMemory(newest.shape, scorerBatch(batch, wholeBudget)) },
      generatorMemory(newest, prompts, options.responseLength),
    ),
    work: [
      ...policies.map((model) => ({
        model,
        work: addWork(
          generationWork(model.shape, {
            sequences: prompts.count,
            promptTokens,
            newTokens: responseTokens,
          }),
          scaleWork(forwardWork(model.shape, scorePass), 2), // the divergence from the reference model
        ),
      })),
      ...(reward
        ? [{ model: reward, work: scaleWork(forwardWork(reward.shape, noOutput), policies.length) }]
        : []),
    ],
    decodeRows: Math.min(generatorRows, prompts.count),
    notes: prompts.notes,
  };
}

export async function promptSizes(
  options: ResponseLimit & { readonly prompts: DataSource },
  stage: PlannedStage,
  model: PlannedModel,
): Promise<PromptSizes> {
  const { responseLength, lengthOption } = limitOf(options);
  const { examples, data } = await readSource(options.prompts, stage, { lines: true });
  const encoder = encoderOf(model, stage, model.config.maxPositions);
  const sampled = sampleOf(examples, stage.seed);
  const lengths = sampled.flatMap((example) => {
    const ids = encoder.encodePrompt(example, { reserve: responseLength });
    return ids ? [ids.length] : [];
  });
  if (lengths.length === 0) {
    throw new TenetError(
      'preflight',
      `stage "${stage.name}": no prompt leaves room for a response of ${responseLength} tokens within the model's ${model.config.maxPositions}; lower ${lengthOption}.`,
    );
  }
  const demonstrated = stage.before.responseTokens;
  const responseTokens = Math.min(responseLength, demonstrated ?? responseLength);
  const note =
    demonstrated === null
      ? 'Responses are taken to be as long as allowed; shorter ones take less time.'
      : `Responses are taken to be as long as the demonstrations, ${Math.round(responseTokens)} tokens.`;
  return {
    data,
    count: Math.round((examples.length * lengths.length) / sampled.length),
    lengths,
    responseTokens,
    notes: [note],
  };
}

function rowsOf({ lengths, responseTokens }: PromptSizes): RowSize[] {
  const counted = Math.round(responseTokens);
  return lengths.map((length) => ({ length: length + counted, counted }));
}

/** Two copies of the weights (one packed for decoding), the cache, and the pass over the prompts. */
export function generatorMemory(
  { shape }: PlannedModel,
  { lengths }: PromptSizes,
  responseLength: number,
): Memory {
  const longest = Math.max(...lengths);
  const prompt: StepSize['largest'] = { tokens: promptTokenBudget, length: longest, counted: generatorRows };
  return {
    generation: 8 * shape.parameters + scoringMemory(shape, prompt),
    'KV cache': cacheMemory(shape, { sequences: generatorRows, tokens: longest + responseLength }),
  };
}

function modelsOf(scorers: readonly PlannedScorer[]): PlannedModel[] {
  return scorers.flatMap(({ model }) => model ?? []);
}

/** They score one after another, so the largest counts. */
function scorersMemory(
  scorers: readonly PlannedScorer[],
  batch: Parameters<typeof scoringMemory>[1],
): number {
  return Math.max(0, ...modelsOf(scorers).map(({ shape }) => scoringMemory(shape, batch)));
}

function scoringWork(
  scorers: readonly PlannedScorer[],
  size: Parameters<typeof forwardWork>[1],
): StageDraft['work'] {
  return modelsOf(scorers).map((model) => ({ model, work: forwardWork(model.shape, size) }));
}
