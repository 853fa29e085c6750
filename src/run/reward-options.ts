/** Several objectives as the rewards of a stage: what each is, and how they become one. */
import { z } from 'zod';
import { scoreOptions } from '../constitution/index.ts';
import { ensembleRules, rewardAggregations } from '../objective/index.ts';
import { type OptionProblem, ruleOptions } from '../train/index.ts';
import { filePath } from './recipe.ts';
import { dataSource } from './stage-parts.ts';

export const judgeOptions = scoreOptions.extend({
  model: z
    .string()
    .min(1)
    .optional()
    .describe(
      'What scores: an earlier stage, or a model such as openai:gpt-4.1-mini or local:<folder>. Default: the policy as it was at the start.',
    ),
  constitution: filePath()
    .optional()
    .describe('A constitution file. Default: the one that comes with Tenet.'),
});

/** Where an objective's values come from: one of these each. */
const sources = ['rewardModel', 'rewardModelPath', 'function', 'rule', 'judge', 'gold'] as const;
export type ObjectiveSource = (typeof sources)[number];

/** Options that mean something with certain sources only. */
const belongsTo: Readonly<Record<string, readonly ObjectiveSource[]>> = {
  head: ['rewardModel', 'rewardModelPath'],
  ensemble: ['rewardModel', 'rewardModelPath'],
  spreadWeight: ['rewardModel', 'rewardModelPath'],
  export: ['function'],
  timeoutMs: ['function'],
  concurrency: ['function'],
};

export const objectiveOptions = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9][\w-]*$/, 'must be letters, digits, hyphens and underscores')
      .describe('Name of the objective, in metrics (rewards/<name>/mean) and reports.'),
    weight: z
      .number()
      .optional()
      .describe('What it counts in the sum; negative: less is better. Default: 1, or 0 with a bound.'),
    atLeast: z
      .number()
      .optional()
      .describe(
        'Bound that its mean over responses has to reach, in its own units; a Lagrange multiplier holds it (Dai et al. 2023).',
      ),
    atMost: z.number().optional().describe('Bound that its mean must not exceed; the same otherwise.'),
    rewardModel: z
      .union([z.string(), z.array(z.string()).min(1)])
      .optional()
      .describe('Stage whose reward model scores; several of them are an ensemble.'),
    rewardModelPath: z
      .union([filePath(), z.array(filePath()).min(1)])
      .optional()
      .describe('The same from a folder, or a list of them.'),
    head: z
      .string()
      .optional()
      .describe('Of a reward model with several heads: which one. Default: all heads of an ensemble.'),
    ensemble: z
      .enum(ensembleRules)
      .optional()
      .describe(
        'How members become one reward: their mean, the worst, or the mean minus spreadWeight times variance or deviation (Coste et al. 2023). Default: mean.',
      ),
    spreadWeight: z
      .number()
      .min(0)
      .optional()
      .describe('λ in mean − λ · spread; higher trusts less where members disagree. Default: 0.5.'),
    function: filePath()
      .optional()
      .describe(
        'A JavaScript module (.mjs, .js) that exports (prompt, response, facts) => number | null, also asynchronous; null = does not apply to this response.',
      ),
    export: z.string().min(1).optional().describe('Which export of the module. Default: default.'),
    timeoutMs: z
      .number()
      .int()
      .positive()
      .optional()
      .describe('Longest time of the function for one response, milliseconds. Default: 10,000.'),
    concurrency: z
      .number()
      .int()
      .positive()
      .optional()
      .describe('Calls of the function under way at once. Default: 16.'),
    rule: ruleOptions.optional().describe('A rule on the text of the response.'),
    judge: judgeOptions
      .optional()
      .describe("A judge's scores under a constitution, in [-1, 1] (d-RLAIF, Lee et al. 2023)."),
    gold: z
      .enum(['total', 'helpful', 'honest', 'harmless', 'concise', 'wellFormed'])
      .optional()
      .describe('Of sandbox prompts: a part of the gold reward, in [0, 1].'),
  })
  .superRefine((options, context) => {
    const given = sources.filter((source) => options[source] !== undefined);
    if (given.length !== 1) {
      context.addIssue({
        code: 'custom',
        message: `must have one of ${sources.join(', ')}, and has ${given.join(' and ') || 'none'}`,
      });
      return;
    }
    for (const [option, kinds] of Object.entries(belongsTo)) {
      if (options[option as keyof typeof options] === undefined || kinds.includes(given[0])) continue;
      context.addIssue({
        code: 'custom',
        path: [option],
        message: `goes with ${kinds.join(' or ')}, and this objective has ${given[0]}`,
      });
    }
    if (options.atLeast !== undefined && options.atMost !== undefined) {
      context.addIssue({
        code: 'custom',
        path: ['atMost'],
        message: 'cannot be given beside atLeast; give the objective twice, under two names',
      });
    }
  })
  .meta({ id: 'objective' }); // once in the schema for editors, however many stages use it
