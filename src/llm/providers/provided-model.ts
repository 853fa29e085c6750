/** A model of a provider, through the AI SDK. One call is one request: retries and limits are layers of their own. */
import type { OpenAICompatibleProvider } from '@ai-sdk/openai-compatible';
import { TenetError } from '../../base/index.ts';
import { checkChatRequest, checkChoiceRequest } from '../check-request.ts';
import type {
  CallOptions,
  ChatAnswer,
  ChatRequest,
  Choice,
  ChoiceRequest,
  JsonFormat,
  LanguageModel,
  Message,
  Usage,
} from '../language-model.ts';
import { temperedSoftmax } from '../option-probabilities.ts';
import { costOf, type Price } from '../prices.ts';
import { beginningOf, foldBeginning, withoutBeginning } from './fold-beginning.ts';
import { IdleTimeout } from './idle-timeout.ts';
import { type TokenChoice, walkOptions } from './option-walk.ts';
import { type ErrorContext, failure, providerError, refusedFor } from './provider-error.ts';

/** A model object of the AI SDK (specification v3). */
export type SdkModel = ReturnType<OpenAICompatibleProvider['chatModel']>;
type SdkRequest = Parameters<SdkModel['doGenerate']>[0];
type SdkAnswer = Awaited<ReturnType<SdkModel['doGenerate']>>;
type SdkUsage = SdkAnswer['usage'];
type SdkOptions = NonNullable<SdkRequest['providerOptions']>;

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
  /** Tokens that the model may think with besides those of the answer. Default 0. */
  readonly hiddenTokens: number;
  /** Milliseconds without a byte after which a call counts as hung. */
  readonly timeoutMs: number;
}

const defaultMaxTokens = 512;
/** The most alternatives that OpenAI and vLLM tell; others allow fewer. */
const alternativesAsked = [20, 5];
/** Below this mass the answer was about something else, and votes tell more. */
const leastMass = 0.05;
/** An answer may have so many characters for each token that it was allowed, and a little more. */
const charactersPerToken = 40;

