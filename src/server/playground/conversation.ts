/**
 * A conversation with two models side by side. Both answer the same messages, so that a vote on a turn is a comparison of
 * two responses to one prompt; the conversation goes on from one of them.
 */
import { randomInt } from 'node:crypto';
import { Random, TenetError } from '../../base/index.ts';
import type { LanguageModel, Message } from '../../llm/index.ts';
import { HttpError } from '../http/http-error.ts';

export const sides = ['A', 'B'] as const;
export type Side = (typeof sides)[number];

export interface Sampling {
  readonly temperature: number;
  readonly topP: number;
  /** Most tokens of an answer. */
  readonly maxTokens: number;
}

export interface ConversationOptions {
  readonly id: string;
  /** Whose it is; nobody else sees it. */
  readonly owner: string;
  /** [2] by name, as chosen. */
  readonly models: readonly [string, string];
  /** True: which is which is told after the vote. */
  readonly blind: boolean;
  readonly system?: string;
  readonly sampling: Sampling;
  /** Of all answers. Default: drawn. */
  readonly seed?: number;
}

export interface TurnAnswer {
  text: string;
  /** `stopped`: somebody stopped it; `failed`: the model did not answer, `problem` says why. */
  finish: 'stop' | 'length' | 'filter' | 'stopped' | 'failed' | null;
  problem: string | null;
  /** `LanguageModel.id`; null until it has answered. */
  modelId: string | null;
  readonly seed: number;
  outputTokens: number | null;
  /** Until the answer was whole, opening the model left out. */
  ms: number | null;
}

/** How somebody voted on a turn. */
export interface TurnVote {
  readonly eventId: string;
  readonly vote: 'A' | 'B' | 'tie' | 'both-bad';
}

export interface Turn {
  readonly text: string;
  /** [2] `order[position]` is the model whose answer stands there: A is position 0. */
  readonly order: readonly [number, number];
  /** [2] by model. */
  readonly answers: readonly [TurnAnswer, TurnAnswer];
  vote: TurnVote | null;
  /** The model whose answer the conversation went on from; null for the last turn. */
  goneOnFrom: number | null;
}

export interface TurnRequest {
  /** What the person says. */
  readonly text: string;
  /** Which answer of the turn before to go on from. */
  readonly from?: Side;
}

/** Told what happens while both answer. */
export interface TurnListener {
  readonly begin: (turn: number) => void;
  readonly text: (side: Side, piece: string) => void;
  readonly end: (side: Side, answer: TurnAnswer) => void;
  /** A failure that is the server's own. */
  readonly failed: (error: unknown) => void;
}

/** Has both models answer. @param signal ends it, as `stop` does */
export type Answering = (lend: LendModel, listener: TurnListener, signal: AbortSignal) => Promise<void>;

/** Lends a model by name. */
export type LendModel = <T>(name: string, work: (model: LanguageModel) => Promise<T>) => Promise<T>;

const mostTurns = 50;

export class Conversation {
  readonly options: ConversationOptions;
  readonly seed: number;
  readonly turns: Turn[] = [];
  usedAt: number = Date.now();
  private readonly orders: Random;
  private underWay: AbortController | null = null;
  private retries = 0;

  constructor(options: ConversationOptions) {
    this.options = options;
    this.seed = options.seed ?? randomInt(2 ** 31);
    // Not from the seed that people may choose, or else they could tell the order.
    this.orders = new Random(randomInt(2 ** 31));
  }

  get isAnswering(): boolean {
    return this.underWay !== null;
  }

  /** The messages that a turn's answers are answers to. */
  messagesOf(index: number): Message[] {
    const { system } = this.options;
    const messages: Message[] = system ? [{ role: 'system', content: system }] : [];
    for (const { text, answers, goneOnFrom } of this.turns.slice(0, index)) {
      messages.push({ role: 'user', content: text });
      messages.push({ role: 'assistant', content: answers[goneOnFrom!].text });
    }
    return [...messages, { role: 'user', content: this.turnAt(index).text }];
  }

  turnAt(index: number): Turn {
    const turn = this.turns[index];
    if (!turn) throw new HttpError('not-found', `There is no turn ${index} in this conversation.`);
    return turn;
  }

  /** Names of the models by side, or null while they are hidden. */
  modelsOf(turn: Turn): Readonly<Record<Side, string>> | null {
    const { models, blind } = this.options;
    if (blind && turn.vote === null) return null;
    return { A: models[turn.order[0]], B: models[turn.order[1]] };
  }

