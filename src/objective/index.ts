export { explainedVariance } from './explained-variance.ts';
export { type Advantages, generalisedAdvantages } from './gae.ts';
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
  countOf,
  keepCounted,
  maskedFraction,
  maskedMeanTensor,
  maskedSumTensor,
  maskedVarianceTensor,
  maskedWhitenTensor,
} from './masked-tensor.ts';
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
export { maskResponses, type ResponseMask } from './response-mask.ts';
export { conditionScores, type ShapedRewards, shapeRewards } from './rewards.ts';
export { RunningMoments, type RunningMomentsState } from './running-moments.ts';
