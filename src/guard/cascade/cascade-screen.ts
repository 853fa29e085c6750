/**
 * An answer under a cascade. It begins at the first stage; once a score is neither safe nor harmful, the next stage reads
 * the answer from its beginning and takes over for the rest of it, since a stage's score never falls again.
 */
import { TenetError } from '../../base/index.ts';
import type { GuardMessage, OutputScreen, Screening } from '../screen.ts';
import { type DecidingStage, decisionOf } from './stage.ts';

/** Told how far answers get. */
export interface StageObserver {
  reach(stage: number): void;
  decide(stage: number, decided: 'allow' | 'block'): void;
}

/** What the answer answers, and which of several it is. */
export interface AnsweredConversation {
  readonly messages: readonly GuardMessage[];
  readonly choice: number;
}

export class CascadeScreen implements OutputScreen {
  private readonly stages: readonly DecidingStage[];
  private readonly answered: AnsweredConversation;
  private readonly observer: StageObserver;
  private at = 0;
  private screen: OutputScreen | null = null;
  private text = '';
  private isClosed = false;
  /** Told once for each answer. */
  private isDecided = false;

  constructor(stages: readonly DecidingStage[], answered: AnsweredConversation, observer: StageObserver) {
    this.stages = stages;
    this.answered = answered;
    this.observer = observer;
  }

  /** Opens the first stage. */
  async start(): Promise<void> {
    await this.open(0);
  }

  async push(text: string): Promise<Screening> {
    this.text += text;
    let screening = await this.current().push(text);
    for (;;) {
      const decided = this.decide(screening, false);
      if (decided) return decided;
      await this.open(this.at + 1);
      screening = await this.current().push(this.text);
    }
  }

  async end(): Promise<Screening> {
    for (;;) {
      const decided = this.decide(await this.current().end(), true);
      if (decided) return decided;
      await this.open(this.at + 1);
      if (this.text !== '') await this.current().push(this.text);
    }
  }

  close(): void {
    this.isClosed = true;
    this.screen?.close();
    this.screen = null;
  }

  private decide(screening: Screening, isLast: boolean): Screening | null {
    const { safe, harmful } = this.stages[this.at];
    const decision = decisionOf(screening, safe.output, harmful.output);
    if (decision === null) return null;
    if (!this.isDecided && (isLast || decision.decided === 'block')) {
      this.isDecided = true;
      this.observer.decide(this.at, decision.decided);
    }
    return { ...screening, ...decision };
  }

  private async open(stage: number): Promise<void> {
    this.screen?.close();
    this.screen = null;
    this.observer.reach(stage);
    const { messages, choice } = this.answered;
    const screen = await this.stages[stage].guard.openOutput(messages, choice);
    this.at = stage;
    if (this.isClosed) screen.close();
    else this.screen = screen;
  }

  private current(): OutputScreen {
    if (this.screen) return this.screen;
    throw new TenetError('interrupted', 'The screen of this answer has been closed.');
  }
}
