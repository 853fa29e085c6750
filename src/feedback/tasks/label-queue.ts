/**
 * The label queue of a project: tasks are given out to annotators under leases, and what they send in goes to the ledger.
 *
 * Each task has as many places as labels are wanted; nobody gets two places of one task. A label and the end of its place
 * are one transaction, so an acknowledged label is never lost and a task never waits for a label that is there.
 */
import { TenetError } from '../../base/index.ts';
import type { Lease, LedgerEvent, Store, StoreTransaction } from '../../store/index.ts';
import { Qualification } from '../qualification/qualification.ts';
import { readRules } from '../rules.ts';
import { addTasks, type TasksAdded } from './add-tasks.ts';
import { type Draft, readDraft, saveDraft } from './drafts.ts';
import { finishPlace, placesOf, reopenPlace, skipPlace, unskipPlace } from './finish-place.ts';
import { escalateTask, settleByFurtherLabels } from './further-labels.ts';
import { audienceNames, type LabelTask, type NewLabelTask } from './label-task.ts';
import { isSkipped, labelPlace, type Purpose, placeOf, queueName } from './places.ts';
import { type LabelProgress, passedOverIn, progressOf } from './progress.ts';
import { isSuggestionShown, shownOrderOf } from './shown.ts';
import {
  type Annotator,
  labelEventOf,
  purposeOf,
  type Skip,
  type Submission,
  skipEventOf,
} from './submission.ts';
import { readTask, readTasks } from './task-table.ts';
import { isTest, testOf } from './test-project.ts';

/** A task given out to an annotator. */
export interface Assignment {
  readonly task: LabelTask;
  /** `qualification`: a question of the test that comes before the project's tasks. */
  readonly purpose: Purpose | 'qualification';
  /** [K] `shownOrder[position]` is the index of the response that stands there. */
  readonly shownOrder: readonly number[];
  readonly suggestionShown: boolean;
  /** What the annotator had saved of it; null for nothing. */
  readonly draft: Draft | null;
  /** Of an adjudication: ids of the labels that disagree. */
  readonly basedOn: readonly string[];
  /** When others can get the place, in milliseconds since 1970. What is sent later is taken all the same. */
  readonly expiresAt: number;
}

export interface ClaimTasksOptions {
  /** So many tasks, those that the annotator holds already among them. Default 1. */
  readonly limit?: number;
  /** Default 30 minutes. */
  readonly leaseMs?: number;
  /** Default `label`. */
  readonly purpose?: Purpose;
}

const defaultLeaseMs = 30 * 60_000;

export class LabelQueue {
  readonly project: string;
  /** The test that annotators pass before they get tasks, where the project's rules ask for one. */
  readonly qualification: Qualification;
  private readonly store: Store;

  /** @param project names the tasks and labels that belong together; exists once it has a task */
  constructor(store: Store, project: string) {
    this.store = store;
    this.project = project;
    this.qualification = new Qualification(store, project);
  }

  /**
   * Adds tasks that are not there yet, and places where more labels are wanted than before. Adding the same again changes
   * nothing, so what was interrupted is simply done again.
   * @throws TenetError('data') for a task that cannot be one; those before it are added
   */
  add(tasks: Iterable<NewLabelTask> | AsyncIterable<NewLabelTask>): Promise<TasksAdded> {
    return addTasks(this.store, this.project, tasks);
  }

  /** A task, or a question of the project's test. @throws TenetError('usage') when the project has no such task */
  async get(taskId: string): Promise<LabelTask> {
    const task = await readTask(this.store.database, taskId);
    if (task?.project === this.project || task?.project === testOf(this.project)) return task;
    throw new TenetError('usage', `project ${this.project} has no task ${taskId}.`, { details: { taskId } });
  }

  /** All tasks in the order added. */
  read(): AsyncIterable<LabelTask> {
    return readTasks(this.store.database, this.project);
  }

