/** The terminal annotator: shows task after task, and sends what is judged to the label queue. */
import { randomUUID } from 'node:crypto';
import { TenetError } from '../../../base/error.ts';
import {
  type Annotator,
  type Assignment,
  byCard,
  byResponse,
  type Draft,
  type LabelQueue,
  type Purpose,
  type SkipReason,
  type Submission,
  shownOrderOf,
  viewOf,
} from '../../../feedback/index.ts';
import type { Flag, LedgerEvent } from '../../../store/index.ts';
import { type Action, AnnotateState, type Key } from './annotate-state.ts';
import { drawScreen, type Header, type ScreenSize, type Style } from './screen.ts';
import { Stopwatch } from './stopwatch.ts';

/** Where keys come from and screens go to. */
export interface Terminal {
  /** Ends when the terminal is closed. */
  readonly keys: AsyncIterable<Key>;
  size(): ScreenSize;
  /** Shows a whole screen. */
  show(lines: readonly string[]): void;
  readonly style: Style;
}

export interface AnnotateOptions {
  readonly queue: LabelQueue;
  readonly annotator: Annotator;
  readonly terminal: Terminal;
  readonly purpose?: Purpose;
  /** The text of a guideline by its version; null for none. */
  readonly guideline?: (version: string | null) => Promise<string | null>;
  /** Milliseconds since 1970. Default: the clock. */
  readonly now?: () => number;
}

/** What was done from start to end. */
export interface AnnotateSummary {
  readonly labels: number;
  /** To questions of the qualification test. */
  readonly answers: number;
  readonly skips: number;
  readonly corrections: number;
  /** Active milliseconds of each label. */
  readonly times: readonly number[];
  /** True: there was nothing more to give to this annotator. */
  readonly finished: boolean;
}

const leaseMs = 30 * 60_000;
const heartbeatMs = 5 * 60_000;

/** One task on the screen. */
interface Open {
  readonly assignment: Assignment;
  readonly state: AnnotateState;
  readonly watch: Stopwatch;
  /** Of the submission, the same however often it is sent. */
  readonly id: string;
  /** The event that is corrected, and how many back it is; null for a new label. */
  readonly correcting: { readonly event: LedgerEvent; readonly back: number } | null;
  /** There is a draft of it in the store. */
  hasDraft: boolean;
}

/** Labels until there is no more, the annotator quits, or the terminal is closed. */
export async function annotate(options: AnnotateOptions): Promise<AnnotateSummary> {
  const { queue, annotator, purpose = 'label' } = options;
  const heartbeat = setInterval(() => {
    queue.extend(annotator.id, leaseMs, purpose).catch(() => undefined); // a label that comes late is taken too
  }, heartbeatMs);
  try {
    return await new Run(options).toEnd();
  } finally {
    clearInterval(heartbeat);
    await queue.release(annotator.id, undefined, purpose);
  }
}

class Run {
  private readonly options: AnnotateOptions;
  private readonly queue: LabelQueue;
  private readonly annotator: Annotator;
  private readonly now: () => number;
  private readonly purpose: Purpose;
  private header: Header = { project: '', labels: 0, wanted: 0, mine: 0 };
  private current: Open | null = null;
  private top = 0;
  private readonly done = { labels: 0, answers: 0, skips: 0, corrections: 0, times: [] as number[] };

  constructor(options: AnnotateOptions) {
    this.options = options;
    const { queue, annotator, now = Date.now, purpose = 'label' } = options;
    [this.queue, this.annotator, this.now, this.purpose] = [queue, annotator, now, purpose];
  }

  async toEnd(): Promise<AnnotateSummary> {
    const { labels, wanted } = await this.queue.progress();
    this.header = { project: this.queue.project, labels, wanted, mine: 0 };
    if (!(await this.next())) return { ...this.done, finished: true };
    this.draw();
    for await (const key of this.options.terminal.keys) {
      const open = this.current!;
      open.watch.tick();
      if (key.name !== 'redraw') {
        const outcome = await this.carryOut(open, open.state.press(key));
        if (outcome !== 'go on') return { ...this.done, finished: outcome === 'finished' };
      }
      this.draw();
    }
    await this.keepDraft(this.current!);
    return { ...this.done, finished: false };
  }

  private async carryOut(open: Open, action: Action): Promise<'go on' | 'finished' | 'quit'> {
    try {
      switch (action.kind) {
        case 'changed':
          await this.keepDraft(open);
          return 'go on';
        case 'submit':
          await this.submit(open);
          return (await this.next()) ? 'go on' : 'finished';
        case 'skip':
          await this.skip(open, action);
          return (await this.next()) ? 'go on' : 'finished';
        case 'previous':
          await this.back(open);
          return 'go on';
        case 'return':
          return (await this.next()) ? 'go on' : 'finished';
        case 'quit':
          await this.keepDraft(open);
          return 'quit';
        case 'none':
          return 'go on';
      }
    } catch (error) {
      // What was judged stays on the screen, and Enter sends it again.
      if (!TenetError.is(error)) throw error;
      open.state.notice = error.message;
      return 'go on';
    }
  }

