/** A language model that answers as it is told, for tests of what is built on one. */

import { TenetError } from '../../base/index.ts';
import { checkChatRequest, checkChoiceRequest } from '../check-request.ts';
import type {
  CallOptions,
  ChatAnswer,
  ChatRequest,
  Choice,
  ChoiceRequest,
  LanguageModel,
  Usage,
} from '../language-model.ts';
import { pause } from '../layers/signals.ts';

export interface MockModelOptions {
  /** Default `mock`. */
  readonly id?: string;
  /**
   * The answer to each conversation: a text, an answer with what is to differ from the defaults, or an error to fail
   * with. A list is used up in order, and the last entry stays. Default: refuse to chat.
   */
  readonly chat?: Script<ChatRequest, string | Partial<ChatAnswer> | Error>;
  /** The probabilities for each choice; scaled to sum to 1. Default: refuse to choose. */
  readonly choose?: Script<ChoiceRequest, readonly number[] | Partial<Choice> | Error>;
  /** What each call is said to have used. Default: tokens counted as words, free, no time. */
  readonly usage?: Partial<Usage>;
  /** Milliseconds that a call takes. Default 0; an answer never comes in the same turn of the event loop. */
  readonly delayMs?: number | ((request: ChatRequest | ChoiceRequest) => number);
  /** Default true. */
  readonly exactChoices?: boolean;
}

type Script<Request, Answer> =
  | readonly Answer[]
  | ((request: Request, call: number) => Answer | Promise<Answer>);

export interface MockModel extends LanguageModel {
  /** Every request so far, in the order they came. */
  readonly calls: readonly (
    | ({ readonly kind: 'chat' } & ChatRequest)
    | ({ readonly kind: 'choose' } & ChoiceRequest)
  )[];
  /** Calls under way. */
  readonly atOnce: number;
  /** Most calls that were under way at once. */
  readonly mostAtOnce: number;
  readonly closed: boolean;
}

/**
 * @example
 * const judge = mockModel({ choose: ({ messages }) => (messages.at(-1)!.content.includes('rude') ? [0, 1] : [1, 0]) });
 */
export function mockModel(options: MockModelOptions = {}): MockModel {
  return new Mock(options);
}

class Mock implements MockModel {
  readonly id: string;
  readonly exactChoices: boolean;
  readonly calls: (({ kind: 'chat' } & ChatRequest) | ({ kind: 'choose' } & ChoiceRequest))[] = [];
  atOnce = 0;
  mostAtOnce = 0;
  closed = false;
  private readonly options: MockModelOptions;
  private chats = 0;
  private choices = 0;

  constructor(options: MockModelOptions) {
    this.options = options;
    this.id = options.id ?? 'mock';
    this.exactChoices = options.exactChoices ?? true;
  }

  async chat(request: ChatRequest, call: CallOptions = {}): Promise<ChatAnswer> {
    checkChatRequest(request);
    this.calls.push({ kind: 'chat', ...request });
    const number = this.chats++;
    return this.during(request, call, async () => {
      const answer = await nextOf(this.options.chat, request, number, 'chat');
      if (answer instanceof Error) throw answer;
      const given = typeof answer === 'string' ? { text: answer } : answer;
      const text = given.text ?? '';
      for (const piece of call.onText ? (text.match(/\s*\S+|\s+$/g) ?? []) : []) call.onText!(piece);
      return { finish: 'stop', ...given, text, usage: this.usageOf(request, text, given.usage) };
    });
  }

  async choose(request: ChoiceRequest, call: CallOptions = {}): Promise<Choice> {
    checkChoiceRequest(request);
    this.calls.push({ kind: 'choose', ...request });
    const number = this.choices++;
    return this.during(request, call, async () => {
      const answer = await nextOf(this.options.choose, request, number, 'choose');
      if (answer instanceof Error) throw answer;
      const given: Partial<Choice> = Array.isArray(answer)
        ? { probabilities: answer }
        : (answer as Partial<Choice>);
      const weights = given.probabilities ?? request.options.map(() => 1);
      if (weights.length !== request.options.length) {
        throw new TenetError(
          'usage',
          `The mock model was given ${weights.length} probabilities for ${request.options.length} options.`,
        );
      }
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      const method = this.exactChoices ? 'log-probs' : 'votes';
      const probabilities = weights.map((weight) => weight / total);
      return { method, mass: 1, ...given, probabilities, usage: this.usageOf(request, '', given.usage) };
    });
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  private async during<T>(
    request: ChatRequest | ChoiceRequest,
    { signal }: CallOptions,
    answer: () => Promise<T>,
  ): Promise<T> {
    const { delayMs = 0 } = this.options;
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.atOnce);
    try {
      await pause(typeof delayMs === 'number' ? delayMs : delayMs(request), signal);
      return await answer();
    } finally {
      this.atOnce--;
    }
  }

  private usageOf(
    request: { readonly messages: ChatRequest['messages'] },
    text: string,
    given?: Usage,
  ): Usage {
    const words = (content: string): number => content.split(/\s+/).filter(Boolean).length;
    return {
      inputTokens: request.messages.reduce((sum, { content }) => sum + words(content), 0),
      outputTokens: words(text),
      costUsd: 0,
      latencyMs: 0,
      cached: false,
      ...this.options.usage,
      ...given,
    };
  }
}

async function nextOf<Request, Answer>(
  script: Script<Request, Answer> | undefined,
  request: Request,
  call: number,
  what: string,
): Promise<Answer> {
  if (typeof script === 'function') return script(request, call);
  if (script && script.length > 0) return script[Math.min(call, script.length - 1)];
  throw new TenetError('usage', `The mock model was not told how to ${what}; give it the option "${what}".`);
}
