export { type CheckpointOptions, loadCheckpoint, removeCheckpoints, saveCheckpoint } from './checkpoint.ts';
export type { Sample, StageContext } from './context.ts';
export { trainDpo } from './dpo.ts';
export { type DpoOptions, dpoOptions } from './dpo-options.ts';
export { type PpoInputs, type PpoResult, trainPpo, valueHeadName } from './ppo.ts';
export { type PpoOptions, ppoOptions } from './ppo-options.ts';
export { checkPrompts, checkRewardModel } from './preflight.ts';
export {
  evaluateRewardModel,
  type RewardEvaluation,
  type RewardInputs,
  type RewardResult,
  trainReward,
} from './reward.ts';
export { type RewardFunction, type RewardItem, rewardModel } from './reward-function.ts';
export { type RewardOptions, rewardOptions } from './reward-options.ts';
export { collectRollout, drawsFor, type PolicyPrompt, type Rollout, type RolloutOptions } from './rollout.ts';
export { HeadScorer, ResponseScorer, type ResponseScores, type ScorerOptions } from './scorers.ts';
export { padSequences, type Sequence } from './sequences.ts';
export { type SftInputs, type SftResult, trainSft } from './sft.ts';
export { type SftOptions, sftOptions } from './sft-options.ts';
export { Trainer, type TrainerOptions } from './trainer.ts';
