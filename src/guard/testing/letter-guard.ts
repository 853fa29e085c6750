/** A guard whose scores can be worked out by hand, for tests: each text has the score of its worst letter. */
import type { GuardMessage, GuardModel, OutputScreen, Screening } from '../screen.ts';

export interface LetterGuardOptions {
  /** Score by letter; any other scores 0. */
  readonly scores: Readonly<Record<string, number>>;
  /** Letters at the end of an answer that it does not speak of yet. Default 0. */
  readonly unjudged?: number;
  /** Called before each screening; may wait or fail. */
  readonly before?: (what: 'input' | 'open' | 'push' | 'end', text: string) => Promise<void> | void;
}

export interface LetterGuard extends GuardModel {
  /** Conversations screened. */
  readonly inputs: readonly (readonly GuardMessage[])[];
  /** Screens open now. */
  readonly openScreens: number;
  /** Screens opened. */
  readonly opened: number;
}

export function letterGuard(options: LetterGuardOptions): LetterGuard {
  return new Letters(options);
}

class Letters implements LetterGuard {
  readonly name = 'letters';
  readonly inputs: (readonly GuardMessage[])[] = [];
  openScreens = 0;
  opened = 0;
  private readonly options: LetterGuardOptions;

  constructor(options: LetterGuardOptions) {
    this.options = options;
  }

  async screenInput(messages: readonly GuardMessage[]): Promise<Screening> {
    this.inputs.push(messages);
    const text = messages.map(({ content }) => content).join('\n');
    await this.options.before?.('input', text);
    return this.screening(text);
  }

  async openOutput(): Promise<OutputScreen> {
    await this.options.before?.('open', '');
    this.opened++;
    this.openScreens++;
    const { before, unjudged = 0 } = this.options;
    let text = '';
    let isOpen = true;
    return {
      push: async (piece) => {
        await before?.('push', piece);
        text += piece;
        const pending = Math.min(unjudged, text.length);
        return { ...this.screening(text.slice(0, text.length - pending)), unjudged: pending };
      },
      end: async () => {
        await before?.('end', text);
        return this.screening(text);
      },
      close: () => {
        if (isOpen) this.openScreens--;
        isOpen = false;
      },
    };
  }

  async close(): Promise<void> {}

  private screening(text: string): Screening {
    const byPrinciple: Record<string, number> = {};
    let score = 0;
    for (const letter of text) {
      const its = this.options.scores[letter];
      if (its === undefined) continue;
      byPrinciple[letter] = its;
      score = Math.max(score, its);
    }
    return { score, byPrinciple, stage: 'letters' };
  }
}
