export {
  type BestOfNResult,
  bestOf,
  type CandidateStore,
  type Candidates,
  sampleBestOfN,
} from './best-of-n.ts';
export { type BestOfNOptions, bestOfNOptions } from './best-of-n-options.ts';
export {
  type CheckpointOptions,
  loadCheckpoint,
  newestCheckpoint,
  removeCheckpoints,
  saveCheckpoint,
} from './checkpoint.ts';
export type { PairJudge, PairToJudge } from './choose-pairs.ts';
export type { AlarmRecord, Sample, StageContext, Verdict, WatchedRollout } from './context.ts';
export { trainCpo, trainSimpo } from './cpo.ts';
export { type CpoOptions, cpoOptions, type SimpoOptions, simpoOptions } from './cpo-options.ts';
export { trainDpo } from './dpo.ts';
export { type DpoOptions, dpoOptions, dpoRules } from './dpo-options.ts';
export type { PolicyInputs } from './group-sampler.ts';
export { trainGrpo } from './grpo.ts';
export { type GrpoOptions, grpoOptions, grpoRules } from './grpo-options.ts';
export { type KtoInputs, type KtoResult, trainKto } from './kto.ts';
export { type KtoOptions, ktoOptions } from './kto-options.ts';
export { type OnlineDpoInputs, trainOnlineDpo } from './online-dpo.ts';
export { type OnlineDpoOptions, onlineDpoOptions, onlineDpoRules } from './online-dpo-options.ts';
export { type OptionProblem, type OptionRules, withRules } from './option-rules.ts';
export { memoryShape, optimizerShape, scheduleFor, stageShape, stepsOf, trainerOptions } from './options.ts';
export { trainOrpo } from './orpo.ts';
export { type OrpoOptions, orpoOptions } from './orpo-options.ts';
export type { PairInputs, PairResult } from './pair-batch.ts';
export { iterationsOf } from './policy-plan.ts';
export type { PolicyResult } from './policy-report.ts';
export { type PpoInputs, type PpoResult, trainPpo, valueHeadName } from './ppo.ts';
export { type PpoOptions, ppoOptions } from './ppo-options.ts';
export { checkPrompts, checkRewardModel } from './preflight.ts';
export { type RaftResult, trainRaft } from './raft.ts';
export { type RaftOptions, raftOptions, raftRules } from './raft-options.ts';
export { trainReinforcePlusPlus } from './reinforce-plus-plus.ts';
export {
  type ReinforcePlusPlusOptions,
  reinforcePlusPlusOptions,
  reinforcePlusPlusRules,
  withPenalty,
} from './reinforce-plus-plus-options.ts';
export { type RewardInputs, type RewardResult, trainReward } from './reward.ts';
export {
  evaluateHeads,
  evaluateRewardModel,
  type HeadsEvaluation,
  type RewardEvaluation,
} from './reward-evaluation.ts';
export { type RewardFunction, type RewardItem, rewardModel, type StateListener } from './reward-function.ts';
export { type RewardOptions, rewardOptions, rewardRules } from './reward-options.ts';
export * from './rewards/index.ts';
export { trainRloo } from './rloo.ts';
export { type RlooOptions, rlooOptions, rlooRules } from './rloo-options.ts';
export { collectRollout, drawsFor, type PolicyPrompt, type Rollout, type RolloutOptions } from './rollout.ts';
export { HeadScorer, ResponseScorer, type ResponseScores, type ScorerOptions } from './scorers.ts';
export { padSequences, planMicroBatches, type Sequence, tokenFeeds } from './sequences.ts';
export { type SftInputs, type SftResult, trainSft } from './sft.ts';
export { type SftOptions, sftOptions } from './sft-options.ts';
export { stopRequested } from './stop.ts';
export { scalarFeed, Trainer, type TrainerOptions } from './trainer.ts';
