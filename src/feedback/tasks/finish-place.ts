/** What happens to the place of a task when its label comes, or a skip: each within the transaction that stores them. */
import { TenetError } from '../../base/index.ts';
import type { DeliverOptions, Delivery, StoreTransaction, WorkItem, WorkQueue } from '../../store/index.ts';
import { removeDraft } from './drafts.ts';
import type { LabelTask } from './label-task.ts';
import { isSkipped, labelPlace, type PlaceResult } from './places.ts';
import type { Submission } from './submission.ts';

/** What is sent in, as far as places are concerned. */
type Sent = Pick<Submission, 'id' | 'taskId' | 'annotator'>;

/** Skips after which nobody else is asked for the same task. */
const maxSkips = 3;

/**
 * Ends the annotator's place of a task.
 * @param name of the queue
 * @param options.once true: one counts for all, as a decision does
 * @returns null when the same submission has done so before
 * @throws TenetError('store') when the annotator has finished a place of the task by another submission; where one counts
 *   for all, also when somebody else has
 */
export async function finishPlace(
  { queue, ledger, database }: StoreTransaction,
  name: string,
  { id, taskId, annotator }: Sent,
  options: DeliverOptions = {},
): Promise<Delivery | null> {
  const places = queue(name);
  let delivery: Delivery;
  try {
    delivery = await places.deliver(taskId, annotator.id, { event: id } satisfies PlaceResult, options);
  } catch (error) {
    if (!TenetError.is(error)) throw error;
    // Only now, since the same submission may have been under way in another process.
    if (await ledger.get(id)) return null;
    const all = await placesOf(places, taskId);
    const own = all.find(({ owner }) => owner === annotator.id);
    const decided = options.once ? all.findLast(({ status }) => status === 'done') : undefined;
    if (!own && decided) throw decidedBefore(taskId, decided);
    if (!own) throw error;
    const { event } = own.result as PlaceResult;
    throw new TenetError(
      'store',
      `${annotator.id} has ${isSkipped(own) ? 'skipped' : 'labelled'} ${taskId} before; correct event ${event} instead.`,
      { details: { taskId, annotator: annotator.id, eventId: event } },
    );
  }
  await removeDraft(database, taskId, annotator.id);
  return delivery;
}

/** Of two decisions the later would undo the earlier, and nobody would see it. */
function decidedBefore(taskId: string, { result }: WorkItem): TenetError {
  const { event } = result as PlaceResult;
  return new TenetError(
    'store',
    `${taskId} has been decided by somebody else meanwhile: event ${event} stands, and this decision was not stored. ` +
      'Skip the task, or go on to the next.',
    { details: { taskId, eventId: event } },
  );
}

/** Ends a place without a label, and opens one for somebody else, unless enough people have skipped the task. */
export async function skipPlace(
  within: StoreTransaction,
  name: string,
  task: LabelTask,
  skip: Sent,
): Promise<void> {
  const delivery = await finishPlace(within, name, skip, { status: 'failed' });
  // A place that was one more than was asked for needs no other in its stead.
  if (delivery === null || delivery.item === 'extra') return;
  const places = within.queue(name);
  const skips = (await placesOf(places, task.id)).filter(isSkipped).length;
  if (skips < maxSkips) await places.add([labelPlace(task, afterSkip(skip.id))]);
}

/**
 * Makes a skipped place a labelled one, and takes back the place that was opened for somebody else.
 * @throws as `finishPlace` does
 */
export async function unskipPlace(
  within: StoreTransaction,
  name: string,
  skipId: string,
  sent: Sent,
  options: Pick<DeliverOptions, 'once'> = {},
): Promise<void> {
  const places = within.queue(name);
  const { taskId, annotator } = sent;
  if (!(await places.reopen(taskId, annotator.id))) return;
  await finishPlace(within, name, sent, options);
  await places.remove([`${taskId}/${afterSkip(skipId)}`]);
}

/**
 * Opens the place of somebody who takes back what ended it. The place that a skip had opened for somebody else goes; where
 * somebody has it already, the own place goes instead, so that no label more is asked for than was.
 * @param skipId null for what was no skip
 */
export async function reopenPlace(
  { queue }: StoreTransaction,
  {
    name,
    taskId,
    annotator,
    skipId,
  }: {
    readonly name: string;
    readonly taskId: string;
    readonly annotator: string;
    readonly skipId: string | null;
  },
): Promise<void> {
  const places = queue(name);
  const before = await placesOf(places, taskId);
  if (!(await places.reopen(taskId, annotator)) || skipId === null) return;
  const substitute = before.find(({ id }) => id === `${taskId}/${afterSkip(skipId)}`);
  if (substitute === undefined || (await places.remove([substitute.id])) > 0) return;
  await places.remove(before.filter(({ owner }) => owner === annotator).map(({ id }) => id));
}

/** All places of a task. */
export async function placesOf(places: WorkQueue, taskId: string): Promise<WorkItem[]> {
  const items: WorkItem[] = [];
  for await (const item of places.read({ group: taskId })) items.push(item);
  return items;
}

function afterSkip(skipId: string): string {
  return `after-${skipId}`;
}
