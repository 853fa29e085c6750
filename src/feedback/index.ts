/** Feedback: label tasks and their queue, labels as data. */
export {
  type LabelForm,
  type LabelRecordOptions,
  labelFilter,
  labelRecords,
} from './labels/label-records.ts';
export { labelTimes } from './labels/label-times.ts';
export { type MergedRanking, mergeRankings } from './labels/merge-rankings.ts';
export type { TasksAdded } from './tasks/add-tasks.ts';
export {
  type Assignment,
  type ClaimTasksOptions,
  type Draft,
  LabelQueue,
} from './tasks/label-queue.ts';
export type { Gold, LabelTask, NewLabelTask, Suggestion } from './tasks/label-task.ts';
export type { Purpose } from './tasks/places.ts';
export type { LabelProgress } from './tasks/progress.ts';
export { byCard, byResponse, letterOf, shownOrderOf } from './tasks/shown.ts';
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
