/** What can be said about critique and revision: names, defaults and help, for code, recipes and the command line. */
import { z } from 'zod';

/** How models are asked and what happens to answers that are no use. */
const askShape = {
  layout: z
    .enum(['turns', 'quoted'])
    .default('turns')
    .describe(
      'turns: the request follows the conversation as a further turn (Bai et al. 2022); quoted: the conversation is quoted inside one request, which keeps a model from answering it.',
    ),
  fewShot: z
    .number()
    .int()
    .min(0)
    .default(0)
    .describe(
      "Examples of the constitution shown before each request, the principle's own first (Bai et al. 2022: 5).",
    ),
  chainOfThought: z
    .boolean()
    .default(false)
    .describe('True: the critic thinks step by step before its critique.'),
  temperature: z.number().min(0).default(1).describe('Sampling temperature; 0 = the most likely token.'),
  topP: z
    .number()
    .gt(0)
    .max(1)
    .default(1)
    .describe('Keeps the smallest set of tokens whose probability reaches this.'),
  critiqueLength: z.number().int().positive().default(300).describe('Most tokens of a critique.'),
  responseLength: z.number().int().positive().default(300).describe('Most tokens of a response or revision.'),
  retries: z
    .number()
    .int()
    .min(0)
    .default(2)
    .describe('Times that an unusable critique or revision is asked for again, with another seed.'),
};

export const critiqueOptions = z.strictObject({
  rounds: z
    .number()
    .int()
    .positive()
    .default(4)
    .describe('Critiques and revisions of each response (Bai et al. 2022: 4).'),
  principles: z
    .enum(['random', 'all', 'violated'])
    .default('random')
    .describe(
      'random: each round draws one by weight (Bai et al. 2022); all: every round asks about all at once; violated: about those whose yes/no check finds a violation.',
    ),
  checkThreshold: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('With violated: probability of a violation from which a principle is taken up.'),
  onNoViolation: z
    .enum(['keep', 'revise'])
    .default('keep')
    .describe(
      'After a critique that finds nothing wrong: keep the response, or revise all the same (Bai et al. 2022).',
    ),
  directRevision: z
    .boolean()
    .default(false)
    .describe(
      'True: revise without a critique, which large models do nearly as well (Bai et al. 2022, section 3.5).',
    ),
  onFailure: z
    .enum(['skip', 'drop'])
    .default('skip')
    .describe('When all retries of a step are unusable: skip the round, or drop the item.'),
  ...askShape,
});
export type CritiqueOptions = z.infer<typeof critiqueOptions>;

/** How a single critique or revision is asked for. */
export type AskOptions = Pick<CritiqueOptions, keyof typeof askShape>;
export const askOptions: z.ZodObject<typeof askShape> = z.strictObject(askShape);
