/** What a recipe may say: the only source of its names, types, defaults and help texts. */
import { z } from 'zod';
import { costOptions } from '../feedback/index.ts';
import { rewardOptions, rewardRules, sftOptions, withRules } from '../train/index.ts';
import { adapterOption, adapterWithDropout } from './adapter-option.ts';
import { compareStage, critiqueStage, hybridStage } from './feedback-stages.ts';
import { guardStage } from './guard-stage.ts';
import { memorySize } from './memory-size.ts';
import { dataMonitors } from './monitor-options.ts';
import {
  bestOfNStage,
  grpoStage,
  onlineDpoStage,
  ppoStage,
  raftStage,
  reinforcePlusPlusStage,
  rlooStage,
} from './policy-stages.ts';
import { comparisons, cpoStage, dpoStage, ktoStage, orpoStage, simpoStage } from './preference-stages.ts';
import { filePath } from './recipe.ts';
import { dataSource, heldOut, inherited, stageName, startModel } from './stage-parts.ts';

export { type DataSource, dataSource } from './stage-parts.ts';

const tokenizerOptions = z
  .strictObject({
    vocabSize: z
      .number()
      .int()
      .min(260)
      .default(4096)
      .describe(
        'Entries of the byte-level BPE vocabulary to train. Larger: shorter sequences, larger embedding.',
      ),
  })
  .prefault({})
  .describe('The tokenizer to train.');

const architecture = z
  .strictObject({
    width: z.number().int().positive().default(256).describe('Width of the residual stream.'),
    layers: z.number().int().positive().default(4).describe('Transformer layers.'),
    heads: z.number().int().positive().default(4).describe('Attention heads; divides width.'),
    kvHeads: z
      .number()
      .int()
      .positive()
      .optional()
      .describe('Key and value heads; divides heads. Default: heads.'),
    innerWidth: z
      .number()
      .int()
      .positive()
      .optional()
      .describe('Width of the feed-forward layer. Default: 8/3 of width, rounded up to a multiple of 32.'),
    maxPositions: z.number().int().positive().default(512).describe('Longest sequence in tokens.'),
    initializerRange: z.number().positive().default(0.02).describe('Standard deviation of fresh weights.'),
  })
  .refine(({ width, heads }) => width % (2 * heads) === 0, {
    path: ['width'],
    message: 'must be a multiple of 2 · heads (position encoding turns pairs of numbers in each head)',
  })
  .refine(({ heads, kvHeads = heads }) => heads % kvHeads === 0, {
    path: ['kvHeads'],
    message: 'must divide heads',
  })
  .prefault({})
  .describe('The Llama-shaped model to create.');

const pretrainStage = sftOptions.extend({
  type: z.literal('pretrain'),
  name: stageName,
  data: dataSource.describe('Plain texts or conversations; every token counts in the loss.'),
  tokenizer: tokenizerOptions,
  architecture,
  heldOut: heldOut.default(0.02),
  packing: sftOptions.shape.packing.default(true),
  learningRate: sftOptions.shape.learningRate.default(1e-3),
  lrSchedulerType: sftOptions.shape.lrSchedulerType.default('cosine'),
  warmupRatio: sftOptions.shape.warmupRatio.default(0.02),
  numTrainEpochs: sftOptions.shape.numTrainEpochs.default(1),
  maxLength: sftOptions.shape.maxLength.default(256),
  ...inherited,
});

const sftStage = sftOptions.extend({
  type: z.literal('sft'),
  name: stageName,
  model: startModel,
  data: dataSource
    .optional()
    .describe(
      'Prompts with completions, conversations, texts, or preferences (their preferred side). Default: what a best-of-n or critique stage before it made.',
    ),
  heldOut,
  adapter: adapterWithDropout,
  ...inherited,
});

