/** Evaluation: suites with baselines and intervals, graders that work offline, win rates, regression checks. */
export { type CurveFit, type CurvePoint, type DataCurve, fitDataCurve } from './data-curve.ts';
export { DataFolder, readAll } from './data-folder.ts';
export {
  type Figure,
  type FigureOptions,
  type ItemValue,
  type Landmark,
  meanFigure,
  shareFigure,
} from './figure.ts';
export { gradeHarm, type HarmGrade } from './grade/harm.ts';
export { type JudgedHarm, judgeHarm } from './grade/judge-harm.ts';
export { gradeRefusal, type RefusalGrade, refuses } from './grade/refusal.ts';
export { type AttackerOptions, type AttackerResult, attackWithModel } from './redteam/attacker.ts';
export { type RecordedAttacks, readRecorded } from './redteam/recorded.ts';
export {
  type Attempt,
  builtInTechniques,
  findingsOf,
  plainRequest,
  type RedTeamOptions,
  type RedTeamResult,
  redTeam,
  type TechniqueResult,
} from './redteam/red-team.ts';
export type { Technique } from './redteam/technique.ts';
export {
  type Change,
  compareFigures,
  type FigureChange,
  type Regression,
  type RegressionOptions,
} from './regression/compare-figures.ts';
export {
  type Answered,
  type Asked,
  answerTo,
  askEach,
  type RewardScorer,
  type Suite,
  type SuiteContext,
  type SuiteResult,
  sampled,
  type TextScorer,
} from './suite.ts';
export { type HarmfulRequest, harmfulRequestFiles, readHarmfulRequests } from './suites/attack-success.ts';
export { type KnownQuestion, runKnownAnswers } from './suites/known-answers.ts';
export {
  type BestOf,
  bestOfCredit,
  readBestOf,
  rewardBenchmarkFiles,
  runRewardBenchmark,
  scoreBestOf,
} from './suites/reward-benchmark.ts';
export { type Suggested, suggestionFigures } from './suites/suggested-answers.ts';
export { publishedSuites, suitesNamed } from './suites.ts';
export { localTextScorer } from './text-scorer.ts';
export { type JudgedAnswers, judgeAnswers, type PromptToAnswer } from './win-rate/judge-answers.ts';
export { type Match, type Rating, ratings } from './win-rate/ratings.ts';
export {
  type Audit,
  auditedWinRate,
  type Judged,
  lengthControlledWinRate,
  type WinRate,
  winRate,
} from './win-rate/win-rate.ts';
