/** Monitors: is a run healthy, and does its reward still mean what it should? See docs/monitors.md. */
export { type BatchSummary, summariseBatch, type WatchedResponse } from './batch-summary.ts';
export { type Canary, type CanaryResult, canaries, canaryWins, judgeCanaries } from './canaries.ts';
export { type Detector, type DetectorName, detectorNames, type Finding } from './detector.ts';
export { fitGold, fittedGain, type GoldFit, type GoldForm, type GoldPoint, goldForms } from './goodhart.ts';
export { type Entry, History, type Point } from './history.ts';
export { type LatentStates, LatentWatch } from './latent/latent-watch.ts';
export { type Alarm, detectors, Monitor } from './monitor.ts';
export {
  type AlarmAction,
  alarmActions,
  detectorMeanings,
  type MonitorOptions,
  monitorOptions,
  monitorShape,
} from './options.ts';
export { type Moments, momentsOf, pool, separation } from './statistics.ts';
export { featureMeanings, featuresOf, type TextFeature, textFeatures } from './text-features.ts';
export { type Thresholds, thresholds } from './thresholds.ts';