  /** Begins a turn: what can be refused is refused before anything is sent. @returns what has both models answer */
  say({ text, from }: TurnRequest): Answering {
    this.refuseWhileAnswering();
    if (this.turns.length >= mostTurns) {
      throw new HttpError('conflict', `A conversation has ${mostTurns} turns at most; begin another.`);
    }
    const last = this.turns.at(-1);
    if (last) {
      if (from === undefined) {
        throw new HttpError('invalid', 'Say which answer to go on from: "from" is A or B.');
      }
      const chosen = last.order[sides.indexOf(from)];
      if (last.answers[chosen].text.trim() === '') {
        throw new HttpError('conflict', `Answer ${from} is empty; go on from the other, or ask again.`);
      }
      last.goneOnFrom = chosen;
    }
    this.retries = 0;
    return this.begin(text);
  }

  /** Has both answer the last turn anew, with other seeds. */
  again(): Answering {
    this.refuseWhileAnswering();
    const last = this.turns.at(-1);
    if (!last) throw new HttpError('conflict', 'Nothing has been said yet.');
    if (last.vote) throw new HttpError('conflict', 'The answers have been voted on; say something else.');
    this.turns.pop();
    this.retries++;
    return this.begin(last.text);
  }

  /** Ends answers under way; what is there of them stays. */
  stop(): void {
    this.underWay?.abort();
  }

  /** @throws HttpError unless both answers are whole */
  expectWhole(turn: Turn): void {
    if (turn.answers.every(({ finish }) => finish === 'stop' || finish === 'length' || finish === 'filter'))
      return;
    throw new HttpError('conflict', 'Both answers must be whole; have them written again first.');
  }

  private refuseWhileAnswering(): void {
    if (this.underWay) throw new HttpError('conflict', 'The models are still answering; stop them first.');
  }

  private begin(text: string): Answering {
    const index = this.turns.length;
    const seeds = new Random(this.seed).fork(`turn ${index}, try ${this.retries}`);
    const isSwapped = this.options.blind && this.orders.uniform() < 0.5;
    const turn: Turn = {
      text,
      order: isSwapped ? [1, 0] : [0, 1],
      answers: [emptyAnswer(seeds.uint32()), emptyAnswer(seeds.uint32())],
      vote: null,
      goneOnFrom: null,
    };
    this.turns.push(turn);
    const controller = new AbortController();
    this.underWay = controller;
    this.usedAt = Date.now();
    return async (lend, listener, signal) => {
      const leave = (): void => controller.abort();
      signal.addEventListener('abort', leave, { once: true });
      if (signal.aborted) leave();
      try {
        listener.begin(index);
        await Promise.all(
          turn.answers.map((answer, model) =>
            this.answer(index, model, answer, { lend, listener, controller }),
          ),
        );
      } finally {
        signal.removeEventListener('abort', leave);
        this.underWay = null;
        this.usedAt = Date.now();
      }
    };
  }

  private async answer(
    index: number,
    model: number,
    answer: TurnAnswer,
    {
      lend,
      listener,
      controller,
    }: { readonly lend: LendModel; readonly listener: TurnListener; readonly controller: AbortController },
  ): Promise<void> {
    const { models, sampling } = this.options;
    const side = sides[this.turns[index].order.indexOf(model)];
    const { signal } = controller;
    try {
      await lend(models[model], async (language) => {
        if (signal.aborted) throw new TenetError('interrupted', 'stopped');
        const started = performance.now();
        answer.modelId = language.id;
        const whole = await language.chat(
          { messages: this.messagesOf(index), ...sampling, seed: answer.seed },
          {
            signal,
            onText: (piece) => {
              answer.text += piece;
              listener.text(side, piece);
            },
          },
        );
        // What comes at the end is what counts: not every model tells pieces, and spaces at the ends may be cut.
        answer.text = whole.text;
        answer.finish = whole.finish;
        answer.outputTokens = whole.usage.outputTokens;
        answer.ms = Math.round(performance.now() - started);
      });
    } catch (error) {
      answer.finish = signal.aborted ? 'stopped' : 'failed';
      if (!signal.aborted) {
        answer.problem = problemOf(error);
        if (answer.problem === ownFailure) listener.failed(error);
      }
    }
    listener.end(side, answer);
  }
}

function emptyAnswer(seed: number): TurnAnswer {
  return { ...{ text: '', finish: null, problem: null, modelId: null }, seed, outputTokens: null, ms: null };
}

const ownFailure = 'The model could not answer; the server’s log says why.';

/** Why a model did not answer, for people; what is the server's own business stays there. */
function problemOf(error: unknown): string {
  return TenetError.is(error) || error instanceof HttpError ? error.message : ownFailure;
}
