/** One request while it is generated: what was chosen so far, and how the next token is chosen. */
import { Random, TenetError } from '../../base/index.ts';
import type { TensorValue } from '../../tensor/index.ts';
import type { DecoderConfig } from '../decoder-config.ts';
import type { Distribution } from './decode-graph.ts';
import type { FinishReason, GenerationEvents, GenerationRequest, TokenAlternatives } from './generation.ts';
import { logNormaliser, mostLikely } from './log-probabilities.ts';
import type { PromptEngine } from './prompt-reader.ts';
import {
  argmax,
  checkSamplingOptions,
  drawToken,
  penalisedProbabilities,
  type SamplingOptions,
} from './sampling.ts';

/** What a token is chosen from, as far as it was fetched; one row per sequence. */
export type Chosen = Partial<Record<keyof Distribution, TensorValue>>;

/** What a step of decoding gives: also a probe's numbers for the tokens that were read, [R, N]. */
export type Step = Chosen & { readonly probe?: TensorValue };

/** Below it the likeliest token has all the probability anyway, and logits divided by it may overflow float32. */
const smallestTemperature = 1e-20;

export class ActiveSequence {
  readonly prompt: ArrayLike<number>;
  /** The response so far. */
  readonly ids: number[] = [];
  /** `maxNewTokens`, or less where the model's positions end. */
  readonly limit: number;
  readonly temperature: number;
  private readonly request: GenerationRequest;
  private readonly events: GenerationEvents;
  private readonly sampling: Required<SamplingOptions>;
  private readonly stopIds: ReadonlySet<number>;
  private readonly random: Random;
  private readonly logProbs: number[] = [];
  private readonly alternatives: TokenAlternatives[] = [];
  /** With a repetition penalty: the ids in the prompt and in the response so far. */
  private readonly seen: Set<number> | null;
  private ended: FinishReason = 'length';
  /** True: the response is complete, but its last token is still to be read. */
  private isWritten = false;
  private key: string | undefined;

  /**
   * @param name how errors call the request
   * @throws TenetError('usage') for a request that is wrong
   */
  constructor(
    request: GenerationRequest,
    { config, probeNumbers }: Pick<PromptEngine, 'config' | 'probeNumbers'>,
    events: GenerationEvents,
    name: string,
  ) {
    checkRequest(request, config, name);
    if (probeNumbers === 0 && (events.onPrompt || events.onRead)) {
      throw new TenetError(
        'usage',
        `${name}: it asks for the numbers of a probe, and the generator was made without one`,
      );
    }
    this.request = request;
    this.events = events;
    this.prompt = request.prompt;
    this.sampling = checkSamplingOptions(request);
    const { temperature } = this.sampling;
    this.temperature = temperature === 0 ? 1 : Math.max(temperature, smallestTemperature);
    this.seen = this.sampling.repetitionPenalty === 1 ? null : new Set(Array.from(request.prompt));
    this.stopIds = new Set(request.stopIds ?? []);
    this.random = new Random(request.seed ?? 0);
    this.limit = Math.min(request.maxNewTokens, config.maxPositions - request.prompt.length);
  }

  /** Equal for equal prompts. */
  get promptKey(): string {
    this.key ??= Array.prototype.join.call(this.prompt, ',') as string;
    return this.key;
  }

  /** True: a probe's numbers are wanted for the prompt, or for the tokens of the response. */
  get wantsProbe(): boolean {
    return this.events.onPrompt !== undefined || this.readsLast;
  }

  /** True for those that need a step of decoding: all but responses of one token that nobody wants read. */
  get goesOn(): boolean {
    return this.limit > 1 || this.readsLast;
  }

  /** The outputs that the next token is chosen from. */
  get needs(): readonly (keyof Distribution)[] {
    if (this.isWritten) return [];
    if (this.seen || this.forcedId !== undefined) return ['logits'];
    const own: (keyof Distribution)[] =
      this.sampling.temperature === 0 ? ['likeliest', 'largest'] : ['probabilities'];
    return this.request.alternatives === undefined ? own : [...own, 'logits'];
  }

  /** @param numbers [T, N] a probe's, for the prompt */
  promptRead(numbers: Float32Array): void {
    this.events.onPrompt?.(numbers);
  }

  /**
   * Tells what a probe makes of the token that was read, and chooses the next one.
   * @param row the sequence's row in the values
   * @returns true when nothing is left to be done
   */
  extend(values: Step, row: number, vocabSize: number): boolean {
    if (this.readsLast && this.ids.length > 0) this.events.onRead!(rowOfProbe(values.probe!, row));
    if (this.isWritten) return true;
    const isAtEnd = this.choose(values, row, vocabSize);
    this.isWritten = isAtEnd && this.readsLast && this.ended !== 'stop';
    return isAtEnd && !this.isWritten;
  }

  private get readsLast(): boolean {
    return this.events.onRead !== undefined;
  }

