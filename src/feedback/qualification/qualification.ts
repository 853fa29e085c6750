/**
 * The qualification test of a project: tasks with known answers that annotators label before they get any other.
 *
 * Questions are tasks of a project of their own, so that their labels are counted nowhere among those of the project, and
 * answers are events of the ledger like any label. Nobody has to be the only one who answers a question, so there are no
 * leases. Answers are final: what was right is never told.
 */
import { hashOf, TenetError } from '../../base/index.ts';
import type { Database, LedgerEvent, Store, StoreTransaction } from '../../store/index.ts';
import { shareRight } from '../quality/share-right.ts';
import { type QualificationRule, readRules } from '../rules.ts';
import { addTasks, type TasksAdded } from '../tasks/add-tasks.ts';
import { removeDraft } from '../tasks/drafts.ts';
import type { LabelTask, NewLabelTask } from '../tasks/label-task.ts';
import {
  type Annotator,
  labelEventOf,
  type Skip,
  type Submission,
  skipEventOf,
} from '../tasks/submission.ts';
import { countTasks, readTasks } from '../tasks/task-table.ts';
import { testOf } from '../tasks/test-project.ts';
import { type Answer, type AnswerNote, answersIn, type QualificationState, stateOf } from './attempts.ts';

export class Qualification {
  private readonly store: Store;
  private readonly project: string;
  /** The project of the questions. */
  private readonly test: string;
  private readonly now: () => number;

  /** @param now milliseconds since 1970; default: the clock */
  constructor(store: Store, project: string, now: () => number = Date.now) {
    this.store = store;
    this.project = project;
    this.test = testOf(project);
    this.now = now;
  }

  /**
   * Adds questions; those that are there are not added again.
   * @throws TenetError('data') for a task without a right answer
   */
  add(tasks: Iterable<NewLabelTask> | AsyncIterable<NewLabelTask>): Promise<TasksAdded> {
    return addTasks(this.store, this.test, withAnswers(tasks), { places: false });
  }

  /** How many questions there are. */
  size(): Promise<number> {
    return countTasks(this.store.database, this.test);
  }

  /** Where an annotator stands; null where she needs no test. */
  async state({ id, kind = 'human' }: Annotator): Promise<QualificationState | null> {
    const rule = await this.rule();
    if (rule === null || kind !== 'human' || rule.exempt.includes(id)) return null;
    const answers = await answersIn(this.store.database, this.test, id);
    return stateOf(answers, rule, await this.size(), this.now());
  }

  /** Where everybody stands who has answered something, by annotator; null where the project has no test. */
  async states(): Promise<Map<string, QualificationState> | null> {
    const rule = await this.rule();
    if (rule === null) return null;
    const byAnnotator = new Map<string, Answer[]>();
    for (const answer of await answersIn(this.store.database, this.test)) {
      const own = byAnnotator.get(answer.annotator);
      if (own) own.push(answer);
      else byAnnotator.set(answer.annotator, [answer]);
    }
    const size = await this.size();
    return new Map([...byAnnotator].map(([id, answers]) => [id, stateOf(answers, rule, size, this.now())]));
  }

  /** The next questions of an annotator who is being tested. */
  async next(annotator: string, state: QualificationState, limit: number): Promise<LabelTask[]> {
    const answers = await answersIn(this.store.database, this.test, annotator);
    return (await this.openQuestions(this.store.database, annotator, state, answers)).slice(0, limit);
  }

  /** Stores an answer, once, as a label is stored. @throws TenetError('usage') when it answers no open question */
  answer(task: LabelTask, submission: Submission): Promise<LedgerEvent> {
    const score = submission.ranks === undefined ? 0 : (shareRight(task.gold!.ranks, submission.ranks) ?? 1);
    return this.store.write(async (within) => {
      const note = await this.note(within, task, submission, score);
      return within.ledger.append(
        labelEventOf(task, submission, { kind: 'label', extra: { qualification: { ...note } } }),
      );
    });
  }

  /** Passes a question on, which counts as not right. */
  pass(task: LabelTask, skip: Skip): Promise<LedgerEvent> {
    return this.store.write(async (within) => {
      const note = await this.note(within, task, skip, 0);
      const event = skipEventOf(task, skip);
      return within.ledger.append({ ...event, extra: { ...event.extra, qualification: { ...note } } });
    });
  }

  private async rule(): Promise<QualificationRule | null> {
    return (await readRules(this.store.database, this.project)).qualification;
  }

  /** What is kept of an answer; of one that was sent before, what was kept then. */
  private async note(
    { database, ledger }: StoreTransaction,
    task: LabelTask,
    { id, annotator }: Pick<Submission, 'id' | 'annotator'>,
    score: number,
  ): Promise<AnswerNote> {
    await database.write((transaction) => database.lock(transaction, `test ${this.test} ${annotator.id}`));
    const known = (await ledger.get(id))?.extra?.qualification as AnswerNote | undefined;
    if (known) return known;
    const { qualification: rule } = await readRules(database, this.project);
    const answers = await answersIn(database, this.test, annotator.id);
    const state = rule && stateOf(answers, rule, await countTasks(database, this.test), this.now());
    const open =
      state?.status === 'testing' ? await this.openQuestions(database, annotator.id, state, answers) : [];
    if (!state || !open.some((question) => question.id === task.id)) {
      throw new TenetError(
        'usage',
        `${task.id} is no open question of the qualification test for ${annotator.id}; answers are final.`,
        { details: { taskId: task.id } },
      );
    }
    await removeDraft(database, task.id, annotator.id);
    return { attempt: state.attempt, questions: state.questions, score };
  }

  /** Questions of an attempt that are left, in an order drawn for it; those that she has not had before come first. */
  private async openQuestions(
    database: Database,
    annotator: string,
    { attempt, questions, answered }: QualificationState,
    answers: readonly Answer[],
  ): Promise<LabelTask[]> {
    const had = new Map(answers.map((answer) => [answer.taskId, answer.attempt]));
    const places: { readonly task: LabelTask; readonly seen: boolean; readonly draw: string }[] = [];
    for await (const task of readTasks(database, this.test)) {
      const last = had.get(task.id);
      if (last === attempt) continue;
      places.push({ task, seen: last !== undefined, draw: hashOf(`${task.id}\n${annotator}\n${attempt}`) });
    }
    places.sort((a, b) => Number(a.seen) - Number(b.seen) || (a.draw < b.draw ? -1 : 1));
    // No more than are asked: who could choose would take the easy ones.
    return places.slice(0, questions - answered).map(({ task }) => task);
  }
}

async function* withAnswers(
  tasks: Iterable<NewLabelTask> | AsyncIterable<NewLabelTask>,
): AsyncGenerator<NewLabelTask> {
  let n = 0;
  for await (const task of tasks) {
    n++;
    if ((task.gold?.ranks.filter((rank) => rank !== null).length ?? 0) < 2) {
      throw new TenetError(
        'data',
        `question ${n} of the qualification test has no right answer; give rows with ranks and --ranks gold, or with a ` +
          'field "gold" {ranks[]}.',
      );
    }
    yield task;
  }
}
