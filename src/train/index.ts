export { type CheckpointOptions, loadCheckpoint, removeCheckpoints, saveCheckpoint } from './checkpoint.ts';
export type { Sample, StageContext } from './context.ts';
export { type DpoInputs, type DpoResult, trainDpo } from './dpo.ts';
export { type DpoOptions, dpoOptions } from './dpo-options.ts';
export {
  type PpoInputs,
  type PpoOptions,
  type PpoResult,
  ppoOptions,
  trainPpo,
  valueHeadName,
} from './ppo.ts';
export { checkPrompts, checkRewardModel } from './preflight.ts';
export {
  evaluateRewardModel,
  type RewardEvaluation,
  type RewardInputs,
  type RewardOptions,
  type RewardResult,
  rewardOptions,
  trainReward,
} from './reward.ts';
export { type RewardFunction, type RewardItem, rewardModel } from './reward-function.ts';
export { collectRollout, drawsFor, type PolicyPrompt, type Rollout, type RolloutOptions } from './rollout.ts';
export { HeadScorer, ResponseScorer, type ResponseScores, type ScorerOptions } from './scorers.ts';
export { padSequences, type Sequence } from './sequences.ts';
export { type SftInputs, type SftOptions, type SftResult, sftOptions, trainSft } from './sft.ts';
export { Trainer, type TrainerOptions } from './trainer.ts';
