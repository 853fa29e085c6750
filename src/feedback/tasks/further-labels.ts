/** What follows from labels that disagree: further labels, then a decision. */
import type { StoreTransaction } from '../../store/index.ts';
import { agreementAmong } from '../agreement/outcome.ts';
import type { FurtherLabelsRule } from '../rules.ts';
import { placesOf } from './finish-place.ts';
import type { LabelTask } from './label-task.ts';
import { labelPlace, type PlaceResult, queueName } from './places.ts';
import { standingEvent } from './standing-event.ts';
import type { Submission } from './submission.ts';

/**
 * Once all labels wanted of a task are in and disagree, asks for one more, until there are as many as the rule allows;
 * then the task goes to an adjudicator, where the rule says so. Within the transaction that stores the last label, whose
 * place is done.
 */
export async function settleByFurtherLabels(
  within: StoreTransaction,
  task: LabelTask,
  last: Pick<Submission, 'id' | 'ranks'>,
  { most, agreement: wanted, adjudicate }: FurtherLabelsRule,
): Promise<void> {
  const queue = within.queue(queueName('label', task.project));
  const places = await placesOf(queue, task.id);
  if (places.some(({ status }) => status === 'waiting' || status === 'leased')) return;
  // A label that comes late does not undo what an adjudicator decides.
  if ((await placesOf(within.queue(queueName('adjudication', task.project)), task.id)).length > 0) return;
  const labelled = places.filter(({ status }) => status === 'done');
  const others = labelled.map(({ result }) => (result as PlaceResult).event).filter((id) => id !== last.id);
  const standing = await Promise.all(others.map((id) => standingEvent(within.ledger, id)));
  const rankings = [...standing, last].flatMap((label) =>
    label?.ranks === undefined ? [] : [{ id: label.id, ranks: label.ranks }],
  );
  const agreement = agreementAmong(rankings.map(({ ranks }) => ranks));
  if (agreement === null || agreement >= wanted) return;
  if (labelled.length < most) await queue.add([labelPlace(task, `further-${places.length}`)]);
  else if (adjudicate) await escalateTask(within, task, idsOf(rankings));
}

function idsOf(events: readonly { readonly id: string }[]): string[] {
  return events.map(({ id }) => id);
}

/** Puts a task before an adjudicator. Doing so again about the same labels changes nothing. */
export async function escalateTask(
  { queue }: Pick<StoreTransaction, 'queue'>,
  task: LabelTask,
  basedOn: readonly string[],
): Promise<void> {
  const labels = [...basedOn].sort();
  await queue(queueName('adjudication', task.project)).add([
    {
      ...{ id: `${task.id}/${labels.join(',')}`, group: task.id, priority: task.priority, maxAttempts: null },
      payload: { task: task.id, basedOn: labels },
    },
  ]);
}
