/** Feedback: label tasks and their queue, labels as data, agreement and quality, labelling shared between a judge and people. */
export { type JudgedTask, type Judgement, judgedTasks } from './agreement/judgements.ts';
export { cohenKappa, fleissKappa } from './agreement/kappa.ts';
export { kendallTauB, kendallW } from './agreement/kendall.ts';
export {
  alphaOf,
  bootstrapOfSums,
  type Coincidences,
  coincidencesOf,
  krippendorffAlpha,
  type Level,
} from './agreement/krippendorff.ts';
export {
  type Agreement,
  type AgreementOptions,
  agreementBy,
  byLabel,
  type Comparison,
  measureAgreement,
  type SliceBy,
} from './agreement/measure-agreement.ts';
export { agreementAmong, outcomeOf } from './agreement/outcome.ts';
export { AGREEMENT_SLICES, inOrder, type NamedSlice, type SliceName } from './agreement/slices.ts';
export { type Guideline, readGuideline, writeGuideline } from './guidelines.ts';
export {
  advanceHybrid,
  type HybridInput,
  type HybridState,
  type Placing,
  type RoutedItem,
} from './hybrid/advance-hybrid.ts';
export {
  type CostOptions,
  costOptions,
  medianSeconds,
  peopleCost,
  usualHumanAgreement,
  usualSecondsPerLabel,
} from './hybrid/costs.ts';
export { type HumanLabel, type HumanLabels, humanLabels, labelsByContent } from './hybrid/human-labels.ts';
export { type HybridOptions, hybridOptions } from './hybrid/hybrid-options.ts';
export {
  type AuditReport,
  type HybridCost,
  type HybridReport,
  reportHybrid,
} from './hybrid/hybrid-report.ts';
export { compareJobs, contentKey, type JudgedItem, judgedItems } from './hybrid/judged-item.ts';
export { agreementAmongPeople, type Measured, measureJudge } from './hybrid/measure-judge.ts';
export { type LabelSource, type MixedLabel, mixedLabel } from './hybrid/mixed-label.ts';
export { type LabelPlan, type PlanRow, planLabels } from './hybrid/plan-labels.ts';
export { type ImportOptions, importLabels, type LabelsImported } from './labels/import-labels.ts';
export {
  LABEL_FORMS,
  type LabelForm,
  type LabelRecordOptions,
  labelFilter,
  labelRecords,
} from './labels/label-records.ts';
export { labelTimes } from './labels/label-times.ts';
export { type MergedRanking, mergeRankings } from './labels/merge-rankings.ts';
export {
  lookUp,
  type Priorities,
  type Prioritised,
  prioritiesOfFile,
  prioritiesOfJob,
  prioritiseTasks,
  priorityOfMembers,
} from './priority/priorities.ts';
export { ensembleDisagreement, scoreUncertainty, uncertaintyOf } from './priority/uncertainty.ts';
export type { QualificationState } from './qualification/attempts.ts';
export { Qualification } from './qualification/qualification.ts';
export { type AnnotatorQuality, annotatorQuality } from './quality/annotator-quality.ts';
export { type DawidSkene, type DawidSkeneOptions, dawidSkene, type Vote } from './quality/dawid-skene.ts';
export { type GoldAccuracy, goldAccuracy } from './quality/gold-accuracy.ts';
export { type Habits, labelHabits, leastTimeFor, type Suspicion } from './quality/habits.ts';
export { estimateReliability, labelWeights, type Reliability } from './quality/reliability.ts';
export { type SelfAgreement, selfAgreement } from './quality/self-agreement.ts';
export { shareRight } from './quality/share-right.ts';
export {
  type CalibrationMethod,
  type CalibrationPair,
  type Calibrator,
  calibrated,
  calibrateJudge,
  fitCalibrator,
  type JudgeCalibration,
} from './routing/calibrate.ts';
export {
  type ChosenThreshold,
  candidateThresholds,
  chooseThreshold,
  type JudgedConfidence,
} from './routing/choose-threshold.ts';
export {
  type LabelledValue,
  type PoweredEstimate,
  predictionPoweredMean,
} from './routing/prediction-powered.ts';
export { isAudited, type Route, routeOf, type Thresholds } from './routing/route.ts';
export {
  type FurtherLabelsRule,
  type NewProjectRules,
  type ProjectRules,
  type QualificationRule,
  readRules,
  writeRules,
} from './rules.ts';
export type { TasksAdded } from './tasks/add-tasks.ts';
export type { Draft } from './tasks/drafts.ts';
export {
  type Assignment,
  type ClaimTasksOptions,
  LabelQueue,
} from './tasks/label-queue.ts';
export { type Gold, type LabelTask, type NewLabelTask, type Suggestion, toTask } from './tasks/label-task.ts';
export type { Purpose } from './tasks/places.ts';
export type { LabelProgress } from './tasks/progress.ts';
export { byCard, byResponse, letterOf, shownOrderOf } from './tasks/shown.ts';
export { standingEvent } from './tasks/standing-event.ts';
export {
  type Annotator,
  denseRanks,
  SKIP_REASONS,
  type Skip,
  type SkipReason,
  type Submission,
  type TimeSpent,
} from './tasks/submission.ts';
export { labelProjects } from './tasks/task-table.ts';
export { type TaskView, viewOf } from './tasks/task-view.ts';
export { tasksFromPrompts } from './tasks/tasks-from-prompts.ts';
export { type TaskOptions, type TaskRows, tasksFromRecords } from './tasks/tasks-from-records.ts';