  /**
   * The next tasks for an annotator: first those that she holds, which a client that was restarted goes on with; then
   * the most urgent that she has not had. Fewer than asked for when there are no more. Who has a qualification test before
   * her gets its questions instead, and who has not passed it nothing.
   */
  async claim(annotator: Annotator, options: ClaimTasksOptions = {}): Promise<Assignment[]> {
    const { limit = 1, leaseMs = defaultLeaseMs, purpose = 'label' } = options;
    const test = purpose === 'label' ? await this.qualification.state(annotator) : null;
    if (test !== null && test.status !== 'passed') {
      if (test.status !== 'testing') return [];
      const questions = await this.qualification.next(annotator.id, test, limit);
      const expiresAt = Date.now() + leaseMs;
      return Promise.all(questions.map((task) => this.question(task, annotator, expiresAt)));
    }
    const queue = this.store.queue(this.places(purpose));
    const held = (await queue.held(annotator.id)).slice(0, limit);
    const kept = await Promise.all(held.map((lease) => queue.extend(lease, leaseMs).catch(ifLost)));
    const leases = kept.filter((lease) => lease !== null);
    if (leases.length < limit) {
      const audiences = audienceNames([
        ...(annotator.audiences ?? []),
        ...(annotator.group === undefined ? [] : [annotator.group]),
      ]);
      const wanted = limit - leases.length;
      leases.push(
        ...(await queue.claim({
          owner: annotator.id,
          limit: wanted,
          leaseMs,
          audiences,
          oncePerGroup: true,
        })),
      );
    }
    return Promise.all(leases.map((lease) => this.assignment(lease, annotator, purpose)));
  }

  /** Prolongs the annotator's leases from now on; for clients that show they are still there. @returns how many */
  async extend(
    annotator: string,
    leaseMs: number = defaultLeaseMs,
    purpose: Purpose = 'label',
  ): Promise<number> {
    const queue = this.store.queue(this.places(purpose));
    const extended = await Promise.all(
      (await queue.held(annotator)).map((lease) => queue.extend(lease, leaseMs).catch(ifLost)),
    );
    return extended.filter((lease) => lease !== null).length;
  }

  /** Gives back what an annotator holds, for others; drafts are kept. @param taskId default: all of it. @returns how many */
  async release(annotator: string, taskId?: string, purpose: Purpose = 'label'): Promise<number> {
    const queue = this.store.queue(this.places(purpose));
    let released = 0;
    for (const lease of await queue.held(annotator)) {
      if (taskId !== undefined && placeOf(lease).task !== taskId) continue;
      if ((await queue.release(lease).catch(ifLost)) !== null) released++;
    }
    return released;
  }

  /**
   * Stores a label. When it returns, the label is on disk and its place is done; sent again under the same id, it is stored
   * once and answered alike. It is taken whether the lease still holds or not.
   * @throws TenetError('data') for a label that judges nothing; TenetError('store') when the annotator has labelled the
   *   task before (`details.eventId`) or the id belongs to something else
   */
  async submit(submission: Submission): Promise<LedgerEvent> {
    const task = await this.get(submission.taskId);
    if (isTest(task.project)) return this.qualification.answer(task, submission);
    await this.refuseUnqualified(submission);
    const event = labelEventOf(task, submission, { kind: 'label' });
    const { furtherLabels } = await readRules(this.store.database, this.project);
    return this.store.write(async (within) => {
      const delivery = await finishPlace(within, this.places('label'), submission);
      if (delivery !== null && furtherLabels !== null) {
        await settleByFurtherLabels(within, task, submission, furtherLabels);
      }
      return within.ledger.append(event);
    });
  }

  /**
   * Stores that an annotator passes a task on; somebody else is asked instead, but nobody in the stead of an adjudicator.
   * Answers and refuses as `submit` does.
   */
  async skip(skip: Skip, purpose: Purpose = 'label'): Promise<LedgerEvent> {
    const task = await this.get(skip.taskId);
    if (isTest(task.project)) return this.qualification.pass(task, skip);
    if (purpose === 'label') await this.refuseUnqualified(skip);
    const event = skipEventOf(task, skip, purpose);
    return this.store.write(async (within) => {
      if (purpose === 'label') await skipPlace(within, this.places('label'), task, skip);
      else await finishPlace(within, this.places('adjudication'), skip, { status: 'failed' });
      return within.ledger.append(event);
    });
  }

  /**
   * Replaces a label or a skip of the annotator by a new label; the old one stays in the ledger as superseded.
   * @throws TenetError('store') when somebody has corrected it before, or it is not hers; or when it was a skip of a decision
   *   that somebody else has taken meanwhile
   */
  async correct(eventId: string, submission: Submission): Promise<LedgerEvent> {
    const task = await this.get(submission.taskId);
    if (isTest(task.project)) {
      throw new TenetError('usage', 'answers of the qualification test are final.', {
        details: { taskId: task.id },
      });
    }
    const before = await this.ownEvent(eventId, submission);
    const purpose = purposeOf(before);
    const isDecision = purpose === 'adjudication';
    const basedOn = before.basedOn ?? (isDecision ? await this.decidedLabels(submission) : undefined);
    const event = labelEventOf(task, submission, {
      kind: isDecision ? 'adjudication' : 'label',
      supersedes: eventId,
      ...(basedOn && { basedOn }),
    });
    return this.store.write(async (within) => {
      if (before.kind === 'skip') {
        await unskipPlace(within, this.places(purpose), eventId, submission, { once: isDecision });
        if (isDecision) await this.endLabelling(within, task.id);
      }
      return within.ledger.append(event);
    });
  }

