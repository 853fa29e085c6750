/** The stages of a recipe in which the policy writes and a reward model scores. */
import { z } from 'zod';
import { scoreOptions } from '../constitution/index.ts';
import {
  bestOfNOptions,
  grpoOptions,
  grpoRules,
  onlineDpoOptions,
  onlineDpoRules,
  ppoOptions,
  raftOptions,
  raftRules,
  reinforcePlusPlusOptions,
  reinforcePlusPlusRules,
  rlooOptions,
  rlooRules,
  withRules,
} from '../train/index.ts';
import { filePath } from './recipe.ts';
import { dataSource, inherited, stageName, startModel } from './stage-parts.ts';

const common = {
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
};

/** For the methods that need no value function; PPO's begins as a copy of the reward model. */
const judged = {
  ...common,
  judge: scoreOptions
    .extend({
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
    })
    .optional()
    .describe(
      "Rewards straight from a judge's scores under a constitution, in [-1, 1], without a reward model (d-RLAIF, Lee et al. 2023).",
    ),
};

export const ppoStage = ppoOptions.extend({ type: z.literal('ppo'), ...common });

export const rlooStage = withRules(rlooOptions.extend({ type: z.literal('rloo'), ...judged }), rlooRules);

export const grpoStage = withRules(grpoOptions.extend({ type: z.literal('grpo'), ...judged }), grpoRules);

export const reinforcePlusPlusStage = withRules(
  reinforcePlusPlusOptions.extend({ type: z.literal('reinforce-plus-plus'), ...judged }),
  reinforcePlusPlusRules,
);

export const onlineDpoStage = withRules(
  onlineDpoOptions.extend({ type: z.literal('online-dpo'), ...judged }),
  onlineDpoRules,
);

export const raftStage = withRules(raftOptions.extend({ type: z.literal('raft'), ...judged }), raftRules);

export const bestOfNStage = bestOfNOptions.extend({
  type: z.literal('best-of-n'),
  ...judged,
  prompts: dataSource.describe('Prompts to answer; of records with responses only the prompts are used.'),
});
