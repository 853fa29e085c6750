/** A conversation with a model, line by line; knows nothing of terminals. */
import { TenetError } from '../../base/error.ts';
import type { TextGenerator, TextOptions } from '../../model/index.ts';
import type { ChatMessage } from '../../text/index.ts';

export interface ChatSessionOptions {
  readonly model: Pick<TextGenerator, 'stream' | 'promptIds' | 'contextLength' | 'defaults'>;
  readonly system?: string;
  readonly sampling: Omit<TextOptions, 'seed'>;
  /** Of the first reply; each further one has the next number. */
  readonly seed: number;
  /** Shows a piece of a reply as it comes. */
  readonly onText: (piece: string) => void;
  /** Tells something about the conversation, in a line of its own. */
  readonly onNotice: (notice: string) => void;
}

/** What became of a line. */
export type LineOutcome =
  | { readonly kind: 'reply'; readonly text: string; readonly interrupted: boolean }
  | { readonly kind: 'command' }
  | { readonly kind: 'exit' };

export const chatHelp = [
  '/reset          forget the conversation',
  '/system [text]  set the system message and start anew; without a text: show it',
  '/exit           end (also Ctrl-D); Ctrl-C stops a reply',
].join('\n');

/** Room that is kept for a reply, as a share of the context, when the conversation grows long. */
const replyShare = 0.25;

export class ChatSession {
  private readonly options: ChatSessionOptions;
  private system: string | undefined;
  private turns: ChatMessage[] = [];
  private replies = 0;
  private running: AbortController | null = null;

  constructor(options: ChatSessionOptions) {
    this.options = options;
    this.system = options.system;
  }

  /** The conversation so far, the system message included. */
  get messages(): readonly ChatMessage[] {
    return this.system === undefined ? this.turns : [{ role: 'system', content: this.system }, ...this.turns];
  }

  /** Stops the reply that is being written. @returns false when there is none */
  interrupt(): boolean {
    this.running?.abort();
    return this.running !== null;
  }

  /** Takes a line of the user: a command or a message. A wrong one is told, not thrown. */
  async take(line: string): Promise<LineOutcome> {
    const text = line.trim();
    if (text === '') return { kind: 'command' };
    try {
      return text.startsWith('/') ? this.command(text) : await this.reply(text);
    } catch (error) {
      if (!TenetError.is(error)) throw error;
      this.options.onNotice(error.message);
      return { kind: 'command' };
    }
  }

  private command(text: string): LineOutcome {
    const [, name, rest] = /^(\/\S*)\s*(.*)$/s.exec(text)!;
    const { onNotice } = this.options;
    switch (name) {
      case '/exit':
      case '/quit':
        return { kind: 'exit' };
      case '/reset':
        this.turns = [];
        onNotice('The conversation is forgotten.');
        break;
      case '/system':
        if (rest !== '') {
          this.system = rest;
          this.turns = [];
        }
        onNotice(
          this.system === undefined ? 'There is no system message.' : `System message: ${this.system}`,
        );
        break;
      case '/help':
        onNotice(chatHelp);
        break;
      default:
        onNotice(`There is no command ${name}.\n${chatHelp}`);
    }
    return { kind: 'command' };
  }

  private async reply(text: string): Promise<LineOutcome> {
    const { model, sampling, seed, onText } = this.options;
    const before = this.turns;
    this.turns = [...before, { role: 'user', content: text }];
    const running = new AbortController();
    this.running = running;
    let reply = '';
    try {
      this.makeRoom();
      const request = { messages: this.messages, options: { ...sampling, seed: seed + this.replies } };
      for await (const piece of model.stream(request, { signal: running.signal })) {
        reply += piece;
        onText(piece);
      }
    } catch (error) {
      const interrupted = TenetError.is(error) && error.code === 'interrupted';
      if (!interrupted) this.turns = before; // as if it had not been said
      if (!interrupted) throw error;
    } finally {
      this.running = null;
    }
    this.replies++;
    this.turns = [...this.turns, { role: 'assistant', content: reply }];
    return { kind: 'reply', text: reply, interrupted: running.signal.aborted };
  }

  /** Forgets the oldest exchanges when the conversation leaves too little room for a reply. */
  private makeRoom(): void {
    const { model, sampling, onNotice } = this.options;
    const wanted = sampling.maxNewTokens ?? model.defaults.maxNewTokens ?? Number.POSITIVE_INFINITY;
    const room = model.contextLength - Math.min(wanted, Math.floor(replyShare * model.contextLength));
    let forgotten = 0;
    while (this.turns.length > 1 && model.promptIds({ messages: this.messages }).length > room) {
      this.turns = this.turns.slice(2); // a question and its answer
      forgotten++;
    }
    if (forgotten > 0) {
      const exchanges = forgotten === 1 ? 'oldest exchange was' : `${forgotten} oldest exchanges were`;
      onNotice(
        `The conversation outgrew the model’s ${model.contextLength} tokens: the ${exchanges} forgotten.`,
      );
    }
  }
}
