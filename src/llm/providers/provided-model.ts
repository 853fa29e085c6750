/** A model of a provider, through the AI SDK. One call is one request: retries and limits are layers of their own. */
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
import { temperedSoftmax } from '../option-probabilities.ts';
import { costOf, type Price } from '../prices.ts';
import { Concessions, type Wishes } from './concessions.ts';
import { beginningOf, foldBeginning, withoutBeginning } from './fold-beginning.ts';
import { IdleTimeout } from './idle-timeout.ts';
import { walkOptions } from './option-walk.ts';
import { type ErrorContext, failure, providerError } from './provider-error.ts';
import {
  finishOf,
  mergeOptions,
  pathOf,
  type SdkAnswer,
  type SdkModel,
  type SdkOptions,
  type SdkRequest,
  toSdkFormat,
  toSdkMessage,
} from './sdk.ts';

/** How a provider differs from others. */
export interface Dialect {
  readonly id: string;
  readonly model: SdkModel;
  readonly errors: ErrorContext;
  readonly price: Price | null;
  /** Asks for log-probabilities of so many alternatives; null: the provider tells none. */
  readonly logProbs: ((alternatives: number) => SdkOptions) | null;
  /** Asks to go on from a last message of the assistant; null: it does not, so the beginning is put into words. */
  readonly goOn: SdkOptions | null;
  /** False: the provider knows no seeds. */
  readonly seeds: boolean;
  /** Tokens that the model may think with besides those of the answer. */
  readonly hiddenTokens: number;
  /** Milliseconds without a byte after which a call counts as hung. */
  readonly timeoutMs: number;
}

const defaultMaxTokens = 512;
/** More than any provider tells; what it does tell is found out. */
const allAlternatives = 20;
/** An answer may have so many characters for each token that it was allowed, and a little more. */
const charactersPerToken = 40;

type Asked = Pick<ChatRequest, 'messages' | 'temperature' | 'topP' | 'seed' | 'json'>;

/** An answer as it was read. */
interface Read {
  readonly text: string;
  readonly finish: SdkAnswer['finishReason'];
  readonly usage: SdkAnswer['usage'];
}

export class ProvidedModel implements LanguageModel {
  readonly id: string;
  private readonly dialect: Dialect;
  private readonly concessions: Concessions = new Concessions();

  constructor(dialect: Dialect) {
    this.id = dialect.id;
    this.dialect = dialect;
  }

  /** What it costs, or null when that is not known. */
  get price(): Price | null {
    return this.dialect.price;
  }

  /** Tokens that it may think with besides those of the answer. */
  get hiddenTokens(): number {
    return this.dialect.hiddenTokens;
  }

  get exactChoices(): boolean {
    return this.dialect.logProbs !== null && this.concessions.tellsLogProbs;
  }

  async chat(request: ChatRequest, options: CallOptions = {}): Promise<ChatAnswer> {
    checkChatRequest(request);
    const started = performance.now();
    const { maxTokens = defaultMaxTokens, stop = [] } = request;
    const limits = {
      maxOutputTokens: maxTokens + this.dialect.hiddenTokens,
      // Four is what most providers take; the others are found in the answer.
      stopSequences: stop.length > 0 ? stop.slice(0, 4) : undefined,
    };
    const read = await this.asking(request, 0, (given) =>
      this.stream({ ...given, ...limits }, maxTokens, options),
    );
    const whole = withoutBeginning(read.text, beginningOf(request.messages));
    const text = cutAtStops(whole, stop);
    const finish = text === whole ? finishOf(read.finish) : 'stop';
    return { text, finish, usage: this.usageOf(read, request, started) };
  }

  /**
   * From log-probabilities alone; where the answer named no option at all, the mass is 0 and nothing is known.
   * @throws TenetError('provider') with `details.needsVotes` where log-probabilities are not to be had
   */
  async choose(request: ChoiceRequest, options: CallOptions = {}): Promise<Choice> {
    checkChoiceRequest(request);
    if (!this.exactChoices) throw this.needsVotes(null);
    const started = performance.now();
    const beginning = beginningOf(request.messages);
    const longest = Math.max(...request.options.map(({ length }) => length));
    // One token would do where an option is one; brackets and a repeated beginning take more.
    const maxOutputTokens = Math.min(256, 4 + longest + Math.ceil(beginning.length / 2));
    const answer = await this.asking({ ...request, temperature: 0 }, allAlternatives, (given) =>
      this.once({ ...given, maxOutputTokens }, options),
    );
    const path = pathOf(answer);
    const text = path.map(({ token }) => token).join('');
    const usage = this.usageOf({ usage: answer.usage, text }, request, started);
    if (path.length === 0) {
      this.concessions.giveUpLogProbs();
      throw this.needsVotes(usage);
    }
    const found = walkOptions(path, request.options, beginning);
    const mass = found.reduce((sum, probability) => sum + probability, 0);
    const probabilities =
      mass === 0
        ? found.map(() => 1 / found.length)
        : temperedSoftmax(found.map(Math.log), request.temperature ?? 1);
    return { probabilities, mass: Math.min(1, mass), method: 'log-probs', usage };
  }

  async close(): Promise<void> {}

