/** Puts tasks and their places into the store. */
import type { Store } from '../../store/index.ts';
import { type LabelTask, type NewLabelTask, toTask } from './label-task.ts';
import { labelPlace, queueName } from './places.ts';

/** What adding tasks came to. */
export interface TasksAdded {
  /** Tasks that are new. */
  readonly added: number;
  /** Tasks that were there already. */
  readonly known: number;
  /** Labels that are now wanted beyond those wanted before. */
  readonly places: number;
}

const tasksPerTransaction = 500;

export async function addTasks(
  store: Store,
  project: string,
  tasks: Iterable<NewLabelTask> | AsyncIterable<NewLabelTask>,
): Promise<TasksAdded> {
  const queue = queueName('label', project);
  let [given, added, places] = [0, 0, 0];
  // Second labels come after the first of all tasks: annotators then rarely meet a task that they have had, and each task
  // has one label before any has two.
  const later: LabelTask[] = [];
  for await (const chunk of chunks(tasks)) {
    const some = chunk.map((task, i) => toTask(project, task, `task ${given + i + 1}`));
    const outcome = await store.write(async (within) => {
      const { numInsertedOrUpdatedRows } = await within.database.write((transaction) =>
        transaction
          .insertInto('label_task')
          .values(
            some.map((task) => ({
              ...{ id: task.id, project, content: JSON.stringify(task), created_at: Date.now() },
            })),
          )
          .onConflict((conflict) => conflict.column('id').doNothing())
          .executeTakeFirstOrThrow(),
      );
      const first = await within.queue(queue).add(some.map((task) => labelPlace(task, '1')));
      return { tasks: Number(numInsertedOrUpdatedRows ?? 0), places: first };
    });
    given += some.length;
    added += outcome.tasks;
    places += outcome.places;
    for (const task of some) if (task.overlap > 1) later.push(slim(task));
  }
  const most = later.reduce((max, { overlap }) => Math.max(max, overlap), 1);
  for (let label = 2; label <= most; label++) {
    const wanted = later.filter(({ overlap }) => overlap >= label);
    for (let i = 0; i < wanted.length; i += tasksPerTransaction) {
      const some = wanted.slice(i, i + tasksPerTransaction);
      places += await store.queue(queue).add(some.map((task) => labelPlace(task, String(label))));
    }
  }
  return { added, known: given - added, places };
}

/** Without its texts, of which there may be many. */
function slim(task: LabelTask): LabelTask {
  return { ...task, item: { prompt: '', responses: [] } };
}

async function* chunks<T>(items: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T[]> {
  let chunk: T[] = [];
  for await (const item of items) {
    chunk.push(item);
    if (chunk.length === tasksPerTransaction) {
      yield chunk;
      chunk = [];
    }
  }
  if (chunk.length > 0) yield chunk;
}
