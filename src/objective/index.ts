export { bestOfNExpectations, bestOfNKlBound, rejectionKlBound } from './best-of-n.ts';
export { type BradleyTerryOptions, type BradleyTerryResult, bradleyTerryLoss } from './bradley-terry.ts';
export {
  type CalibrationBin,
  expectedCalibrationError,
  type PairCalibration,
  pairCalibration,
} from './calibration.ts';
export type { ClipMetrics } from './clip-metrics.ts';
export { type CpoLossType, type CpoMetrics, type CpoOptions, cpoLoss } from './cpo.ts';
export {
  type CrossEntropyOptions,
  type CrossEntropyResult,
  type CrossEntropyVariant,
  crossEntropyLoss,
} from './cross-entropy.ts';
export { type DpoOptions, dpoLoss, type PreferenceMetrics } from './dpo.ts';
export type { DpoLossType } from './dpo-losses.ts';
export { explainedVariance } from './explained-variance.ts';
export { divergenceScores, type FDivergence } from './f-divergence.ts';
export { type Advantages, generalisedAdvantages } from './gae.ts';
export {
  type GroupAdvantages,
  groupAdvantages,
  leaveOneOutAdvantages,
  normaliseThenSumAdvantages,
  weightedRewards,
} from './group-advantages.ts';
export { type GrpoLossType, type GrpoMetrics, type GrpoOptions, grpoLoss } from './grpo.ts';
export { highEntropyMask } from './high-entropy-mask.ts';
export {
  type ImportanceMode,
  type ImportanceWeights,
  importanceModes,
  importanceWeights,
} from './importance-sampling.ts';
export {
  type BootstrapOptions,
  bootstrapDifference,
  bootstrapMean,
  clopperPearsonInterval,
  type Interval,
  studentInterval,
  wilsonInterval,
} from './intervals.ts';
export { type KlEstimator, klPerResponse, klPerToken, klPerTokenTensor } from './kl.ts';
export {
  createKlController,
  type KlController,
  type KlControllerOptions,
  type KlControllerState,
} from './kl-controller.ts';
export { klLoss, klPenaltyTensor } from './kl-loss.ts';
export { type KnownMoments, knownMoments } from './known-moments.ts';
export { type KtoMetrics, type KtoOptions, ktoLoss, ktoReferencePoint } from './kto.ts';
export {
  createLagrangeMultiplier,
  type LagrangeMultiplier,
  type LagrangeOptions,
  type LagrangeState,
} from './lagrange-multiplier.ts';
export {
  type Counted,
  maskedCount,
  maskedMean,
  maskedSum,
  maskedVariance,
  maskedWhiten,
  type Values,
} from './masked.ts';
export {
  keepCounted,
  maskedCountTensor,
  maskedFraction,
  maskedMeanTensor,
  maskedSumTensor,
  maskedVarianceTensor,
  maskedWhitenTensor,
  rowCountTensor,
} from './masked-tensor.ts';
export { trlMetricNames } from './metric-names.ts';
export { type OrpoMetrics, type OrpoOptions, orpoLoss } from './orpo.ts';
export { lengthDesensitisedWeights, onPolicyWeights } from './pair-weights.ts';
export { plackettLuceLoss, type RankingChoices, rankingChoices } from './plackett-luce.ts';
export { fitPlatt, type PlattScaling, plattProbability } from './platt.ts';
export {
  type PpoOptions,
  type PpoPolicyOptions,
  type PpoPolicyResult,
  type PpoResult,
  type PpoValueOptions,
  type PpoValueResult,
  ppoLoss,
  ppoPolicyLoss,
  ppoValueLoss,
} from './ppo-loss.ts';
export { fitPreferenceWeights, type PreferenceWeights } from './preference-weights.ts';
export { type ProbeLossOptions, probeLoss } from './probe-loss.ts';
export { binomialCumulative, normalQuantile, sampleQuantile, studentQuantile } from './quantiles.ts';
export { type Preferences, type RankingPairs, type Ranks, rankingPairs } from './ranking-pairs.ts';
export { reinforcePlusPlusAdvantages, reinforcePlusPlusBaselineAdvantages } from './reinforce-plus-plus.ts';
export { maskResponses, type ResponseMask } from './response-mask.ts';
export {
  type EnsembleRewards,
  type EnsembleRule,
  ensembleRewards,
  ensembleRules,
} from './reward-ensemble.ts';
export {
  mixRewards,
  type RewardAggregation,
  rewardAggregations,
} from './reward-mix.ts';
export { conditionScores, type ShapedRewards, shapeRewards } from './rewards.ts';
export type { RlooMetrics } from './rloo.ts';
export { rlooLoss } from './rloo.ts';
export { areaUnderRoc, type RocPoint, rocCurve } from './roc.ts';
export { RunningMoments, type RunningMomentsState } from './running-moments.ts';
export {
  blendAt,
  type StreamingClassifierOptions,
  type StreamingClassifierResult,
  streamingClassifierLoss,
} from './streaming-classifier.ts';
export { gridLayout, packedLayout, type TokenLayout } from './token-layout.ts';
export { type TrivialBaselines, trivialBaselines } from './trivial-baselines.ts';