  /** Asks for all that is wished for, and again without what the provider refuses to know. */
  private async asking<T>(
    request: Asked,
    alternatives: number,
    ask: (given: SdkRequest) => Promise<T>,
  ): Promise<T> {
    const { goOn } = this.dialect;
    const wishes: Wishes = {
      goOn: goOn !== null && beginningOf(request.messages) !== '',
      json: request.json !== undefined,
      alternatives,
    };
    for (;;) {
      const possible = this.concessions.possible(wishes);
      if (alternatives > 0 && possible.alternatives === 0) throw this.needsVotes(null);
      try {
        return await ask(this.given(request, possible));
      } catch (error) {
        if (!this.concessions.make(error, possible)) throw error;
      }
    }
  }

  private given(request: Asked, { goOn, json, alternatives }: Wishes): SdkRequest {
    const { dialect } = this;
    const messages = goOn ? request.messages : foldBeginning(request.messages);
    return {
      prompt: messages.map(toSdkMessage),
      temperature: request.temperature ?? 1, // the SDK leaves out what a model does not take
      topP: request.topP,
      seed: dialect.seeds ? request.seed : undefined,
      responseFormat: json && !goOn ? toSdkFormat(request.json!) : undefined,
      providerOptions: mergeOptions(
        goOn ? dialect.goOn! : undefined,
        alternatives > 0 ? dialect.logProbs!(alternatives) : undefined,
      ),
    };
  }

  /** One request, its answer read whole. */
  private async once(request: SdkRequest, { signal }: CallOptions): Promise<SdkAnswer> {
    const timeout = new IdleTimeout(this.dialect.timeoutMs, signal);
    try {
      return await this.dialect.model.doGenerate({ ...request, abortSignal: timeout.signal });
    } catch (error) {
      throw this.failed(error, timeout, signal);
    } finally {
      timeout.clear();
    }
  }

  /** One request, its answer read as it comes, so that a hung connection is told from a slow model. */
  private async stream(
    request: SdkRequest,
    maxTokens: number,
    { signal, onText }: CallOptions,
  ): Promise<Read> {
    const timeout = new IdleTimeout(this.dialect.timeoutMs, signal);
    const longest = 4096 + charactersPerToken * maxTokens;
    let text = '';
    let end: Omit<Read, 'text'> | undefined;
    try {
      const { stream } = await this.dialect.model.doStream({ ...request, abortSignal: timeout.signal });
      for await (const part of stream) {
        timeout.restart();
        if (part.type === 'text-delta') {
          text += part.delta;
          onText?.(part.delta);
        } else if (part.type === 'error') throw part.error;
        else if (part.type === 'finish') end = { finish: part.finishReason, usage: part.usage };
        if (text.length > longest) throw this.tooLong(longest, maxTokens);
      }
    } catch (error) {
      throw this.failed(error, timeout, signal);
    } finally {
      timeout.abandon();
    }
    if (!end || end.finish.raw === undefined) {
      throw failure('broke off in the middle of an answer', { model: this.id, retryable: true });
    }
    return { text, ...end };
  }

  private failed(error: unknown, timeout: IdleTimeout, signal: AbortSignal | undefined): TenetError {
    if (signal?.aborted) return new TenetError('interrupted', `The call of ${this.id} was interrupted.`);
    if (timeout.expired) {
      const seconds = this.dialect.timeoutMs / 1000;
      return failure(`has sent nothing for ${seconds} seconds`, { model: this.id, retryable: true });
    }
    return providerError(error, this.dialect.errors);
  }

  private tooLong(characters: number, maxTokens: number): TenetError {
    return failure(
      `wrote more than ${characters} characters where ${maxTokens} tokens were allowed; it does not keep to the limit`,
      { model: this.id, retryable: false },
    );
  }

  /** @param usage of a call that was made in vain */
  private needsVotes(usage: Usage | null): TenetError {
    const details = { model: this.id, retryable: false, needsVotes: true, usage };
    return new TenetError('provider', `${this.id} tells no log-probabilities; count its votes.`, { details });
  }

  private usageOf(
    { usage, text }: Pick<Read, 'usage' | 'text'>,
    { messages }: Asked,
    started: number,
  ): Usage {
    const inputTokens =
      usage.inputTokens.total ?? guessTokens(messages.map(({ content }) => content).join('\n'));
    const outputTokens = usage.outputTokens.total ?? guessTokens(text);
    const cacheRead = usage.inputTokens.cacheRead ?? 0;
    const { price } = this.dialect;
    const costUsd = price && costOf(price, { inputTokens, outputTokens, cacheRead });
    return { inputTokens, outputTokens, costUsd, latencyMs: performance.now() - started, cached: false };
  }
}

/** True: the model could not answer from log-probabilities, so that its votes have to be counted. */
export function isNeedsVotes(error: unknown): error is TenetError {
  return TenetError.is(error) && error.details.needsVotes === true;
}

function cutAtStops(text: string, stops: readonly string[]): string {
  const ends = stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
  return ends.length === 0 ? text : text.slice(0, Math.min(...ends));
}

/** For providers that do not tell: four characters a token, as is usual for English. */
function guessTokens(text: string): number {
  return Math.ceil(text.length / 4);
}
