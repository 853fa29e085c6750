/** What can be said about comparisons and scores: names, defaults and help, for code, recipes and the command line. */
import { z } from 'zod';

/** Range that probabilities after a chain of thought are cut to (Bai et al. 2022, section 4.1). */
export const DEFAULT_CLAMP: readonly [number, number] = [0.4, 0.6];

export const comparisonOptions = z.strictObject({
  principles: z
    .enum(['random', 'all', 'tiers'])
    .default('random')
    .describe(
      'random: one principle per comparison, drawn by weight (Bai et al. 2022); all: every principle, probabilities averaged by weight; tiers: by priority, hard constraints first, the next tier only where the one before leaves it open.',
    ),
  decided: z
    .number()
    .gt(0)
    .lt(0.5)
    .default(0.2)
    .describe('With tiers: distance from 0.5 at which a tier has decided.'),
  judging: z
    .enum(['pairwise', 'pointwise'])
    .default('pairwise')
    .describe(
      'pairwise: the judge says which of two responses is better (Bai et al. 2022); pointwise: it says of each response alone whether it goes against the principle, and the one that less probably does is better. Easier for small models, and without a leaning to a place.',
    ),
  order: z
    .enum(['both', 'random'])
    .default('both')
    .describe(
      'both: asked with each response first, and averaged (Lee et al. 2023); random: asked once, in an order drawn by chance, at half the cost.',
    ),
  chainOfThought: z
    .boolean()
    .default(false)
    .describe('True: the judge thinks step by step before it answers; then probabilities are clamped.'),
  clamp: z
    .tuple([z.number().min(0).max(0.5), z.number().min(0.5).max(1)])
    .default([...DEFAULT_CLAMP])
    .describe(
      'With chainOfThought: the label is cut to this range, since answers after reasoning are near 0 or 1 whatever the case (Bai et al. 2022: 0.4 to 0.6).',
    ),
  fewShot: z
    .number()
    .int()
    .min(0)
    .default(0)
    .describe('Examples of the constitution shown before each question (Bai et al. 2022: 5).'),
  layout: z
    .enum(['full', 'brief'])
    .default('full')
    .describe(
      'full: with introduction and instructions; brief: conversation, question and options alone, for small models; pointwise, the critique request as a further turn.',
    ),
  temperature: z
    .number()
    .min(0)
    .default(1)
    .describe('Sampling temperature of chains of thought and of sampled votes.'),
  reasoningLength: z.number().int().positive().default(300).describe('Most tokens of a chain of thought.'),
  votes: z
    .number()
    .int()
    .positive()
    .default(5)
    .describe('Answers sampled for each question where the model gives no log-probabilities.'),
});
export type ComparisonOptions = z.infer<typeof comparisonOptions>;

export const scoreOptions = z.strictObject({
  scale: z
    .number()
    .int()
    .min(2)
    .max(10)
    .default(10)
    .describe('Best score; the worst is 1 (Lee et al. 2023: 10).'),
  principles: z
    .enum(['all', 'random'])
    .default('all')
    .describe('all: one question that lists every principle; random: one principle, drawn by weight.'),
  layout: comparisonOptions.shape.layout,
  votes: comparisonOptions.shape.votes,
});
export type ScoreOptions = z.infer<typeof scoreOptions>;
