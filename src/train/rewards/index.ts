export { loadTextReward } from './load-text-reward.ts';
export { modelObjective, type RewardMember } from './model-objective.ts';
export { type Objective, type ObjectiveScores, objectiveOf } from './objective.ts';
export {
  type MixedRewards,
  RewardMix,
  type RewardMixOptions,
  type RewardMixState,
  type RewardSource,
  weightOf,
} from './reward-mix.ts';
export { type RuleOptions, ruleOptions } from './rule-options.ts';
export { type Rule, ruleOf } from './rules.ts';
export { type ResponseFacts, type TextReward, type TextRewardOptions, textReward } from './text-reward.ts';