export class ProvidedModel implements LanguageModel {
  readonly id: string;
  private readonly dialect: Dialect;
  /** What the provider turned out not to support, so that it is not asked again. */
  private readonly refused = { goOn: false, json: false, logProbs: false };
  private alternatives: number = alternativesAsked[0];

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
    return this.dialect.logProbs !== null && !this.refused.logProbs;
  }

  async chat(request: ChatRequest, options: CallOptions = {}): Promise<ChatAnswer> {
    checkChatRequest(request);
    const started = performance.now();
    const { maxTokens = defaultMaxTokens } = request;
    const beginning = beginningOf(request.messages);
    const read = await this.withFallbacks(request, (given) =>
      this.stream(
        { ...given, maxOutputTokens: maxTokens + this.dialect.hiddenTokens, stopSequences: stopsOf(request) },
        maxTokens,
        options,
      ),
    );
    const text = beginning === '' ? read.text : withoutBeginning(read.text, beginning);
    const usage = this.usageOf(read.usage, request.messages, read.text, started);
    return { text: cutAtStops(text, request.stop), finish: finishOf(read.finish), usage };
  }

  /**
   * From log-probabilities alone.
   * @throws TenetError('provider') with `details.needsVotes` where they are not to be had or do not tell
   */
  async choose(request: ChoiceRequest, options: CallOptions = {}): Promise<Choice> {
    checkChoiceRequest(request);
    const { logProbs } = this.dialect;
    if (!this.exactChoices || !logProbs) throw needsVotes(this.id, 'tells no log-probabilities');
    const started = performance.now();
    const beginning = beginningOf(request.messages);
    const longest = Math.max(...request.options.map(({ length }) => length));
    // One token would do where an option is one; brackets and a repeated beginning take more.
    const maxOutputTokens = Math.min(256, 4 + longest + Math.ceil(beginning.length / 2));
    const answer = await this.withFallbacks({ ...request, temperature: 0 }, (given) =>
      this.once(
        {
          ...given,
          maxOutputTokens,
          providerOptions: merged(given.providerOptions, logProbs(this.alternatives)),
        },
        options,
      ),
    );
    const path = pathOf(answer.response?.body);
    if (path.length === 0) {
      this.refused.logProbs = true;
      throw needsVotes(this.id, 'tells no log-probabilities');
    }
    const found = walkOptions(path, request.options, beginning);
    const mass = Math.min(
      1,
      found.reduce((sum, probability) => sum + probability, 0),
    );
    if (mass < leastMass) throw needsVotes(this.id, 'named no option');
    const probabilities = temperedSoftmax(found.map(Math.log), request.temperature ?? 1);
    const text = path.map(({ token }) => token).join('');
    return {
      probabilities,
      mass,
      method: 'log-probs',
      usage: this.usageOf(answer.usage, request.messages, text, started),
    };
  }

  async close(): Promise<void> {}

  /** Asks for everything that the request wants, and again without what the provider refuses to know. */
  private async withFallbacks<T>(
    request: Pick<ChatRequest, 'messages' | 'temperature' | 'topP' | 'seed' | 'json'>,
    ask: (given: SdkRequest) => Promise<T>,
  ): Promise<T> {
    for (;;) {
      try {
        return await ask(this.given(request));
      } catch (error) {
        if (!this.concede(error, request)) throw error;
      }
    }
  }

  /** Gives up what an error says is not supported. @returns false when there is nothing to give up */
  private concede(error: unknown, { messages, json }: Pick<ChatRequest, 'messages' | 'json'>): boolean {
    const { refused, dialect } = this;
    const hasBeginning = beginningOf(messages) !== '';
    if (
      hasBeginning &&
      dialect.goOn &&
      !refused.goOn &&
      refusedFor(error, /prefill|continue_final|add_generation|assistant/i)
    ) {
      refused.goOn = true;
      return true;
    }
    if (
      json &&
      !refused.json &&
      refusedFor(error, /response_format|json_schema|structured|schema|output_format/i)
    ) {
      refused.json = true;
      return true;
    }
    if (refusedFor(error, /logprobs/i) && !refused.logProbs) {
      const fewer = alternativesAsked.find((count) => count < this.alternatives);
      if (fewer === undefined) {
        refused.logProbs = true;
        throw needsVotes(this.id, 'tells no log-probabilities');
      }
      this.alternatives = fewer;
      return true;
    }
    return false;
  }

  private given(
    request: Pick<ChatRequest, 'messages' | 'temperature' | 'topP' | 'seed' | 'json'>,
  ): SdkRequest {
    const { dialect, refused } = this;
    const goesOn = dialect.goOn !== null && !refused.goOn && beginningOf(request.messages) !== '';
    const messages = goesOn ? request.messages : foldBeginning(request.messages);
    return {
      prompt: messages.map(toSdkMessage),
      temperature: request.temperature ?? 1, // the SDK leaves out what a model does not take
      topP: request.topP,
      ...(dialect.seeds && { seed: request.seed }),
      ...(request.json && !refused.json && !goesOn && { responseFormat: toSdkFormat(request.json) }),
      ...(goesOn && { providerOptions: dialect.goOn! }),
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
  private async stream(request: SdkRequest, maxTokens: number, { signal }: CallOptions): Promise<Read> {
    const timeout = new IdleTimeout(this.dialect.timeoutMs, signal);
    const longest = 4096 + charactersPerToken * maxTokens;
    let text = '';
    let end: { finish: SdkAnswer['finishReason']; usage: SdkUsage } | undefined;
    try {
      const { stream } = await this.dialect.model.doStream({ ...request, abortSignal: timeout.signal });
      for await (const part of stream) {
        timeout.restart();
        if (part.type === 'text-delta') text += part.delta;
        else if (part.type === 'error') throw part.error;
        else if (part.type === 'finish') end = { finish: part.finishReason, usage: part.usage };
        if (text.length > longest) {
          const what = `wrote more than ${longest} characters where ${maxTokens} tokens were allowed; it does not keep to the limit`;
          throw failure(what, { model: this.id, retryable: false });
        }
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

  private usageOf(usage: SdkUsage, messages: readonly Message[], text: string, started: number): Usage {
    const inputTokens =
      usage.inputTokens.total ?? guessTokens(messages.map(({ content }) => content).join('\n'));
    const outputTokens = usage.outputTokens.total ?? guessTokens(text);
    const cacheRead = usage.inputTokens.cacheRead ?? 0;
    const costUsd =
      this.dialect.price && costOf(this.dialect.price, { inputTokens, outputTokens, cacheRead });
    return { inputTokens, outputTokens, costUsd, latencyMs: performance.now() - started, cached: false };
  }
}

interface Read {
  readonly text: string;
  readonly finish: SdkAnswer['finishReason'];
  readonly usage: SdkUsage;
}

/** True: the model could not answer from log-probabilities, so that its votes have to be counted. */
export function isNeedsVotes(error: unknown): boolean {
  return TenetError.is(error) && error.details.needsVotes === true;
}

function needsVotes(model: string, what: string): TenetError {
  const details = { model, retryable: false, needsVotes: true };
  return new TenetError('provider', `${model} ${what}; count its votes.`, { details });
}

function toSdkMessage({ role, content }: Message): SdkRequest['prompt'][number] {
  return role === 'system' ? { role, content } : { role, content: [{ type: 'text', text: content }] };
}

function toSdkFormat({ name, schema }: JsonFormat): SdkRequest['responseFormat'] {
  return { type: 'json', name, schema: schema as object };
}

function stopsOf({ stop = [] }: ChatRequest): string[] | undefined {
  // Four is what most providers take; the others are found in the answer.
  return stop.length === 0 ? undefined : stop.slice(0, 4);
}

function cutAtStops(text: string, stops: readonly string[] = []): string {
  const ends = stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
  return ends.length === 0 ? text : text.slice(0, Math.min(...ends));
}

function finishOf({ unified }: SdkAnswer['finishReason']): ChatAnswer['finish'] {
  if (unified === 'length') return 'length';
  return unified === 'content-filter' ? 'filter' : 'stop';
}

function merged(...options: (SdkOptions | undefined)[]): SdkOptions {
  const result: Record<string, Record<string, unknown>> = {};
  for (const one of options) {
    for (const [provider, values] of Object.entries(one ?? {}))
      result[provider] = { ...result[provider], ...values };
  }
  return result as SdkOptions;
}

/** For providers that do not tell: four characters a token, as is usual for English. */
function guessTokens(text: string): number {
  return Math.ceil(text.length / 4);
}

/** The tokens of an answer with their alternatives; empty where the provider tells none. */
function pathOf(body: unknown): TokenChoice[] {
  const { choices = [] } = (body ?? {}) as {
    choices?: readonly { logprobs?: { content?: readonly TokenChoice[] | null } | null }[];
  };
  const content = choices[0]?.logprobs?.content ?? [];
  return content
    .filter(({ token, logprob }) => typeof token === 'string' && typeof logprob === 'number')
    .map(({ token, logprob, top_logprobs }) => ({ token, logprob, top_logprobs: top_logprobs ?? [] }));
}