  /** @returns true when the response ends with the token that it chooses */
  private choose(values: Chosen, row: number, vocabSize: number): boolean {
    const rowOf = (value: TensorValue): Float32Array =>
      (value.data as Float32Array).subarray(row * vocabSize, (row + 1) * vocabSize);
    const { sampling, seen } = this;
    const forced = this.forcedId;
    let id: number;
    let logProb: number;
    if (seen || forced !== undefined) {
      const logits = rowOf(values.logits!);
      id = forced ?? this.drawPenalised(logits, seen!);
      logProb = logits[id] / this.temperature - logNormaliser(logits, this.temperature);
      seen?.add(id);
    } else if (sampling.temperature === 0) {
      id = Number(values.likeliest!.data[row]);
      logProb = Math.log(Number(values.largest!.data[row]));
    } else {
      const probabilities = rowOf(values.probabilities!);
      id = drawToken(probabilities, sampling, this.random);
      logProb = Math.log(probabilities[id]);
    }
    if (Number.isNaN(logProb)) throw notANumber(this.ids.length);
    this.ids.push(id);
    this.logProbs.push(logProb);
    const alternatives = this.alternativesTo(id, values, rowOf);
    this.events.onToken?.(id, logProb, alternatives);
    const isStopped = this.request.shouldStop?.(id) ?? false; // it wants to see every token
    if (forced === undefined && this.stopIds.has(id)) this.ended = 'stop';
    else if (forced === undefined && isStopped) this.ended = 'stopped';
    else return this.ids.length >= this.limit;
    return true;
  }

  /** Tells the complete response. */
  finish(): void {
    this.events.onFinish?.({
      ids: Int32Array.from(this.ids),
      logProbs: Float32Array.from(this.logProbs),
      finish: this.ended,
      ...(this.request.alternatives === undefined ? {} : { alternatives: this.alternatives }),
    });
  }

  private get forcedId(): number | undefined {
    return this.request.forced?.[this.ids.length];
  }

  private drawPenalised(logits: Float32Array, seen: ReadonlySet<number>): number {
    const penalised = penalisedProbabilities(logits, seen, this.sampling);
    return this.sampling.temperature === 0
      ? argmax(penalised)
      : drawToken(penalised, this.sampling, this.random);
  }

  private alternativesTo(
    id: number,
    values: Chosen,
    rowOf: (value: TensorValue) => Float32Array,
  ): TokenAlternatives | undefined {
    const count = this.request.alternatives;
    if (count === undefined) return undefined;
    const logits = rowOf(values.logits!);
    const normaliser = logNormaliser(logits, 1);
    const alternatives = {
      logProb: logits[id] - normaliser,
      likeliest: mostLikely(logits, count).map((other) => ({
        id: other,
        logProb: logits[other] - normaliser,
      })),
    };
    this.alternatives.push(alternatives);
    return alternatives;
  }
}

/** @param done tokens that were written before */
function notANumber(done: number): TenetError {
  return new TenetError(
    'model',
    `The probabilities of token ${done} of the response are NaN: the model's weights hold NaN or infinity, or values so ` +
      'large that its states overflow. Go back to a checkpoint from before its training diverged, or load the model again.',
  );
}

function rowOfProbe({ data, shape }: TensorValue, row: number): Float32Array {
  const numbers = shape[1];
  return (data as Float32Array).slice(row * numbers, (row + 1) * numbers);
}

function checkRequest(request: GenerationRequest, config: DecoderConfig, name: string): void {
  const { prompt, maxNewTokens, forced = [], alternatives = 0 } = request;
  const { maxPositions, vocabSize } = config;
  const wrong = (what: string, details = {}): TenetError =>
    new TenetError('usage', `${name}: ${what}`, { details });
  if (prompt.length === 0) throw wrong('the prompt is empty; give at least a beginning-of-sequence token');
  if (prompt.length >= maxPositions) {
    throw wrong(
      `the prompt has ${prompt.length} tokens, but the model holds ${maxPositions} in all; shorten it`,
      { contextLength: maxPositions },
    );
  }
  if (!(Number.isInteger(maxNewTokens) && maxNewTokens > 0)) {
    throw wrong(`maxNewTokens is ${maxNewTokens}, must be a whole number > 0`);
  }
  const both = prompt.length + forced.length;
  if (both > maxPositions) {
    throw wrong(
      `prompt and forced tokens are ${both} tokens, but the model holds ${maxPositions} in all; shorten them`,
      { contextLength: maxPositions },
    );
  }
  if (!(Number.isInteger(alternatives) && alternatives >= 0)) {
    throw wrong(`alternatives is ${alternatives}, must be a whole number ≥ 0`);
  }
  for (const [what, ids] of [
    ['prompt', prompt],
    ['forced', forced],
  ] as const) {
    for (let i = 0; i < ids.length; i++) {
      if (!(Number.isInteger(ids[i]) && ids[i] >= 0 && ids[i] < vocabSize)) {
        throw wrong(`${what} token ${i} is ${ids[i]}, must be an id from 0 to ${vocabSize - 1}`);
      }
    }
  }
}
