/** The stages of a recipe in which the policy writes and a reward model scores. */
import { z } from 'zod';
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

export const ppoStage = ppoOptions.extend({ type: z.literal('ppo'), ...common });

export const rlooStage = withRules(rlooOptions.extend({ type: z.literal('rloo'), ...common }), rlooRules);

export const grpoStage = withRules(grpoOptions.extend({ type: z.literal('grpo'), ...common }), grpoRules);

export const reinforcePlusPlusStage = withRules(
  reinforcePlusPlusOptions.extend({ type: z.literal('reinforce-plus-plus'), ...common }),
  reinforcePlusPlusRules,
);

export const onlineDpoStage = withRules(
  onlineDpoOptions.extend({ type: z.literal('online-dpo'), ...common }),
  onlineDpoRules,
);

export const raftStage = withRules(raftOptions.extend({ type: z.literal('raft'), ...common }), raftRules);

export const bestOfNStage = bestOfNOptions.extend({
  type: z.literal('best-of-n'),
  ...common,
  prompts: dataSource.describe('Prompts to answer; of records with responses only the prompts are used.'),
});
