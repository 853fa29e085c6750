/** Which open tasks are labelled first, from what models or files say of their responses. */
import { TenetError } from '../../base/index.ts';
import { examplesOf, formatOfRow, openRows, type RankingExample, validateRecord } from '../../data/index.ts';
import type { Store } from '../../store/index.ts';
import { contentKey, judgedItems, preferencesOf } from '../hybrid/judged-item.ts';
import type { LabelQueue } from '../tasks/label-queue.ts';
import type { LabelTask } from '../tasks/label-task.ts';
import { itemOf } from '../tasks/tasks-from-records.ts';
import { ensembleDisagreement, scoreUncertainty, uncertaintyOf } from './uncertainty.ts';

/** By content of prompt and responses, or by id of the task. */
export type Priorities = ReadonlyMap<string, number>;

/** What re-ordering a queue came to. */
export interface Prioritised {
  /** Tasks that are open. */
  readonly open: number;
  /** Of those, how many were given a priority. */
  readonly found: number;
}

/** From the labels of an AI judge, as `tenet compare` makes them: the less certain, the earlier. */
export async function prioritiesOfJob(store: Store, job: string): Promise<Map<string, number>> {
  const items = await judgedItems(store, job);
  return new Map(
    items.map(({ key, item, probabilities }) => [
      key,
      uncertaintyOf(preferencesOf(probabilities, item.responses.length)) ?? 0,
    ]),
  );
}

/**
 * From a file whose rows say of themselves `priority`, or have soft labels (`preferences`, `probability`), or `members`, the
 * scores [M][K] of an ensemble. They name a task by its id (`task`), or by prompt and responses in any format that has them.
 * @throws TenetError('data') naming the line of a row that says neither
 */
export async function prioritiesOfFile(path: string): Promise<Map<string, number>> {
  const priorities = new Map<string, number>();
  const { rows } = await openRows(path);
  for await (const { value, error, line } of rows) {
    const refuse = (why: string): never => {
      throw new TenetError('data', `${path}:${line}: ${why}`);
    };
    if (error !== undefined || typeof value !== 'object' || value === null) {
      return refuse(error ?? 'is no object');
    }
    const ranking = rankingOf(value);
    const priority = priorityOf(value, ranking);
    if (priority === null)
      return refuse('says no priority, and has neither soft labels nor scores of members');
    const { task } = value as { readonly task?: unknown };
    if (typeof task === 'string') priorities.set(task, priority);
    else if (ranking) priorities.set(contentKey(itemOf(ranking, undefined)), priority);
    else return refuse('names no task: give its id as "task", or prompt and responses');
  }
  return priorities;
}

function rankingOf(row: object): RankingExample | null {
  const format = formatOfRow(row);
  if (format === null || validateRecord(row, format).length > 0) return null;
  const [example] = examplesOf(row, format);
  return example?.kind === 'ranking' ? example : null;
}

function priorityOf(row: object, ranking: RankingExample | null): number | null {
  const { priority, members } = row as { readonly priority?: unknown; readonly members?: unknown };
  const given = typeof priority === 'string' ? Number(priority) : priority; // as CSV has numbers
  if (typeof given === 'number' && Number.isFinite(given)) return given;
  if (ranking && isMembers(members, ranking.responses.length)) return priorityOfMembers(members);
  return ranking?.preferences ? uncertaintyOf(ranking.preferences) : null;
}

/** Of one model: how undecided it is; of several: how far they disagree. @param members [M][K] scores */
export function priorityOfMembers(members: readonly ArrayLike<number>[]): number {
  return members.length === 1 ? scoreUncertainty(members[0]) : ensembleDisagreement(members);
}

/**
 * Gives open tasks new priorities, the higher the earlier; those that are not named keep theirs.
 * @param priorities by task; undefined for those that nothing is known of
 */
export async function prioritiseTasks(
  queue: LabelQueue,
  priorities: (tasks: readonly LabelTask[]) => Promise<readonly (number | undefined)[]>,
): Promise<Prioritised> {
  const open = await queue.open();
  let [seen, found] = [0, 0];
  let some: LabelTask[] = [];
  const flush = async (): Promise<void> => {
    const given = await priorities(some);
    const known = some.flatMap(({ id }, i) => (given[i] === undefined ? [] : [[id, given[i]] as const]));
    await queue.prioritise(new Map(known));
    found += known.length;
    some = [];
  };
  for await (const task of queue.read()) {
    if (!open.has(task.id)) continue;
    seen++;
    some.push(task);
    if (some.length === tasksAtOnce) await flush();
  }
  if (some.length > 0) await flush();
  return { open: seen, found };
}

const tasksAtOnce = 500;

/** Looks tasks up by id, else by content. */
export function lookUp(
  priorities: Priorities,
): (tasks: readonly LabelTask[]) => Promise<(number | undefined)[]> {
  return async (tasks) => tasks.map(({ id, item }) => priorities.get(id) ?? priorities.get(contentKey(item)));
}

function isMembers(value: unknown, K: number): value is number[][] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((scores) => Array.isArray(scores) && scores.length === K && scores.every(Number.isFinite))
  );
}