  /** Opens the next task. @returns false when there is none */
  private async next(): Promise<boolean> {
    const { queue, annotator, purpose } = this;
    const [assignment] = await queue.claim(annotator, { purpose, leaseMs });
    if (!assignment) return false;
    await this.show(assignment, null);
    return true;
  }

  private async show(assignment: Assignment, correcting: Open['correcting']): Promise<void> {
    const { guideline = async () => null } = this.options;
    const view = viewOf(assignment);
    const state = new AnnotateState(view, {
      correcting: correcting !== null,
      guideline: await guideline(view.guidelineVersion),
      ...(correcting && { given: judgedBefore(correcting.event, assignment) }),
    });
    const { project } = this.queue;
    const isTest = assignment.purpose === 'qualification';
    this.header = { ...this.header, project: isTest ? `${project}, qualification test` : project };
    this.top = 0;
    this.current = {
      ...{ assignment, state, correcting, id: randomUUID(), hasDraft: assignment.draft !== null },
      watch: new Stopwatch(this.now, correcting === null ? assignment.draft : null),
    };
  }

  private async submit({ assignment, state, watch, id, correcting }: Open): Promise<void> {
    const { annotator, queue, done } = this;
    const { activeMs, idleMs } = watch.spent;
    const submission: Submission = {
      ...{ id, taskId: assignment.task.id, annotator, activeMs, idleMs },
      ranks: byResponse(state.ranks, assignment.shownOrder),
      flags: state.flags,
      rationale: state.rationale,
    };
    if (correcting !== null) {
      await queue.correct(correcting.event.id, submission);
      done.corrections++;
      if (correcting.event.kind === 'skip') this.header = { ...this.header, labels: this.header.labels + 1 };
      return;
    }
    await (this.purpose === 'label' ? queue.submit(submission) : queue.adjudicate(submission));
    if (assignment.purpose === 'qualification') {
      done.answers++;
      return;
    }
    done.labels++;
    done.times.push(activeMs);
    const { labels, mine } = this.header;
    this.header = { ...this.header, labels: labels + 1, mine: mine + 1 };
  }

  private async skip(
    { assignment, watch, id }: Open,
    { reason, note }: { readonly reason: SkipReason; readonly note: string },
  ): Promise<void> {
    const { task } = assignment;
    await this.queue.skip(
      { id, taskId: task.id, annotator: this.annotator, reason, note, ...watch.spent },
      this.purpose,
    );
    this.done.skips++;
  }

  /** Opens what was sent before; in a correction, what was sent before that. */
  private async back(open: Open): Promise<void> {
    await this.keepDraft(open);
    const back = (open.correcting?.back ?? -1) + 1;
    const event = (await this.queue.recent(this.annotator.id, back + 1))[back];
    if (!event) {
      open.state.notice = 'There is nothing before this.';
      return;
    }
    const task = await this.queue.get(event.taskId!);
    const assignment: Assignment = {
      ...{ task, draft: null, basedOn: event.basedOn ?? [], expiresAt: Number.POSITIVE_INFINITY },
      purpose: event.kind === 'adjudication' ? 'adjudication' : 'label',
      shownOrder: event.shownOrder ?? shownOrderOf(task, this.annotator.id),
      suggestionShown: event.suggestion?.shown ?? false,
    };
    await this.show(assignment, { event, back });
  }

  /** Keeps what is judged so far; of a correction, what was sent stands until it is sent anew. */
  private async keepDraft(open: Open): Promise<void> {
    const { assignment, state, watch, correcting, hasDraft } = open;
    if (correcting !== null) return;
    const { ranks, flags, rationale } = state;
    const isEmpty = ranks.every((rank) => rank === null) && flags.length === 0 && rationale === '';
    if (isEmpty && !hasDraft) return;
    open.hasDraft = true;
    const draft: Draft = {
      ranks: byResponse(ranks, assignment.shownOrder),
      ...{ flags, rationale, ...watch.spent },
    };
    await this.queue.saveDraft(assignment.task.id, this.annotator.id, draft);
  }

  private draw(): void {
    const { terminal } = this.options;
    const { lines, top } = drawScreen(
      this.current!.state,
      this.header,
      terminal.size(),
      this.top,
      terminal.style,
    );
    this.top = top;
    terminal.show(lines);
  }
}

/** What an event judged, by card. */
function judgedBefore({ kind, ranks, flags, rationale }: LedgerEvent, { shownOrder }: Assignment): Draft {
  return {
    ...(ranks && { ranks: byCard(ranks, shownOrder) }),
    flags: (flags ?? []) as Flag[],
    // What stands in a skip is why it was skipped.
    rationale: kind === 'skip' ? '' : (rationale ?? ''),
  };
}
