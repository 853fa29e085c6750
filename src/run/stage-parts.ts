/** What the stages of a recipe share: where data come from, names, the model to start from. */
import { z } from 'zod';
import { filePath } from './recipe.ts';

const labelLimits = z.record(z.string(), z.number().min(0).max(1));

/** Which messages of OpenAssistant trees are used; see `TreeOptions`. */
const messageTrees = z
  .strictObject({
    as: z
      .enum(['conversations', 'rankings'])
      .default('conversations')
      .describe('conversations: the paths of each tree; rankings: the ranked answers to each prompt.'),
    languages: z.array(z.string()).min(1).optional().describe('Languages to use, e.g. [en]. Default: all.'),
    atLeast: labelLimits
      .optional()
      .describe(
        'Least mean of people’s ratings by label, e.g. { quality: 0.5 }; without the label: left out.',
      ),
    atMost: labelLimits
      .optional()
      .describe('Greatest mean by label, e.g. { toxicity: 0.3 }; without the label: used.'),
    review: z
      .enum(['accepted', 'not-rejected', 'any'])
      .default('not-rejected')
      .describe('Which messages by the verdict of their reviewers.'),
    treeStates: z
      .array(z.string())
      .default(['ready_for_export'])
      .describe('States of trees to use; an empty list: all.'),
    synthetic: z.boolean().default(true).describe('Use answers written by models too.'),
    bestOnly: z.boolean().default(false).describe('Conversations: of ranked answers the best alone.'),
  })
  .describe('Of OpenAssistant message trees: what is used.');

/** Where records come from: a file, or the sandbox world. */
export const dataSource = z
  .strictObject({
    path: z
      .union([filePath(), z.array(filePath()).min(1)])
      .optional()
      .describe(
        'A data file, or a list of them: JSONL, JSON, CSV or text, also gzipped; Parquet; or hub:datasets/owner/name/file.',
      ),
    sandbox: z
      .enum(['corpus', 'demonstrations', 'prompts'])
      .optional()
      .describe('Made by the sandbox world instead of read from a file.'),
    exchanges: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe(
        'Share of the sandbox corpus in which answers are criticised, revised or compared. Default: 0.',
      ),
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
    trees: messageTrees.optional(),
  })
  .refine((source) => (source.path === undefined) !== (source.sandbox === undefined), {
    message: 'must have either path or sandbox, and not both',
  });
export type DataSource = z.infer<typeof dataSource>;

/** What a stage takes from the run unless it says otherwise. */
export const inherited = {
  seed: z
    .number()
    .int()
    .min(0)
    .optional()
    .describe("Seed of everything random in the stage. Default: the run's."),
  threads: z.number().int().positive().optional().describe("Threads of the engine. Default: the run's."),
};

export const stageName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]*$/, 'must be lower-case letters, digits and hyphens')
  .optional()
  .describe('Name of the stage in the run folder. Default: its type; needed when a type occurs twice.');

export const startModel = z
  .string()
  .optional()
  .describe(
    'Stage whose model to start from, or base for the recipe’s own. Default: the newest policy so far, or the base model.',
  );

export const heldOut = z
  .number()
  .min(0)
  .max(0.5)
  .default(0.05)
  .describe('Share of the data kept for measuring, all records of a prompt together.');
