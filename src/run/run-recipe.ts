/** What a recipe may say: the only source of its names, types, defaults and help texts. */
import { z } from 'zod';
import { dpoOptions, ppoOptions, rewardOptions, sftOptions } from '../train/index.ts';
import { filePath } from './recipe.ts';

/** Where records come from: a file, or the sandbox world. */
export const dataSource = z
  .strictObject({
    path: z
      .union([filePath(), z.array(filePath()).min(1)])
      .optional()
      .describe('A data file, or a list of them: JSONL, JSON, CSV or text, also gzipped.'),
    sandbox: z
      .enum(['corpus', 'demonstrations', 'prompts'])
      .optional()
      .describe('Made by the sandbox world instead of read from a file.'),
    split: z
      .enum(['train', 'test'])
      .default('train')
      .describe('Which of the sandbox prompts: those of training, or those held out from it.'),
    limit: z
      .number()
      .int()
      .positive()
      .optional()
      .describe('Use at most this many records (sandbox: make this many).'),
    onBadRow: z
      .enum(['error', 'skip'])
      .default('error')
      .describe('error: stop and name all bad rows; skip: write them to a file in the run folder and go on.'),
  })
  .refine((source) => (source.path === undefined) !== (source.sandbox === undefined), {
    message: 'must have either path or sandbox, and not both',
  });
export type DataSource = z.infer<typeof dataSource>;

/** What a stage takes from the run unless it says otherwise. */
const inherited = {
  seed: z
    .number()
    .int()
    .min(0)
    .optional()
    .describe("Seed of everything random in the stage. Default: the run's."),
  threads: z.number().int().positive().optional().describe("Threads of the engine. Default: the run's."),
};

const stageName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]*$/, 'must be lower-case letters, digits and hyphens')
  .optional()
  .describe('Name of the stage in the run folder. Default: its type; needed when a type occurs twice.');

const startModel = z
  .string()
  .optional()
  .describe('Stage whose model to start from. Default: the newest policy so far, or the base model.');

const heldOut = z
  .number()
  .min(0)
  .max(0.5)
  .default(0.05)
  .describe('Share of the data kept for measuring, all records of a prompt together.');

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
  data: dataSource.describe(
    'Prompts with completions, conversations, texts, or preferences (their preferred side).',
  ),
  heldOut,
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
  responseLength: z.number().int().positive().default(48).describe('Most tokens of a response.'),
  temperature: z
    .number()
    .positive()
    .default(1)
    .describe('Sampling temperature; higher makes responses differ more.'),
  ...inherited,
});

const rewardStage = rewardOptions.extend({
  type: z.literal('reward'),
  name: stageName,
  model: startModel,
  data: dataSource
    .optional()
    .describe('Preferences or K-way rankings. Default: what the rankings stage before it collected.'),
  heldOut: heldOut.default(0.1),
  ...inherited,
});

const dpoStage = dpoOptions.extend({
  type: z.literal('dpo'),
  name: stageName,
  model: startModel,
  data: dataSource
    .optional()
    .describe('Preferences or K-way rankings. Default: what the rankings stage before it collected.'),
  heldOut,
  ...inherited,
});

const ppoStage = ppoOptions.extend({
  type: z.literal('ppo'),
  name: stageName,
  model: startModel,
  rewardModel: z.string().optional().describe('Stage whose reward model to use. Default: the newest.'),
  rewardModelPath: filePath()
    .optional()
    .describe('A reward model folder to use instead of one that the run has trained.'),
  prompts: dataSource.describe(
    'Prompts to practise on; of records with responses only the prompts are used.',
  ),
  allowWeakReward: z
    .boolean()
    .default(false)
    .describe('True: go on with a reward model that is not above chance on held-out pairs.'),
  ...inherited,
});

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
  ...inherited,
});

export const stageSchema = z.discriminatedUnion('type', [
  pretrainStage,
  sftStage,
  rankingsStage,
  rewardStage,
  dpoStage,
  ppoStage,
  evaluateStage,
]);
export type StageRecipe = z.infer<typeof stageSchema>;
export type StageOf<T extends StageRecipe['type']> = Extract<StageRecipe, { type: T }>;

export const recipeSchema = z.strictObject({
  name: z.string().optional().describe('Name of the run. Default: the file name.'),
  description: z.string().optional().describe('What the recipe is for; shown in the report.'),
  model: z
    .strictObject({ path: filePath().describe('A model folder in Hugging Face layout.') })
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