export type ObjectiveOptions = z.infer<typeof objectiveOptions>;

export const rewardsOption = z
  .array(objectiveOptions)
  .min(1)
  .optional()
  .describe(
    'Objectives that make up the reward, instead of one reward model: reward models, functions, rules, judges. See docs/objectives.md.',
  );

export const rewardMixOption = z
  .strictObject({
    aggregation: z
      .enum(rewardAggregations)
      .default('sum_then_normalize')
      .describe(
        'sum_then_normalize: values are weighted and summed as they are; normalize_then_sum: each is first turned into standard scores within its group of responses (GDPO, Liu et al. 2026; TRL).',
      ),
    learnedWeights: z
      .strictObject({
        data: dataSource
          .optional()
          .describe(
            'Overall comparisons or rankings by people. Default: what the newest rankings or compare stage before it made.',
          ),
        nonNegative: z
          .boolean()
          .default(true)
          .describe('True: no weight is below 0, since every objective is good by definition.'),
      })
      .optional()
      .describe(
        'Fits the weights to comparisons by logistic regression on differences of objectives, instead of taking given ones.',
      ),
    multiplier: z
      .strictObject({
        learningRate: z
          .number()
          .positive()
          .default(0.1)
          .describe('Step of ln λ per unit by which the bound is missed, times λ (safe-rlhf: 0.1).'),
        initial: z.number().positive().default(1).describe('λ at the start (safe-rlhf: 1).'),
        min: z
          .number()
          .positive()
          .default(0.01)
          .describe('Least λ; near 0 it would take long to rise again (safe-rlhf: none).'),
        max: z.number().positive().default(5).describe('Greatest λ (safe-rlhf: 5).'),
        window: z
          .number()
          .int()
          .positive()
          .default(128)
          .describe('Newest responses whose mean is compared with the bound (safe-rlhf: 128).'),
      })
      .refine(({ min, initial, max }) => min <= initial && initial <= max, {
        path: ['initial'],
        message: 'must lie within min and max',
      })
      .prefault({})
      .describe('How the multipliers λ of bounds move.'),
  })
  .optional()
  .describe('How the objectives of `rewards` become one reward. See docs/objectives.md.');
export type RewardMixRecipe = z.infer<typeof rewardMixOption>;

/** What the rules below read of a stage. */
interface RewardedStage {
  readonly type: string;
  readonly rewards?: readonly ObjectiveOptions[];
  readonly rewardMix?: RewardMixRecipe;
  readonly rewardModel?: string;
  readonly rewardModelPath?: string;
  readonly judge?: unknown;
}

/** Rules between the options that say where rewards come from. */
export function rewardProblems(stage: RewardedStage): OptionProblem[] {
  const { type, rewards, rewardMix } = stage;
  if (!rewards) {
    return rewardMix
      ? [{ option: 'rewardMix', rule: 'says how the objectives of rewards are mixed, and there are none' }]
      : [];
  }
  const problems: OptionProblem[] = (['rewardModel', 'rewardModelPath', 'judge'] as const)
    .filter((option) => stage[option] !== undefined)
    .map((option) => ({
      option,
      rule: 'cannot be given beside rewards; make it one of the objectives there',
    }));
  const names = rewards.map(({ name }) => name);
  const repeated = names.find((name, i) => names.indexOf(name) !== i);
  if (repeated !== undefined) {
    problems.push({ option: 'rewards', rule: `must have a name each, and two are called "${repeated}"` });
  }
  const isBounded = ({ atLeast, atMost }: ObjectiveOptions): boolean =>
    atLeast !== undefined || atMost !== undefined;
  if (rewards.every((objective) => (objective.weight ?? (isBounded(objective) ? 0 : 1)) === 0)) {
    problems.push({
      option: 'rewards',
      rule: 'must have an objective with a weight, or nothing is maximised',
    });
  }
  if (type === 'best-of-n' && rewards.some(isBounded)) {
    problems.push({
      option: 'rewards',
      rule: 'cannot have bounds in best-of-n, which has no iterations in which a multiplier could rise; give weights',
    });
  }
  if (rewardMix?.learnedWeights && rewards.some(({ weight }) => weight !== undefined)) {
    problems.push({
      option: 'rewards',
      rule: 'must have no weights of its own where learnedWeights finds them',
    });
  }
  return problems;
}
