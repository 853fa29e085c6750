/** Feedback: label tasks and their queue. */
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
