/** The stage of a recipe that makes a guard. */
import { z } from 'zod';
import { guardKinds, guardTrainOptions, refusalRates } from '../guard/index.ts';
import { type OptionProblem, withRules } from '../train/index.ts';
import { filePath } from './recipe.ts';
import { inherited, stageName } from './stage-parts.ts';

const share = z.number().min(0).max(1);

const files = z.union([filePath(), z.array(filePath()).min(1)]).optional();

const cases = z.strictObject({
  store: filePath().describe(
    'The store that the guard put its cases in: a file for SQLite, or postgres://user@host/database; a password is better left to the environment.',
  ),
  project: z.string().min(1).default('guard').describe('The project that the guard’s policy names.'),
  testShare: share
    .default(0.3)
    .describe(
      'Share of the judged cases kept for the test. Which ones depends on their first request alone, so that a case kept once is never trained on later.',
    ),
  weight: z
    .number()
    .positive()
    .default(1)
    .describe('How much a judged case counts in training beside another example.'),
});

const generate = z.strictObject({
  model: z
    .string()
    .min(1)
    .describe('Who writes: an earlier stage, or a model such as openai:gpt-4.1-mini or local:<folder>.'),
  perPrinciple: z.number().int().positive().default(20).describe('Requests of each kind for each principle.'),
  disguises: z
    .number()
    .int()
    .min(0)
    .default(2)
    .describe('Attacks that each request is put in, besides the plain form.'),
  testShare: share
    .default(0.25)
    .describe('Share of the requests, and of the attacks, that is for tests alone.'),
  maxTokens: z.number().int().positive().default(400).describe('Longest answer in tokens.'),
  concurrency: z.number().int().positive().default(16).describe('Questions under way at once.'),
});

const { probe: _, ...trainShape } = guardTrainOptions.shape;

const stage = z.strictObject({
  type: z.literal('guard'),
  name: stageName,
  model: z
    .string()
    .optional()
    .describe('Stage whose model the guard stands on, or base for the recipe’s own. Default: a new trunk.'),
  modelPath: filePath().optional().describe('A language model’s folder that the guard stands on instead.'),
  former: filePath()
    .optional()
    .describe(
      'The guard that is to be replaced: its folder, or the run that made it. Both are measured on the same examples, and what it kept for tests stays the test unless `test` names others.',
    ),
  startFromFormer: z
    .boolean()
    .default(false)
    .describe(
      'True: the former guard’s weights, vocabulary and scores go on, which takes fewer steps and a learning rate of 3e-4 or less; false: a new trunk, or the model that is named.',
    ),
  labelled: files.describe(
    'Files that say what is harmful: rows of `tenet guard generate` and `tenet guard export`, findings of `tenet redteam`, published sets.',
  ),
  harmful: files.describe('Prompts, or records of any format, that are harmful.'),
  harmless: files.describe('The same, harmless, such as ordinary requests.'),
  harmfulAnswers: files.describe('Records whose answers are harmful, of preferences the rejected ones.'),
  harmlessAnswers: files.describe('Records whose answers are harmless, of preferences the chosen ones.'),
  cases: cases
    .optional()
    .describe(
      'What people have judged of a guard’s blocks, near misses and appeals, straight from the ledger.',
    ),
  generate: generate
    .optional()
    .describe('Further data, which a model writes from the constitution, as `tenet guard generate` does.'),
  test: files.describe('Files with labels that are for tests alone.'),
  testHarmful: files.describe('Harmful ones for tests alone.'),
  testHarmless: files.describe('Harmless ones for tests alone.'),
  holdOut: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe('Sources or attacks among the data that are for tests alone.'),
  kinds: z
    .array(z.enum(guardKinds))
    .min(1)
    .default([...guardKinds])
    .describe(
      'What is judged: input = conversations; output = answers by themselves; exchange = answers in the light of the conversation.',
    ),
  constitution: filePath()
    .optional()
    .describe(
      'The constitution that the data follow; its hash is kept. With `generate`, what the data are written from (default: the one that comes with Tenet).',
    ),
  refusalRate: z
    .literal(refusalRates)
    .default(0.01)
    .describe('Share of harmless traffic that the thresholds of the report may refuse.'),
  samples: z
    .number()
    .int()
    .min(0)
    .default(12)
    .describe('Judged cases kept for the test that the report shows with what the guards say of them.'),
  ...trainShape,
  ...inherited,
});
type Options = z.output<typeof stage>;

/** What can be trained on. */
const trained = ['labelled', 'harmful', 'harmless', 'harmfulAnswers', 'harmlessAnswers', 'cases', 'generate'];

export function guardRules(options: Options): OptionProblem[] {
  const { former, startFromFormer, model, modelPath } = options;
  const problems: OptionProblem[] = [];
  const given = options as Readonly<Record<string, unknown>>;
  if (trained.every((option) => given[option] === undefined)) {
    problems.push({
      option: 'labelled',
      rule: `or something else to train on is needed: ${trained.join(', ')}`,
    });
  }
  if (startFromFormer && former === undefined) {
    problems.push({ option: 'startFromFormer', rule: 'needs the guard that it starts from: former' });
  }
  if (model !== undefined && modelPath !== undefined) {
    problems.push({ option: 'modelPath', rule: 'and model exclude each other' });
  }
  if (startFromFormer && (model ?? modelPath) !== undefined) {
    problems.push({ option: 'startFromFormer', rule: 'and a model exclude each other' });
  }
  return problems;
}

export const guardStage: typeof stage = withRules(stage, guardRules);
