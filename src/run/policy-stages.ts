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
import { adapterOption } from './adapter-option.ts';
import { policyMonitors } from './monitor-options.ts';
import { filePath } from './recipe.ts';
import { judgeOptions, rewardMixOption, rewardProblems, rewardsOption } from './reward-options.ts';
import { dataSource, inherited, stageName, startModel } from './stage-parts.ts';

const common = {
  name: stageName,
  model: startModel,
  rewardModel: z.string().optional().describe('Stage whose reward model to use. Default: the newest.'),
  rewardModelPath: filePath()
    .optional()
    .describe('A reward model folder to use instead of one that the run has trained.'),
  rewards: rewardsOption,
  rewardMix: rewardMixOption,
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
  judge: judgeOptions
    .optional()
    .describe(
      "Rewards straight from a judge's scores under a constitution, in [-1, 1], without a reward model (d-RLAIF, Lee et al. 2023).",
    ),
};

/** For those of them that train. */
const trained = { ...judged, adapter: adapterOption, monitors: policyMonitors };

export const ppoStage = withRules(
  ppoOptions.extend({ type: z.literal('ppo'), ...common, adapter: adapterOption, monitors: policyMonitors }),
  rewardProblems,
);

export const rlooStage = withRules(
  withRules(rlooOptions.extend({ type: z.literal('rloo'), ...trained }), rlooRules),
  rewardProblems,
);

export const grpoStage = withRules(
  withRules(grpoOptions.extend({ type: z.literal('grpo'), ...trained }), grpoRules),
  rewardProblems,
);

export const reinforcePlusPlusStage = withRules(
  withRules(
    reinforcePlusPlusOptions.extend({ type: z.literal('reinforce-plus-plus'), ...trained }),
    reinforcePlusPlusRules,
  ),
  rewardProblems,
);

export const onlineDpoStage = withRules(
  withRules(onlineDpoOptions.extend({ type: z.literal('online-dpo'), ...trained }), onlineDpoRules),
  rewardProblems,
);

export const raftStage = withRules(
  withRules(raftOptions.extend({ type: z.literal('raft'), ...trained }), raftRules),
  rewardProblems,
);

export const bestOfNStage = withRules(
  bestOfNOptions.extend({
    type: z.literal('best-of-n'),
    ...judged,
    prompts: dataSource.describe('Prompts to answer; of records with responses only the prompts are used.'),
  }),
  rewardProblems,
);