  /**
   * Takes back a label or a skip: nothing of the annotator's stands any more, and the task can be claimed again.
   * @param id of the withdrawal, chosen by the client as for submissions
   */
  async withdraw(
    eventId: string,
    {
      id,
      annotator,
      reason,
    }: { readonly id: string; readonly annotator: Annotator; readonly reason?: string },
  ): Promise<LedgerEvent> {
    const known = await this.store.ledger.get(id);
    const before = known ?? (await this.ownEvent(eventId, { annotator }));
    const taskId = before.taskId!;
    const { kind = 'human', group } = annotator;
    return this.store.write(async (within) => {
      if (!known) {
        const place = { name: this.places(purposeOf(before)), taskId, annotator: annotator.id };
        await reopenPlace(within, { ...place, skipId: before.kind === 'skip' ? eventId : null });
      }
      return within.ledger.append({
        ...{ id, kind: 'withdrawal', project: this.project, taskId, supersedes: eventId },
        judge: { kind, id: annotator.id, ...(group !== undefined && { group }) },
        ...(reason !== undefined && { rationale: reason }),
      });
    });
  }

  /** What an annotator has sent in and still stands, the newest first. @param purpose default: both */
  async recent(annotator: string, limit = 20, purpose?: Purpose): Promise<LedgerEvent[]> {
    const events: LedgerEvent[] = [];
    const { ledger } = this.store;
    const kinds = ['label', 'skip', 'adjudication'] as const;
    const filter = { project: this.project, judgeId: annotator, kinds, current: true };
    for await (const event of ledger.read({ ...filter, newestFirst: true })) {
      if (purpose === undefined || purposeOf(event) === purpose) events.push(event);
      if (events.length === limit) break;
    }
    return events;
  }

  /** Keeps what an annotator has done of a task so far; the next draft replaces it, and a label removes it. */
  saveDraft(taskId: string, annotator: string, draft: Draft): Promise<void> {
    return saveDraft(this.store.database, taskId, annotator, draft);
  }

  draft(taskId: string, annotator: string): Promise<Draft | null> {
    return readDraft(this.store.database, taskId, annotator);
  }

  /** Changes how urgent tasks are, such as by the disagreement of an ensemble. @returns how many places that concerned */
  prioritise(priorities: ReadonlyMap<string, number>): Promise<number> {
    return this.store.queue(this.places('label')).prioritise(priorities, 'group');
  }

  /** Asks for further labels of a task, such as where those there are disagree. @returns how many are wanted now */
  async askForMore(taskId: string, labels = 1): Promise<number> {
    const task = await this.get(taskId);
    return this.store.write(async ({ queue }) => {
      const places = await placesOf(queue(this.places('label')), taskId);
      const asked = places.filter((item) => !isSkipped(item)).length;
      const more = Array.from({ length: labels }, (_, i) => labelPlace(task, `more-${places.length + i}`));
      await queue(this.places('label')).add(more);
      return asked + labels;
    });
  }

  /** Puts a task before an adjudicator. Doing so again about the same labels changes nothing. @param basedOn the labels that disagree */
  async escalate(taskId: string, basedOn: readonly string[]): Promise<void> {
    const task = await this.get(taskId);
    await this.store.write((within) => escalateTask(within, task, basedOn));
  }

  /** Whether a task was ever put before an adjudicator. */
  async isEscalated(taskId: string): Promise<boolean> {
    return (await placesOf(this.store.queue(this.places('adjudication')), taskId)).length > 0;
  }

  /**
   * Stores the decision of an adjudicator. Answers and refuses as `submit` does; one that comes after the lease has ended
   * is taken if nobody else has decided meanwhile.
   */
  async adjudicate(submission: Submission): Promise<LedgerEvent> {
    const { taskId } = submission;
    const task = await this.get(taskId);
    const basedOn = await this.decidedLabels(submission);
    const event = labelEventOf(task, submission, { kind: 'adjudication', basedOn });
    return this.store.write(async (within) => {
      await finishPlace(within, this.places('adjudication'), submission, { once: true });
      await this.endLabelling(within, taskId);
      return within.ledger.append(event);
    });
  }

