/**
 * What an annotator has done of a task on the screen, and what each key does to it. Knows nothing of terminals and stores.
 *
 * Shape: K = number of responses; everything here is by card, in the order shown.
 */
import {
  type Draft,
  denseRanks,
  letterOf,
  SKIP_REASONS,
  type SkipReason,
  type TaskView,
} from '../../../feedback/index.ts';
import type { Flag } from '../../../store/index.ts';

/** A key press, as `readline` names it. */
export interface Key {
  readonly name?: string;
  /** The character typed. */
  readonly sequence?: string;
  readonly ctrl?: boolean;
  readonly meta?: boolean;
  readonly shift?: boolean;
}

/** What the one who holds the state has to do after a key. */
export type Action =
  | { readonly kind: 'none' }
  /** Something was judged: worth keeping as a draft. */
  | { readonly kind: 'changed' }
  | { readonly kind: 'submit' }
  | { readonly kind: 'skip'; readonly reason: SkipReason; readonly note: string }
  /** Go back to the task before, to correct it. */
  | { readonly kind: 'previous' }
  /** Leave the correction of a task as it was. */
  | { readonly kind: 'return' }
  | { readonly kind: 'quit' };

export type Mode = 'rank' | 'rationale' | 'skip' | 'note' | 'help' | 'guideline';

/** What is judged of a task. */
interface Judgement {
  readonly ranks: readonly (number | null)[];
  readonly flags: readonly Flag[];
  readonly rationale: string;
}

/** What undo brings back. */
interface Before extends Judgement {
  readonly cursor: number;
}

const reasons = Object.keys(SKIP_REASONS) as SkipReason[];
const flagKeys: Readonly<Record<string, Flag>> = { b: 'all-bad', x: 'unsafe', c: 'cannot-judge' };

export class AnnotateState {
  readonly view: TaskView;
  /** True: a label that was sent before is being changed. */
  readonly correcting: boolean;
  /** Its text; null where the project has none. */
  readonly guideline: string | null;
  mode: Mode = 'rank';
  /** The card that number keys rank. */
  cursor = 0;
  /** The text being typed in the modes `rationale` and `note`. */
  input = '';
  /** Said once, until the next key. */
  notice: string | null = null;
  /** Covered because of a content warning. */
  covered: boolean;
  /** What the screen is asked to do with what it shows: pages to scroll, or the marked card to come into view. */
  scroll: number | 'to-card' | null = null;
  private judgement: Judgement;
  private readonly before: Before[] = [];
  private confirmed = false;
  private reason: SkipReason = 'other';

  constructor(
    view: TaskView,
    {
      correcting = false,
      guideline = null,
      given = view.draft,
    }: {
      readonly correcting?: boolean;
      readonly guideline?: string | null;
      readonly given?: Draft | null;
    } = {},
  ) {
    this.view = view;
    this.correcting = correcting;
    this.guideline = guideline;
    this.covered = view.contentWarning !== null && !correcting;
    this.judgement = {
      ranks: given?.ranks?.length === view.cards.length ? given.ranks : view.cards.map(() => null),
      flags: (given?.flags ?? []) as Flag[],
      rationale: given?.rationale ?? '',
    };
    this.cursor = Math.max(0, correcting ? 0 : this.judgement.ranks.indexOf(null));
    if (given && !correcting) this.notice = 'Your draft of this task is back.';
  }

  get ranks(): readonly (number | null)[] {
    return this.judgement.ranks;
  }
  get flags(): readonly Flag[] {
    return this.judgement.flags;
  }
  get rationale(): string {
    return this.judgement.rationale;
  }

  /** The order so far in letters, best first: `B > A = D > C`; empty while nothing is ranked. */
  get order(): string {
    const dense = denseRanks(this.ranks);
    const levels = Math.max(0, ...dense.map((rank) => rank ?? 0));
    return Array.from({ length: levels }, (_, level) =>
      dense.flatMap((rank, card) => (rank === level + 1 ? [letterOf(card)] : [])).join(' = '),
    ).join(' > ');
  }

  press(key: Key): Action {
    this.notice = null;
    this.scroll = null;
    const wasConfirmed = this.confirmed;
    this.confirmed = false;
    if (key.ctrl && key.name === 'c') return { kind: 'quit' };
    switch (this.mode) {
      case 'rationale':
      case 'note':
        return this.type(key);
      case 'skip':
        return this.chooseReason(key);
      case 'help':
      case 'guideline':
        return this.read(key);
      case 'rank':
        return this.covered ? this.uncover(key) : this.rank(key, wasConfirmed);
    }
  }

