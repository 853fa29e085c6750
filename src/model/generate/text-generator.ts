/** Text in, text out: a model folder's generator with its tokenizer, chat template and stop tokens. */
import { TenetError } from '../../base/index.ts';
import { type ChatMessage, ChatTemplate, loadTokenizer, type Tokenizer } from '../../text/index.ts';
import { loadModelFolder } from '../load-model.ts';
import type { LoadedModel } from '../loaded-model.ts';
import type { Generation, GenerationEvents } from './generation.ts';
import { endIds, type GenerationDefaults, generationDefaults } from './generation-defaults.ts';
import type { GenerationQueue } from './generation-queue.ts';
import { Generator, type GeneratorOptions } from './generator.ts';
import { ResponseText } from './response-text.ts';
import { checkSamplingOptions } from './sampling.ts';
import type {
  Continuation,
  TextCallOptions,
  TextGeneration,
  TextOptions,
  TextRequest,
} from './text-request.ts';
import { TextStream } from './text-stream.ts';

/** Most new tokens where neither the caller nor the model's folder says. */
const defaultMaxNewTokens = 256;

/**
 * @example
 * const model = await TextGenerator.load('models/assistant');
 * const [answer] = await model.generate([{ messages: [{ role: 'user', content: 'How tall is the tower?' }] }]);
 * for await (const piece of model.stream({ prompt: 'Once upon a time' })) process.stdout.write(piece);
 */
export class TextGenerator {
  readonly tokenizer: Tokenizer;
  /** How conversations become prompts; a plain Human/Assistant form where the model brings no template. */
  readonly template: ChatTemplate | null;
  /** Sampling options that the model's folder asks for. */
  readonly defaults: GenerationDefaults;
  /** Ids that end a text. */
  readonly endIds: readonly number[];
  /** Tokens that prompt and response may have together. */
  readonly contextLength: number;
  private readonly generator: Generator;
  private readonly queue: GenerationQueue;

  private constructor(generator: Generator, model: TextModel) {
    const { config, tokenizer, generationConfig = null } = model;
    this.generator = generator;
    this.queue = generator.queue();
    this.tokenizer = tokenizer;
    this.defaults = generationDefaults(generationConfig);
    this.endIds = endIds(generationConfig, config.eosIds, tokenizer.eosId);
    this.contextLength = config.maxPositions;
    const hasTemplate = model.chatTemplate !== undefined || tokenizer.chatTemplate !== null;
    this.template =
      hasTemplate || tokenizer.eosId !== null ? new ChatTemplate(tokenizer, model.chatTemplate) : null;
  }

  /**
   * Loads a model folder with its tokenizer.
   * @throws TenetError('model') when either cannot be read, or the folder holds a reward model
   */
  static async load(
    folder: string,
    options: GeneratorOptions & { readonly chatTemplate?: string } = {},
  ): Promise<TextGenerator> {
    const { chatTemplate, ...engine } = options;
    const model = await loadModelFolder(folder);
    const tokenizer = await loadTokenizer(model.tokenizerFolder);
    if (model.head !== 'causal') {
      throw new TenetError(
        'model',
        `${folder} holds a ${model.head} model, which scores texts and cannot write any; give a language model.`,
      );
    }
    return TextGenerator.create({ ...model, tokenizer, chatTemplate }, engine);
  }

  /** From a model in memory; later changes to its parameters do not reach the generator. */
  static async create(model: TextModel, options: GeneratorOptions = {}): Promise<TextGenerator> {
    const { config, tokenizer, parameters } = model;
    if (tokenizer.vocabSize > config.vocabSize) {
      throw new TenetError(
        'model',
        `The tokenizer has ${tokenizer.vocabSize} tokens, but the model knows ${config.vocabSize}; they do not ` +
          'belong together.',
      );
    }
    return new TextGenerator(await Generator.create(config, parameters, options), model);
  }

  /** Frees the engine's memory, once what was submitted is finished. */
  async release(): Promise<void> {
    await this.queue.idle();
    await this.generator.release();
  }

