/** What annotators send in, and what becomes of it in the ledger. Shape: K = number of responses. */
import { TenetError } from '../../base/index.ts';
import type { EventKind, Flag, NewEvent } from '../../store/index.ts';
import type { LabelTask } from './label-task.ts';
import type { Purpose } from './places.ts';
import { isSuggestionShown, shownOrderOf } from './shown.ts';

/** Who labels. */
export interface Annotator {
  /** Unique; an account's id and not a name, because what is in the ledger stays there. */
  readonly id: string;
  /** What agreement is compared by, e.g. `crowd` or `expert`. */
  readonly group?: string;
  /** Groups and languages that the annotator belongs to; tasks for others are not given out. */
  readonly audiences?: readonly string[];
  /** Default `human`. */
  readonly kind?: 'human' | 'simulated';
}

/** How long it took. */
export interface TimeSpent {
  /** Milliseconds with the task in view and the annotator at work on it. */
  readonly activeMs?: number;
  /** Milliseconds with the task in view and nothing happening. */
  readonly idleMs?: number;
  /** When it was judged, in milliseconds since 1970, where that is not when it is sent. */
  readonly judgedAt?: number;
}

export interface Submission extends TimeSpent {
  /** Chosen by the client, unique, such as a UUID: what is sent again under the same id is stored once. */
  readonly id: string;
  readonly taskId: string;
  readonly annotator: Annotator;
  /** [K] by response, in the task's own order whatever was shown: 1 = best, equal = tie, null = not judged. */
  readonly ranks?: readonly (number | null)[];
  readonly flags?: readonly Flag[];
  readonly rationale?: string;
  /** [K] the order shown, where the client drew it before there was a task. Default: as `shownOrderOf` says. */
  readonly shownOrder?: readonly number[];
  /** Anything else worth keeping with the label. */
  readonly extra?: NewEvent['extra'];
}

/** Why an annotator passed a task on. */
export const SKIP_REASONS = {
  unclear: 'the prompt or the task is unclear',
  expertise: 'needs knowledge that I do not have',
  language: 'not my language',
  content: 'I do not want to read this',
  broken: 'a response is cut off, empty or garbled',
  other: 'another reason',
} as const;
export type SkipReason = keyof typeof SKIP_REASONS;

export interface Skip extends TimeSpent {
  readonly id: string;
  readonly taskId: string;
  readonly annotator: Annotator;
  readonly reason: SkipReason;
  /** In the annotator's own words. */
  readonly note?: string;
}

/**
 * Ranks without gaps: [2, 5, 5, null] is [1, 2, 2, null]. An order has one form then, whoever sends it.
 */
export function denseRanks(ranks: readonly (number | null)[]): (number | null)[] {
  const levels = [...new Set(ranks.filter((rank) => rank !== null))].sort((a, b) => a - b);
  return ranks.map((rank) => (rank === null ? null : levels.indexOf(rank) + 1));
}

/** @throws TenetError('data') when it judges nothing, or something else than the task's responses */
export function labelEventOf(
  task: LabelTask,
  submission: Submission,
  rest: Pick<NewEvent, 'kind' | 'supersedes' | 'basedOn' | 'extra'>,
): NewEvent {
  const { id, annotator, ranks, flags = [], rationale } = submission;
  const K = task.item.responses.length;
  const refuse = (text: string): never => {
    throw new TenetError('data', `the label of ${task.id} by ${annotator.id} was not stored: ${text}`, {
      details: { taskId: task.id, submission: id },
    });
  };
  if (ranks !== undefined && ranks.length !== K)
    refuse(`it has ${ranks.length} ranks for ${K} responses; give one each, null for what is not judged.`);
  const judged = (ranks ?? []).filter((rank) => rank !== null);
  const wrong = judged.find((rank) => !Number.isInteger(rank) || rank < 1);
  if (wrong !== undefined) refuse(`rank ${wrong} is none; ranks are whole numbers, and start at 1 = best.`);
  if (judged.length < 2 && flags.length === 0)
    refuse('it ranks fewer than two responses and has no flag; rank at least two, or skip the task.');
  const { guidelineVersion, constitution, suggestion } = task;
  return {
    ...common(task, submission),
    ...rest,
    ...(judged.length > 0 && { ranks: denseRanks(ranks!) }),
    ...(flags.length > 0 && { flags: [...new Set(flags)].sort() }),
    ...(rationale !== undefined && rationale.trim() !== '' && { rationale: rationale.trim() }),
    shownOrder: submission.shownOrder ?? shownOrderOf(task, annotator.id),
    ...(submission.extra && { extra: submission.extra }),
    ...(suggestion && {
      suggestion: {
        shown: isSuggestionShown(task, annotator.id),
        ...(suggestion.eventId !== undefined && { eventId: suggestion.eventId }),
      },
    }),
    ...(guidelineVersion !== undefined && { guidelineVersion }),
    ...(constitution && { constitution }),
  };
}

export function skipEventOf(task: LabelTask, skip: Skip, purpose: Purpose = 'label'): NewEvent {
  const { reason, note } = skip;
  return {
    ...common(task, skip),
    kind: 'skip' satisfies EventKind,
    shownOrder: shownOrderOf(task, skip.annotator.id),
    rationale: note?.trim() || SKIP_REASONS[reason],
    extra: { reason, ...(purpose === 'adjudication' && { purpose }) },
  };
}

/** What somebody was asked for who sent this in. */
export function purposeOf({ kind, extra }: Pick<NewEvent, 'kind' | 'extra'>): Purpose {
  return kind === 'adjudication' || (kind === 'skip' && extra?.purpose === 'adjudication')
    ? 'adjudication'
    : 'label';
}

function common(
  task: LabelTask,
  { id, annotator, activeMs, idleMs, judgedAt }: TimeSpent & Pick<Submission, 'id' | 'annotator'>,
): Omit<NewEvent, 'kind'> {
  return {
    id,
    judge: {
      kind: annotator.kind ?? 'human',
      id: annotator.id,
      ...(annotator.group !== undefined && { group: annotator.group }),
    },
    project: task.project,
    taskId: task.id,
    item: task.item,
    ...(activeMs !== undefined && { activeMs }),
    ...(idleMs !== undefined && { idleMs }),
    ...(judgedAt !== undefined && { judgedAt }),
  };
}