  /**
   * Ids of the tasks that want labels and that nobody who labels here can give one: everybody has labelled or skipped
   * them, and somebody has skipped them. Whoever comes new may still take them.
   */
  passedOver(): Promise<Set<string>> {
    return passedOverIn(this.store.database, this.places('label'));
  }

  /** Ids of the tasks that still want labels or a decision; those that too many have skipped are not among them. */
  async open(purpose: Purpose = 'label'): Promise<Set<string>> {
    const rows = await this.store.database.read((db) =>
      db
        .selectFrom('work_item')
        .where('queue', '=', this.places(purpose))
        .where('status', 'in', ['waiting', 'leased'])
        .select('group_key')
        .distinct()
        .execute(),
    );
    return new Set(rows.map(({ group_key }) => group_key!));
  }

  progress(): Promise<LabelProgress> {
    return progressOf(this.store.database, this.project, {
      label: this.places('label'),
      adjudication: this.places('adjudication'),
    });
  }

  /** Name of the queue of places. */
  private places(purpose: Purpose): string {
    return queueName(purpose, this.project);
  }

  /** Ids of the labels that an adjudicator decides between. */
  private async decidedLabels({
    taskId,
    annotator,
  }: Pick<Submission, 'taskId' | 'annotator'>): Promise<readonly string[]> {
    const places = await placesOf(this.store.queue(this.places('adjudication')), taskId);
    const own = places.find(({ owner }) => owner === annotator.id) ?? places.at(-1);
    return own ? placeOf(own).basedOn : [];
  }

  /** Asks for no more labels of a task: they would count for nothing beside the decision. */
  private async endLabelling({ queue }: StoreTransaction, taskId: string): Promise<void> {
    const labels = queue(this.places('label'));
    const waiting = (await placesOf(labels, taskId)).filter(({ status }) => status === 'waiting');
    await labels.remove(waiting.map(({ id }) => id));
  }

  private async assignment(
    lease: Lease,
    { id: annotator }: Annotator,
    purpose: Purpose,
  ): Promise<Assignment> {
    const { task: taskId, basedOn } = placeOf(lease);
    const [task, draft] = await Promise.all([this.get(taskId), this.draft(taskId, annotator)]);
    return {
      ...{ task, purpose, draft, basedOn, expiresAt: lease.expiresAt },
      shownOrder: shownOrderOf(task, annotator),
      suggestionShown: isSuggestionShown(task, annotator),
    };
  }

  private async question(task: LabelTask, { id }: Annotator, expiresAt: number): Promise<Assignment> {
    return {
      ...{ task, purpose: 'qualification', basedOn: [], expiresAt, suggestionShown: false },
      shownOrder: shownOrderOf(task, id),
      draft: await this.draft(task.id, id),
    };
  }

  /** What is under way is taken from somebody who no longer passes, because rules have changed, all the same. */
  private async refuseUnqualified({
    taskId,
    annotator,
  }: Pick<Submission, 'taskId' | 'annotator'>): Promise<void> {
    const state = await this.qualification.state(annotator);
    if (state === null || state.status === 'passed') return;
    const places = await placesOf(this.store.queue(this.places('label')), taskId);
    if (places.some(({ owner }) => owner === annotator.id)) return;
    throw new TenetError(
      'usage',
      `${annotator.id} has not passed the qualification test of project ${this.project}; its questions come first.`,
      { details: { taskId, annotator: annotator.id } },
    );
  }

  private async ownEvent(
    eventId: string,
    { annotator, taskId }: { readonly annotator: Annotator; readonly taskId?: string },
  ): Promise<LedgerEvent> {
    const event = await this.store.ledger.get(eventId);
    const isOwn =
      event?.project === this.project &&
      event.judge.id === annotator.id &&
      (taskId === undefined || event.taskId === taskId);
    if (isOwn) return event;
    throw new TenetError(
      'store',
      `event ${eventId} is not a label${taskId === undefined ? '' : ` of ${taskId}`} by ${annotator.id} in project ` +
        `${this.project}; people correct and withdraw their own.`,
      { details: { eventId } },
    );
  }
}

/** For leases that have gone to somebody else in the meantime. */
function ifLost(error: unknown): null {
  if (TenetError.is(error) && error.code === 'store') return null;
  throw error;
}