const rankingsStage = z.strictObject({
  type: z.literal('rankings'),
  name: stageName,
  model: startModel,
  prompts: dataSource.describe(
    'Prompts to answer; of the sandbox, whose simulated annotators rank the answers.',
  ),
  responses: z
    .number()
    .int()
    .min(2)
    .max(9)
    .default(4)
    .describe('Responses per prompt (InstructGPT: 4 to 9).'),
  panel: z
    .enum(['typical', 'biased'])
    .default('typical')
    .describe(
      'Simulated annotators: with ordinary noise and tastes, or with strong tastes for length and praise.',
    ),
  overlap: z.number().int().positive().default(1).describe('Annotators per prompt.'),
  ratePerHour: costOptions.shape.ratePerHour,
  responseLength: z.number().int().positive().default(48).describe('Most tokens of a response.'),
  temperature: z
    .number()
    .positive()
    .default(1)
    .describe('Sampling temperature; higher makes responses differ more.'),
  ...inherited,
});

const rewardStage = withRules(
  rewardOptions.extend({
    type: z.literal('reward'),
    name: stageName,
    model: startModel,
    data: comparisons,
    heldOut: heldOut.default(0.1),
    adapter: adapterOption,
    monitors: dataMonitors,
    ...inherited,
  }),
  rewardRules,
);

const evaluateStage = z.strictObject({
  type: z.literal('evaluate'),
  name: stageName,
  prompts: dataSource.describe('Prompts that no stage has trained on.'),
  responseLength: z.number().int().positive().default(53).describe('Most tokens of a response.'),
  temperature: z.number().min(0).default(0.7).describe('Sampling temperature; 0 = most likely token.'),
  samples: z
    .number()
    .int()
    .min(0)
    .default(12)
    .describe('Prompts whose answers the report shows side by side.'),
  objectives: z
    .boolean()
    .default(true)
    .describe(
      'True: the answers are also scored by every objective in the `rewards` of the stages before, judges included.',
    ),
  ...inherited,
});

export const stageSchema = z.discriminatedUnion('type', [
  pretrainStage,
  sftStage,
  rankingsStage,
  critiqueStage,
  compareStage,
  hybridStage,
  rewardStage,
  dpoStage,
  ktoStage,
  orpoStage,
  cpoStage,
  simpoStage,
  ppoStage,
  rlooStage,
  grpoStage,
  reinforcePlusPlusStage,
  onlineDpoStage,
  bestOfNStage,
  raftStage,
  evaluateStage,
  guardStage,
]);
export type StageRecipe = z.infer<typeof stageSchema>;
export type StageOf<T extends StageRecipe['type']> = Extract<StageRecipe, { type: T }>;

const comparing = ['reward', 'dpo', 'kto', 'orpo', 'cpo', 'simpo'] as const;

/** True: the stage's data are comparisons, those of the stage before it that made some unless it names others. */
export function learnsFromComparisons(stage: StageRecipe): stage is StageOf<(typeof comparing)[number]> {
  return comparing.some((type) => type === stage.type);
}

export const recipeSchema = z.strictObject({
  name: z.string().optional().describe('Name of the run. Default: the file name.'),
  description: z.string().optional().describe('What the recipe is for; shown in the report.'),
  model: z
    .strictObject({ path: filePath().describe('A model folder in Hugging Face layout, or hub:owner/name.') })
    .optional()
    .describe('The base model. Not needed when the first stage pre-trains one.'),
  seed: z
    .number()
    .int()
    .min(0)
    .default(42)
    .describe('Seed of the run; stages without a seed of their own take it.'),
  threads: z
    .number()
    .int()
    .positive()
    .optional()
    .describe('Threads of the engine. Default: the cores of the machine.'),
  memory: memorySize()
    .optional()
    .describe(
      'Memory that the run may take, such as 8GB: each stage gets the largest micro-batches that fit by its estimate, and activation checkpointing where it must. Default: as the stages say.',
    ),
  wrapInChat: z
    .boolean()
    .default(true)
    .describe(
      "True: plain prompts and completions go through the model's chat template; false: they are joined as they are (TRL's standard format).",
    ),
  output: filePath().optional().describe('Run folder. Default: runs/<name>.'),
  stages: z.array(stageSchema).min(1).describe('What to do, in order.'),
});
export type RunRecipe = z.infer<typeof recipeSchema>;
