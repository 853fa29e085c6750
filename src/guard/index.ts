/** The guard: what screens conversations before, while and after a model answers. */

export {
  type CascadeGuard,
  type CascadeStage,
  cascade,
  type StageCounts,
} from './cascade/cascade.ts';
export { type JudgeGuardOptions, judgeGuard } from './cascade/judge.ts';
export { openCascade } from './cascade/open-cascade.ts';
export type { ClassifierGuard, OpenClassifierOptions } from './classifier/classifier-guard.ts';
export { type GuardFile, guardFileName, readGuardFile, testFileName } from './classifier/guard-file.ts';
export { type GuardKind, guardKinds, headNames } from './classifier/heads.ts';
export { openClassifierGuard } from './classifier/open-classifier-guard.ts';
export { refusalRates } from './classifier/thresholds.ts';
export { type GuardExample, toGuardRow } from './data/guard-example.ts';
export {
  type GuardInputs,
  type GuardSource,
  type ReadSource,
  readGuardSources,
} from './data/guard-sources.ts';
export { familyOf, type GuardParts, type PartOptions, partExamples } from './data/prepare.ts';
export { type GuardData, type ReadGuardOptions, readGuardData } from './data/read-guard-data.ts';
export { type GeneratedData, type GenerateOptions, generateGuardData } from './data/synthetic/generate.ts';
export {
  type AnswerReport,
  type Course,
  Exchange,
  type ExchangeOptions,
  type ExchangeReport,
  type GuardObserver,
  type Outcome,
  type RequestFacts,
} from './enforce/exchange.ts';
export { GuardedAnswer, type GuardedAnswerOptions, type Piece } from './enforce/guarded-answer.ts';
export { ScreeningFailure } from './enforce/screening-failure.ts';
export { isNear, type Verdict, verdictOf, type Where } from './enforce/verdict.ts';
export type { KeywordList } from './harmful-words.ts';
export { keywordGuard } from './keywords.ts';
export { CaseLedger, type CaseLedgerOptions } from './ledger/case-ledger.ts';
export { casesOf, type GuardCase, taskOf, type Why } from './ledger/guard-case.ts';
export {
  type ExportedCases,
  exportCases,
  type GuardRecord,
  guardRecords,
} from './ledger/guard-records.ts';
export { type Guard, type GuardOptions, guard } from './middleware/guard.ts';
export type { HonoGuardOptions } from './middleware/hono-middleware.ts';
export { AuditLog, type AuditLogOptions } from './observe/audit-log.ts';
export { GuardMetrics } from './observe/metrics.ts';
export { openRecords, type Records, type RecordsOptions } from './observe/open-records.ts';
export { type OpenGuardOptions, openGuard } from './open-guard.ts';
export {
  type GuardPolicy,
  type GuardPolicyInput,
  type GuardRules,
  policySchema,
  refusesOtherContent,
  rulesFor,
  type Thresholds,
} from './policy/policy.ts';
export { parsePolicy, readPolicy, toPolicy } from './policy/read-policy.ts';
export { SharedProbe } from './probe/shared-probe.ts';
export type { SharedAnswer, SharedReading } from './probe/shared-reading.ts';
export { type TrainProbesOptions, trainProbes } from './probe/train-probes.ts';
export {
  type EvaluatedGuard,
  type EvaluateGuardOptions,
  evaluateGuard,
  type GuardReport,
  type Mistake,
} from './report/evaluate-guard.ts';
export { addedShare, type GenerationCost, measureGeneration } from './report/generation-cost.ts';
export { type GuardLatency, measureLatency } from './report/latency.ts';
export {
  type Decision,
  decisionsOf,
  type GuardMeasure,
  type Judged,
  measureGuard,
  type Share,
  type Thresholds as UsedThresholds,
} from './report/measure.ts';
export { guardReportPage } from './report/page.ts';
export { type ScoredExample, scoreExamples } from './report/score-examples.ts';
export type { GuardMessage, GuardModel, OutputScreen, Screening } from './screen.ts';
export { mostMeasured } from './train/classifier.ts';
export {
  type ClassifierOptions,
  classifierOptions,
  type GuardTrainOptions,
  guardTrainOptions,
} from './train/classifier-options.ts';
export { type PlanTextsOptions, plannedLengths } from './train/plan-texts.ts';
export { type TrainGuardOptions, trainGuard } from './train/train-guard.ts';
export { type FormerGuard, makeTrunk, type NewTrunk, type Trunk } from './train/trunk.ts';
export type { Conversations } from './wire/conversation.ts';
export { chatDialect, completionDialect, type Dialect } from './wire/dialect.ts';
export { guardResponse, refuseInput } from './wire/guard-response.ts';
export type { GuardedCall, ReadLimits } from './wire/guarded-call.ts';
export { refuseUnreadable } from './wire/texts.ts';
export { guardUnavailable, unreadable, WireError, type WireErrorBody } from './wire/wire-error.ts';