  /** Token ids of a request's prompt. */
  promptIds(request: TextRequest): number[] {
    const { messages, prompt } = request;
    if ((messages === undefined) === (prompt === undefined)) {
      throw new TenetError('usage', 'A text request has either messages or a prompt: give one of the two.');
    }
    if (messages) return this.tokenizer.encode(this.chatPrompt(messages, request.continueFinal));
    if (typeof prompt !== 'string') return [...prompt!];
    const { tokenizer } = this;
    const ids = tokenizer.encode(prompt);
    if (tokenizer.bosId !== null && (tokenizer.addsBos || ids.length === 0)) ids.unshift(tokenizer.bosId);
    return ids;
  }

  /**
   * Generates a response for each request, many at a time.
   * @returns in the order of the requests
   * @throws TenetError('usage') for requests that are wrong, before anything is computed
   */
  async generate(requests: readonly TextRequest[], options: TextCallOptions = {}): Promise<TextGeneration[]> {
    const prepared = requests.map((request, index) => this.prepare(request, index, options));
    const results = new Array<TextGeneration>(requests.length);
    await this.generator.generate(
      prepared.map(({ request }) => request),
      {
        ...{ signal: options.signal, onPrompt: options.onPrompt, onRead: options.onRead },
        onFinish: (index, generation) => {
          results[index] = finished(prepared[index], generation);
          options.onFinish?.(index, results[index]);
        },
      },
    );
    return results;
  }

  /** One response, readable while it is written. */
  stream(request: TextRequest, options: { readonly signal?: AbortSignal } = {}): TextStream<TextGeneration> {
    return new TextStream(async (emit, signal) => {
      const [result] = await this.generate([request], { signal, onText: (_, piece) => emit(piece) });
      return result;
    }, options.signal);
  }

  /**
   * One response, decoded together with whatever else is submitted meanwhile. The default seed is 0.
   * @throws TenetError('usage') for a request that is wrong; TenetError('interrupted') when the signal fires
   */
  async submit(
    request: TextRequest,
    options: Omit<GenerationEvents, 'onFinish'> & {
      /** Told each piece of text as soon as it is certain, after the token that made it so. */
      readonly onText?: (piece: string) => void;
      readonly signal?: AbortSignal;
    } = {},
  ): Promise<TextGeneration> {
    const { onText, ...events } = options;
    const prepared = this.prepare(request, 0, { onText: (_, piece) => onText?.(piece) });
    const generation = await this.queue.add(prepared.request, events);
    return finished(prepared, generation);
  }

