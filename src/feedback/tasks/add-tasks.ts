/** Puts tasks and their places into the store. */
import { TenetError } from '../../base/index.ts';
import { ledgerFields, type Store, type StoreTransaction } from '../../store/index.ts';
import { type LabelTask, type NewLabelTask, toTask } from './label-task.ts';
import { labelPlace, queueName } from './places.ts';
import { insertTasks } from './task-table.ts';

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

/** @param options.places false: tasks without places, which nobody is given through a queue. Default true */
export async function addTasks(
  store: Store,
  project: string,
  tasks: Iterable<NewLabelTask> | AsyncIterable<NewLabelTask>,
  options: { readonly places?: boolean } = {},
): Promise<TasksAdded> {
  checkProject(project);
  const queue = queueName('label', project);
  let [given, added, places] = [0, 0, 0];
  // Second labels come after the first of all tasks: annotators then rarely meet a task that they have had, and each task
  // has one label before any has two.
  const later: LabelTask[] = [];
  for await (const chunk of chunksOf(tasks, tasksPerTransaction)) {
    const some = chunk.map((task, i) => toTask(project, task, `task ${given + i + 1}`));
    const outcome = await store.write(async (within) => {
      await checkSuggestions(within, some, given);
      const tasks = await insertTasks(within.database, some);
      const wanted = options.places === false ? [] : some.map((task) => labelPlace(task, '1'));
      const first = await within.queue(queue).add(wanted);
      return { tasks, places: first };
    });
    given += some.length;
    added += outcome.tasks;
    places += outcome.places;
    if (options.places === false) continue;
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

/** What the ledger would refuse of every label is refused before anybody has labelled. */
function checkProject(project: string): void {
  if (ledgerFields.name.safeParse(project).success) return;
  throw new TenetError(
    'usage',
    `${JSON.stringify(project)} cannot be the name of a project: it must be 1 to 200 characters on one line.`,
  );
}

/** @param before how many tasks came before these */
async function checkSuggestions(
  { ledger }: Pick<StoreTransaction, 'ledger'>,
  tasks: readonly LabelTask[],
  before: number,
): Promise<void> {
  for (const [i, { suggestion }] of tasks.entries()) {
    const id = suggestion?.eventId;
    if (id === undefined || (await ledger.get(id)) !== null) continue;
    throw new TenetError(
      'data',
      `No tasks were made, because\n  task ${before + i + 1}: suggestion.eventId: there is no event ${id} in this ledger; ` +
        'leave it out for a suggestion that comes from elsewhere.',
    );
  }
}

/** Without its texts, of which there may be many. */
function slim(task: LabelTask): LabelTask {
  return { ...task, item: { prompt: '', responses: [] } };
}

/** As they come, so many at a time; the last ones may be fewer. */
export async function* chunksOf<T>(
  items: Iterable<T> | AsyncIterable<T>,
  size: number,
): AsyncGenerator<T[], void, undefined> {
  let chunk: T[] = [];
  for await (const item of items) {
    chunk.push(item);
    if (chunk.length === size) {
      yield chunk;
      chunk = [];
    }
  }
  if (chunk.length > 0) yield chunk;
}
