export { type BradleyTerryOptions, type BradleyTerryResult, bradleyTerryLoss } from './bradley-terry.ts';
export {
  type CalibrationBin,
  expectedCalibrationError,
  type PairCalibration,
  pairCalibration,
} from './calibration.ts';
export {
  type CrossEntropyOptions,
  type CrossEntropyResult,
  type CrossEntropyVariant,
  crossEntropyLoss,
} from './cross-entropy.ts';
export { explainedVariance } from './explained-variance.ts';
export { type Advantages, generalisedAdvantages } from './gae.ts';
export {
  type BootstrapOptions,
  bootstrapDifference,
  bootstrapMean,
  type Interval,
  studentInterval,
  wilsonInterval,
} from './intervals.ts';
export { type KlEstimator, klPerToken, klPerTokenTensor } from './kl.ts';
export {
  createKlController,
  type KlController,
  type KlControllerOptions,
  type KlControllerState,
} from './kl-controller.ts';
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
} from './masked-tensor.ts';
export { plackettLuceLoss, type RankingChoices, rankingChoices } from './plackett-luce.ts';
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
export { type RankingPairs, type Ranks, rankingPairs } from './ranking-pairs.ts';
export { maskResponses, type ResponseMask } from './response-mask.ts';
export { conditionScores, type ShapedRewards, shapeRewards } from './rewards.ts';
export { RunningMoments, type RunningMomentsState } from './running-moments.ts';
export { type TrivialBaselines, trivialBaselines } from './trivial-baselines.ts';