  /**
   * How likely the model is to continue a prompt with each of these texts; together with whatever is submitted.
   * The prompt is read once for all of them. In a conversation they are the beginnings of the assistant's answer,
   * as the chat template would write them there.
   * @returns in the order of the texts
   * @throws TenetError('usage') when a text is empty or does not fit behind the prompt
   */
  async continuations(
    request: TextRequest,
    texts: readonly string[],
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<{ readonly promptTokens: number; readonly continuations: Continuation[] }> {
    const { messages, prompt: given, continueFinal } = request;
    const before = messages
      ? this.chatPrompt(messages, continueFinal)
      : typeof given === 'string'
        ? given
        : this.tokenizer.decode(given ?? []);
    const prompt = messages ? this.tokenizer.encode(before) : this.promptIds(request);
    const forced = texts.map((text) => {
      const written = messages ? this.writtenAfter(before, messages, continueFinal, text) : text;
      return this.tokenizer.encodeAfter(before, written);
    });
    const empty = forced.findIndex((ids) => ids.length === 0);
    if (empty >= 0) {
      throw new TenetError(
        'usage',
        `Continuation ${JSON.stringify(texts[empty])} has no tokens; give a text that is not empty.`,
      );
    }
    const generations = await Promise.all(
      forced.map((ids) => this.queue.add({ prompt, forced: ids, maxNewTokens: ids.length }, options)),
    );
    const continuations = generations.map(({ logProbs }, i) => ({ ids: forced[i], logProbs }));
    return { promptTokens: prompt.length, continuations };
  }

  private chatPrompt(messages: readonly ChatMessage[], continueFinal = false): string {
    if (!this.template) {
      throw new TenetError(
        'model',
        'This model has neither a chat template nor an end token, so it cannot chat; give a prompt to continue, ' +
          'or pass a chat template.',
      );
    }
    if (continueFinal) return this.template.renderPrompt(messages);
    return this.template.render(messages, { addGenerationPrompt: true });
  }

  /** What the chat template writes behind a prompt where the assistant says this. */
  private writtenAfter(
    before: string,
    messages: readonly ChatMessage[],
    continueFinal: boolean | undefined,
    text: string,
  ): string {
    const hasBegun = continueFinal && messages.at(-1)?.role === 'assistant';
    const answer = { role: 'assistant', content: (hasBegun ? beginningOf(messages) : '') + text };
    const whole = this.chatPrompt([...(hasBegun ? messages.slice(0, -1) : messages), answer], true);
    if (whole.startsWith(before)) return whole.slice(before.length);
    throw new TenetError(
      'data',
      'The chat template writes the conversation differently once an answer follows, so that the answer’s tokens ' +
        'cannot be told apart. Use a template made for training (prefix-preserving).',
    );
  }

  private prepare(request: TextRequest, index: number, { onText }: TextCallOptions) {
    const whole = this.promptIds(request);
    const prompt = request.echo ? whole.slice(0, 1) : whole;
    const forced = whole.slice(prompt.length);
    const asked = Object.fromEntries(
      Object.entries(request.options ?? {}).filter(([, v]) => v !== undefined),
    );
    const {
      stop = [],
      stopIds = [],
      seed = index,
      maxNewTokens,
      alternatives,
      ...sampling
    }: TextOptions = {
      maxNewTokens: defaultMaxNewTokens,
      ...this.defaults,
      ...asked,
    };
    if (stop.includes('')) {
      throw new TenetError(
        'usage',
        `Text request ${index}: a stop string is empty; it would end every response.`,
      );
    }
    const template = request.messages ? this.template : null; // its turns may end in ways of their own
    const begun = request.continueFinal ? beginningOf(request.messages ?? []) : '';
    const goesOn = begun !== '' && begun === begun.trimEnd(); // then a space at the start parts two words
    const trim = template === null ? 'none' : goesOn ? 'end' : 'both';
    const response = new ResponseText(
      this.tokenizer,
      { prompt, trim, stop: [...stop, ...(template?.stopStrings ?? [])] },
      (piece) => onText?.(index, piece),
    );
    const ends = [...this.endIds, ...(template?.turnEnd().stopIds ?? []), ...stopIds];
    // An id that spells something ends the text as a stop string does: a probe reads such a token too.
    const spelling = new Set(ends.filter((id) => !this.tokenizer.specialIds.has(id)));
    let echoed = 0;
    const shouldStop = (id: number): boolean => {
      if (echoed === forced.length) return response.push(id) || spelling.has(id);
      echoed++;
      response.echo(id);
      return false;
    };
    return {
      response,
      promptTokens: whole.length,
      request: {
        prompt,
        seed,
        maxNewTokens: forced.length + maxNewTokens!,
        alternatives,
        forced,
        ...checkSamplingOptions(sampling),
        stopIds: ends.filter((id) => !spelling.has(id)),
        shouldStop,
      },
    };
  }
}

/** What a conversation gives of the answer that is to follow: the text of a last message of the assistant. */
function beginningOf(messages: readonly ChatMessage[]): string {
  const last = messages.at(-1);
  return last?.role === 'assistant' && typeof last.content === 'string' ? last.content : '';
}

/** A language model in memory. */
export interface TextModel extends Pick<LoadedModel, 'config' | 'parameters'> {
  readonly tokenizer: Tokenizer;
  /** Contents of `generation_config.json`, or null. */
  readonly generationConfig?: LoadedModel['generationConfig'];
  /** Jinja source used in place of the tokenizer's own chat template. */
  readonly chatTemplate?: string;
}

function finished(
  { response, promptTokens }: { readonly response: ResponseText; readonly promptTokens: number },
  generation: Generation,
): TextGeneration {
  response.finish();
  const { ids, logProbs, finish, alternatives } = generation;
  const { text, stopString } = response;
  return {
    text,
    // The last piece may complete a stop string although the limit was reached.
    finish: finish === 'length' && stopString === null ? 'length' : 'stop',
    stopString,
    promptTokens,
    ids,
    logProbs,
    ...(alternatives && { alternatives }),
  };
}