  private rank(key: Key, wasConfirmed: boolean): Action {
    const { name = '', sequence = '' } = key;
    if (name === 'escape') return this.correcting ? { kind: 'return' } : none;
    if (key.ctrl || key.meta) return none;
    if (/^[1-9]$/.test(sequence)) return this.setRank(Number(sequence));
    if (sequence === '0' || name === 'delete') return this.setRank(null);
    switch (name) {
      case 'up':
        return this.move(-1);
      case 'down':
        return this.move(1);
      case 'tab':
        return this.move(key.shift ? -1 : 1);
      case 'left':
      case 'pageup':
        return this.page(-1);
      case 'right':
      case 'pagedown':
      case 'space':
        return this.page(1);
      case 'return':
      case 'enter':
        return this.submit(wasConfirmed);
      case 'backspace':
        return this.undo();
    }
    const letter = sequence.toLowerCase();
    if (flagKeys[letter]) return this.toggle(flagKeys[letter]);
    switch (letter) {
      case 'u':
        return this.undo();
      case 't':
        [this.mode, this.input] = ['rationale', this.rationale];
        return none;
      case 's':
        if (this.correcting)
          this.notice = 'A label that was sent is changed or left, not skipped. Esc leaves it.';
        else this.mode = 'skip';
        return none;
      case 'g':
        if (this.guideline !== null) this.mode = 'guideline';
        else this.notice = 'This project has no guideline.';
        return none;
      case '?':
      case 'h':
        this.mode = 'help';
        return none;
      case 'q':
        return { kind: 'quit' };
    }
    if (sequence !== '') this.notice = 'This key does nothing here. ? shows the keys.';
    return none;
  }

  private setRank(rank: number | null): Action {
    const K = this.view.cards.length;
    if (rank !== null && rank > K) {
      this.notice = `There are ${K} responses, so ranks go from 1 to ${K}.`;
      return none;
    }
    const ranks = this.ranks.with(this.cursor, rank);
    this.change({ ranks });
    // On to the next card that has no rank yet, round the end.
    const next = Array.from({ length: K - 1 }, (_, i) => (this.cursor + 1 + i) % K).find(
      (card) => ranks[card] === null,
    );
    if (rank !== null && next !== undefined) {
      this.cursor = next;
      this.scroll = 'to-card';
    }
    return { kind: 'changed' };
  }

  private toggle(flag: Flag): Action {
    const has = this.flags.includes(flag);
    this.change({ flags: has ? this.flags.filter((other) => other !== flag) : [...this.flags, flag] });
    return { kind: 'changed' };
  }

  private move(by: number): Action {
    const K = this.view.cards.length;
    this.cursor = (this.cursor + by + K) % K;
    this.scroll = 'to-card';
    return none;
  }

  private page(by: number): Action {
    this.scroll = by;
    return none;
  }

  private undo(): Action {
    const last = this.before.pop();
    if (last) {
      const { cursor, ...judgement } = last;
      [this.judgement, this.cursor] = [judgement, cursor];
      this.scroll = 'to-card';
      return { kind: 'changed' };
    }
    return { kind: 'previous' };
  }

  private submit(wasConfirmed: boolean): Action {
    const unranked = this.ranks.flatMap((rank, card) => (rank === null ? [letterOf(card)] : []));
    const ranked = this.ranks.length - unranked.length;
    if (ranked < 2 && this.flags.length === 0) {
      this.notice = 'Rank at least two responses, set a flag (b x c), or skip the task (s).';
      return none;
    }
    if (ranked >= 2 && unranked.length > 0 && !wasConfirmed) {
      this.confirmed = true;
      const are = unranked.length === 1 ? 'has no rank and counts' : 'have no ranks and count';
      this.notice = `${unranked.join(', ')} ${are} as not judged. Enter again to send it so.`;
      return none;
    }
    return { kind: 'submit' };
  }

  private type({ name, sequence = '', ctrl, meta }: Key): Action {
    if (name === 'escape') {
      this.mode = this.mode === 'note' ? 'skip' : 'rank';
      return none;
    }
    if (name === 'return' || name === 'enter') {
      const text = this.input.trim();
      const isNote = this.mode === 'note';
      this.mode = 'rank';
      if (isNote) return { kind: 'skip', reason: this.reason, note: text };
      if (text === this.rationale) return none;
      this.change({ rationale: text });
      return { kind: 'changed' };
    }
    if (name === 'backspace') this.input = [...this.input].slice(0, -1).join('');
    else if (ctrl && name === 'u') this.input = '';
    else if (ctrl && name === 'w') this.input = this.input.replace(/\S*\s*$/, '');
    else if (!ctrl && !meta && /^[^\p{Cc}]+$/u.test(sequence)) this.input += sequence;
    return none;
  }

  private chooseReason({ name, sequence = '' }: Key): Action {
    const chosen = reasons[Number(sequence) - 1];
    if (chosen !== undefined && /^\d$/.test(sequence)) {
      this.reason = chosen;
      if (chosen === 'other') {
        [this.mode, this.input] = ['note', ''];
        return none;
      }
      this.mode = 'rank';
      return { kind: 'skip', reason: chosen, note: '' };
    }
    if (name === 'escape' || sequence === 's' || sequence === 'q') this.mode = 'rank';
    else this.notice = `Choose 1 to ${reasons.length}, or Esc to go back.`;
    return none;
  }

  private read({ name = '', sequence = '' }: Key): Action {
    if (['up', 'pageup', 'left'].includes(name)) return this.page(-1);
    if (['down', 'pagedown', 'right', 'space'].includes(name)) return this.page(1);
    if (sequence !== '') this.mode = 'rank';
    return none;
  }

  private uncover({ name, sequence = '' }: Key): Action {
    if (name === 'return' || name === 'enter') this.covered = false;
    else if (sequence === 's') this.mode = 'skip';
    else if (sequence === 'q') return { kind: 'quit' };
    else if (sequence === 'u') return { kind: 'previous' };
    return none;
  }

  private change(to: Partial<Judgement>): void {
    this.before.push({ ...this.judgement, cursor: this.cursor });
    this.judgement = { ...this.judgement, ...to };
  }
}

const none: Action = { kind: 'none' };
