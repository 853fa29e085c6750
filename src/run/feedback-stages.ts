/** The stages of a recipe in which models judge under a constitution. */
import { z } from 'zod';
import { comparisonOptions, critiqueOptions } from '../constitution/index.ts';
import { hybridOptions } from '../feedback/index.ts';
import { type OptionProblem, withRules } from '../train/index.ts';
import { filePath } from './recipe.ts';
import { dataSource, inherited, stageName, startModel } from './stage-parts.ts';

const constitution = filePath()
  .optional()
  .describe(
    'The constitution: a .md, .yaml or .json file, or a folder with the prompt files of Bai et al. 2022. Default: the one that comes with Tenet.',
  );

const store = z
  .string()
  .min(1)
  .optional()
  .describe(
    'Where the ledger is: a file, whose path starts from the run folder, or postgres://…. Default: ledger.db in the run folder.',
  );

const concurrency = z
  .number()
  .int()
  .positive()
  .default(32)
  .describe('Items under way at once; a local model computes them together.');

const share = z.number().min(0).lt(1);

export const critiqueStage = critiqueOptions.extend({
  type: z.literal('critique'),
  name: stageName,
  model: startModel,
  critic: z
    .string()
    .min(1)
    .optional()
    .describe(
      'What criticises and revises: an earlier stage, or a model such as openai:gpt-4.1-mini or local:<folder>. Default: the model that answers.',
    ),
  prompts: dataSource.describe('Prompts to answer, such as attempts to bring out something harmful.'),
  given: z
    .boolean()
    .default(false)
    .describe('True: criticise the responses that the prompts come with, instead of new ones.'),
  constitution,
  helpful: dataSource
    .optional()
    .describe(
      'Helpful responses to mix in, so that the model does not learn to refuse; of prompts alone the model answers.',
    ),
  helpfulShare: share
    .default(0.5)
    .describe('With helpful: part of the demonstrations that are helpful responses.'),
  revisions: z
    .enum(['final', 'all'])
    .default('final')
    .describe('final: demonstrate the last response of each chain; all: every revision (Bai et al. 2022).'),
  pairs: z
    .boolean()
    .default(false)
    .describe(
      'True: also make preference pairs, the last revision above the first response, for a stage that learns from comparisons.',
    ),
  store,
  concurrency,
  ...inherited,
});

const compare = comparisonOptions.extend({
  type: z.literal('compare'),
  name: stageName,
  model: startModel.describe(
    'Stage whose model answers the prompts. Default: the newest policy so far, or the base model.',
  ),
  judge: z
    .string()
    .min(1)
    .optional()
    .describe(
      'What compares: an earlier stage, or a model such as openai:gpt-4.1-mini or local:<folder>. Default: the model that answers.',
    ),
  prompts: dataSource.describe(
    'Prompts to answer; or preferences and rankings, whose responses are compared.',
  ),
  constitution,
  responses: z
    .number()
    .int()
    .min(2)
    .max(16)
    .default(2)
    .describe('Responses to each prompt (Bai et al. 2022: 2).'),
  responseLength: z.number().int().positive().default(300).describe('Most tokens of a response.'),
  samplingTemperature: z
    .number()
    .positive()
    .default(1)
    .describe('Sampling temperature of the responses; higher makes them differ more.'),
  recheck: z
    .number()
    .int()
    .min(0)
    .default(50)
    .describe('Pairs asked about again, to see whether the judge says the same.'),
  human: dataSource
    .optional()
    .describe(
      'Comparisons made by people to mix in, such as those for helpfulness (Bai et al. 2022: helpfulness by people, harmlessness by AI).',
    ),
  humanShare: share.default(0.5).describe('With human: part of the comparisons that are by people.'),
  store,
  concurrency,
  ...inherited,
});

/** What asks about each response alone has no use for what belongs to pairs. */
function judgingRules({ judging, chainOfThought, fewShot }: z.output<typeof compare>): OptionProblem[] {
  if (judging !== 'pointwise') return [];
  const rule = 'does not go with judging: pointwise, which asks for a yes or a no alone; leave it out';
  return [
    ...(chainOfThought ? [{ option: 'chainOfThought', rule }] : []),
    ...(fewShot > 0 ? [{ option: 'fewShot', rule }] : []),
  ];
}

export const compareStage: typeof compare = withRules(compare, judgingRules);

export const hybridStage = hybridOptions.extend({
  type: z.literal('hybrid'),
  name: stageName,
  labels: z
    .string()
    .min(1)
    .optional()
    .describe('The compare stage whose labels are shared out. Default: the newest before this one.'),
  people: z
    .enum(['queue', 'sandbox'])
    .default('queue')
    .describe(
      'queue: real people, whose tasks this stage makes and waits for: label them with "tenet label work" or in the web app, then go on with --resume; sandbox: simulated annotators, for prompts of the sandbox.',
    ),
  panel: z
    .enum(['typical', 'biased'])
    .default('typical')
    .describe('With people: sandbox. Who they are, as for the rankings stage.'),
  project: z
    .string()
    .min(1)
    .optional()
    .describe('Project of the label tasks. Default: names of the run and the stage.'),
  guidelineVersion: z.string().min(1).optional().describe('Version of the guideline that people label by.'),
  ...inherited,
});
