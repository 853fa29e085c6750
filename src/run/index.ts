export { acrossSeeds } from './across-seeds.ts';
export {
  describeOptions,
  type OptionDescription,
  optionsHelp,
  optionsJsonSchema,
  optionsMarkdown,
} from './describe-options.ts';
export {
  addTables,
  type Evaluation,
  type EvaluationCell,
  type EvaluationColumn,
  type EvaluationRow,
  type EvaluationTable,
  readEvaluation,
  writeEvaluation,
} from './evaluation.ts';
export { findGuard } from './find-guard.ts';
export { withHubFiles } from './hub-inputs.ts';
export { type JsonLines, JsonLinesWriter, readJsonLines } from './json-lines.ts';
export { ledgerInput } from './ledger-input.ts';
export { describeMachine, describeVersions } from './machine.ts';
export {
  type Attempt,
  type InputRecord,
  type Machine,
  type Manifest,
  readManifest,
  type StageRecord,
  type StageStatus,
  type StageUse,
  type Versions,
} from './manifest.ts';
export { type CreateProgressOptions, createProgress } from './progress.ts';
export type { ProgressDisplay, ProgressStream, ProgressUpdate, StageUpdate } from './progress-display.ts';
export { formatDuration, formatMetric, formatNumber } from './progress-format.ts';
export {
  filePath,
  type ParseRecipeOptions,
  parseRecipe,
  type ReadRecipeOptions,
  type Recipe,
  readRecipe,
} from './recipe.ts';
export type { RecipeProblem, Shortcuts } from './recipe-source.ts';
export {
  type EventRecord,
  readEvents,
  readSamples,
  readWarnings,
  type SampleRecord,
  type WarningRecord,
} from './records.ts';
export { outcomeOf } from './report/outcome.ts';
export { writeReport } from './report.ts';
export { resolveModelSpec } from './resolve-model-spec.ts';
export { type OpenRunFolderOptions, openRunFolder, RunFolder, runningProcess } from './run-folder.ts';
export { createStageContext, runStage, type StageContextOptions } from './run-stage.ts';
export { type MlflowOptions, MlflowSink } from './sinks/mlflow.ts';
export type { MlflowServer } from './sinks/mlflow-client.ts';
export { severalDisplays } from './sinks/several.ts';
export { TensorBoardSink } from './sinks/tensorboard.ts';
export {
  type Check,
  type Checks,
  checkProvenance,
  collectProvenance,
  formatProvenance,
  type ProvenanceNode,
  summariseChecks,
} from './trace/index.ts';
