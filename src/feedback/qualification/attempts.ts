/** What an annotator has answered in a qualification test, and where that leaves her. */
import { meanOf } from '../../base/index.ts';
import type { Database } from '../../store/index.ts';
import type { QualificationRule } from '../rules.ts';

/** What an answer's event keeps in `extra.qualification`. */
export interface AnswerNote {
  /** From 1. */
  readonly attempt: number;
  /** Questions of the attempt. */
  readonly questions: number;
  /** Share of pairs right, in [0, 1]; 0 for a question that was passed on. */
  readonly score: number;
}

export interface Answer extends AnswerNote {
  readonly annotator: string;
  readonly taskId: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export interface QualificationState {
  /**
   * - `passed`: gets the project's tasks
   * - `testing`: has questions before her, none of them answered yet perhaps
   * - `waiting`: may try again at `retakeAt`
   * - `failed`: has had all attempts
   */
  readonly status: 'passed' | 'testing' | 'waiting' | 'failed';
  /** Which attempt this is or was, from 1. */
  readonly attempt: number;
  /** Attempts that there are. */
  readonly attempts: number;
  /** Of this attempt. */
  readonly answered: number;
  readonly questions: number;
  /** Mean share of pairs right, in the best attempt that is over; null before. */
  readonly score: number | null;
  /** What it takes. */
  readonly pass: number;
  /** Milliseconds since 1970; null unless waiting. */
  readonly retakeAt: number | null;
}

/** Answers that stand, oldest first. @param project of the test. @param annotator default: everybody's */
export async function answersIn(database: Database, project: string, annotator?: string): Promise<Answer[]> {
  const rows = await database.read((db) =>
    db
      .selectFrom('ledger_event')
      .select(['content', 'judge_id', 'task_id', 'recorded_at'])
      .where('project', '=', project)
      .where('kind', 'in', ['label', 'skip'])
      .$if(annotator !== undefined, (query) => query.where('judge_id', '=', annotator!))
      .orderBy('seq')
      .execute(),
  );
  return rows.map(({ content, judge_id, task_id, recorded_at }) => ({
    ...(JSON.parse(content) as { extra: { qualification: AnswerNote } }).extra.qualification,
    ...{ annotator: judge_id, taskId: task_id!, at: recorded_at },
  }));
}

/**
 * Where the answers of one annotator leave her. It follows from them and the rule as it is now, so that a rule that is
 * changed holds for everybody.
 * @param answers   of one annotator, oldest first
 * @param available questions that the test has
 */
export function stateOf(
  answers: readonly Answer[],
  { pass, questions: wanted, retakes, retakeAfterMs }: QualificationRule,
  available: number,
  now: number,
): QualificationState {
  const attempts = retakes + 1;
  const questions = Math.min(wanted ?? available, available);
  const last = answers.at(-1)?.attempt ?? 1;
  const own = answers.filter(({ attempt }) => attempt === last);
  const scores = [...new Set(answers.map(({ attempt }) => attempt))].flatMap((attempt) => {
    const of = answers.filter((answer) => answer.attempt === attempt);
    return of.length < of[0].questions ? [] : [meanOf(of.map(({ score }) => score))];
  });
  const best = scores.length === 0 ? null : scores.reduce((most, score) => Math.max(most, score));
  const common = { attempts, score: best, pass, retakeAt: null };
  const asked = own[0]?.questions ?? questions;
  const over = own.length >= asked;
  const here = { ...common, attempt: last, answered: own.length, questions: asked };
  if (best !== null && best >= pass - rounding) return { ...here, status: 'passed' };
  if (!over) return { ...here, status: 'testing' };
  if (last >= attempts) return { ...here, status: 'failed' };
  const retakeAt = own.at(-1)!.at + retakeAfterMs;
  if (now < retakeAt) return { ...here, status: 'waiting', retakeAt };
  return { ...common, status: 'testing', attempt: last + 1, answered: 0, questions };
}

/** Three of five answers are 0.6, whatever their shares add up to in binary. */
const rounding = 1e-9;
