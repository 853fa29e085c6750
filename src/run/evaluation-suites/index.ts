/** Suites that need the whole of Tenet: the sandbox world, and reward models. */
export { type OpenRewardScorer, openRewardScorer } from './reward-scorer.ts';
export { sandboxCalibrationSuite, sandboxSuite, sandboxSycophancySuite } from './sandbox.ts';
