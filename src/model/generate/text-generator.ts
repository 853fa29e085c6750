/** Text in, text out: a model folder's generator with its tokenizer, chat template and stop tokens. */
import { TenetError } from '../../base/index.ts';
import { type ChatMessage, ChatTemplate, loadTokenizer, type Tokenizer } from '../../text/index.ts';
import { type LoadedModel, loadModelFolder } from '../load-model.ts';
import { endIds, type GenerationDefaults, generationDefaults } from './generation-defaults.ts';
import { type Generation, Generator, type GeneratorOptions } from './generator.ts';
import { ResponseText } from './response-text.ts';
import { checkSamplingOptions, type SamplingOptions } from './sampling.ts';
import { TextStream } from './text-stream.ts';

/** Options of one response; sampling options left out come from the model's `generation_config.json`. */
export interface TextOptions extends SamplingOptions {
  /** Most tokens to generate. Default: what the model's folder says, else 256; never past its context. */
  readonly maxNewTokens?: number;
  /** Texts that end the response; it is cut before them. Default none. */
  readonly stop?: readonly string[];
  /** Ids that end the response besides the model's own. */
  readonly stopIds?: readonly number[];
  /** Seed of the draws. Default: the request's place in the list, from 0. */
  readonly seed?: number;
}

/** A conversation to answer, or a text to continue: one of the two. */
export interface TextRequest {
  /** Goes through the chat template; the response is the assistant's turn, without white space around it. */
  readonly messages?: readonly ChatMessage[];
  /** Continued as it is, behind the token that begins a text if the tokenizer puts one there. */
  readonly prompt?: string;
  readonly options?: TextOptions;
}

export interface TextGeneration {
  /** Whole characters; without control tokens, before the stop string. */
  readonly text: string;
  /** 'stop': an end token or a stop string; 'length': the limit was reached. */
  readonly finish: 'stop' | 'length';
  /** The stop string that ended it, or null. */
  readonly stopString: string | null;
  readonly promptTokens: number;
  /** All sampled tokens, those of an end token or a stop string included. */
  readonly ids: Int32Array;
  /** Log-probability of each under the full distribution at the request's temperature, nats. */
  readonly logProbs: Float32Array;
}

export interface TextCallOptions {
  /** Told each piece of text as soon as it is certain. A request's pieces, joined, are its text. */
  readonly onText?: (request: number, piece: string) => void;
  readonly onFinish?: (request: number, generation: TextGeneration) => void;
  /** Ends generation with TenetError('interrupted'). */
  readonly signal?: AbortSignal;
}

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

  private constructor(generator: Generator, model: TextModel) {
    const { config, tokenizer, generationConfig = null } = model;
    this.generator = generator;
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
    const tokenizer = await loadTokenizer(folder);
    const model = await loadModelFolder(folder);
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

  /** Frees the engine's memory. */
  async release(): Promise<void> {
    await this.generator.release();
  }

  /** Token ids of a request's prompt. */
  promptIds({ messages, prompt }: TextRequest): number[] {
    if ((messages === undefined) === (prompt === undefined)) {
      throw new TenetError('usage', 'A text request has either messages or a prompt: give one of the two.');
    }
    if (messages) {
      if (!this.template) {
        throw new TenetError(
          'model',
          'This model has neither a chat template nor an end token, so it cannot chat; give a prompt to continue, ' +
            'or pass a chat template.',
        );
      }
      return this.template.encode(messages, { addGenerationPrompt: true });
    }
    const { tokenizer } = this;
    const ids = tokenizer.encode(prompt!);
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
        signal: options.signal,
        onFinish: (index, generation) => {
          results[index] = finished(prepared[index].response, prepared[index].request.prompt, generation);
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

  private prepare(request: TextRequest, index: number, { onText }: TextCallOptions) {
    const prompt = this.promptIds(request);
    const asked = Object.fromEntries(
      Object.entries(request.options ?? {}).filter(([, v]) => v !== undefined),
    );
    const {
      stop = [],
      stopIds = [],
      seed = index,
      maxNewTokens,
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
    const response = new ResponseText(
      this.tokenizer,
      { prompt, trim: template !== null, stop: [...stop, ...(template?.stopStrings ?? [])] },
      (piece) => onText?.(index, piece),
    );
    return {
      response,
      request: {
        prompt,
        seed,
        maxNewTokens: maxNewTokens!,
        ...checkSamplingOptions(sampling),
        stopIds: [...this.endIds, ...(template?.turnEnd().stopIds ?? []), ...stopIds],
        shouldStop: (id: number) => response.push(id),
      },
    };
  }
}

/** A language model in memory. */
export interface TextModel extends Pick<LoadedModel, 'config' | 'parameters'> {
  readonly tokenizer: Tokenizer;
  /** Contents of `generation_config.json`, or null. */
  readonly generationConfig?: LoadedModel['generationConfig'];
  /** Jinja source used in place of the tokenizer's own chat template. */
  readonly chatTemplate?: string;
}

function finished(response: ResponseText, prompt: readonly number[], generation: Generation): TextGeneration {
  response.finish();
  const { ids, logProbs, finish } = generation;
  const { text, stopString } = response;
  return {
    text,
    // The last piece may complete a stop string although the limit was reached.
    finish: finish === 'length' && stopString === null ? 'length' : 'stop',
    stopString,
    promptTokens: prompt.length,
    ids,
    logProbs,
  };
}
