/**
 * Batched generation with a key-value cache.
 *
 * Finished sequences leave the batch at once and waiting prompts take their place, so the batch stays full
 * and short answers do not wait for long ones. What one request gets depends only on its prompt, options and
 * seed, not on its neighbours, but for float32 rounding (about 1e-6 in a log-probability): matrix products of
 * different heights add in different orders. The same requests in the same order give the same bits.
 */
import { Random, TenetError } from '../../base/index.ts';
import { Session, type SessionOptions, type TensorValue } from '../../tensor/index.ts';
import type { DecoderConfig } from '../decoder-config.ts';
import type { ParameterStore } from '../parameter-store.ts';
import { buildDecodeGraph, buildPromptGraph, type Distribution } from './decode-graph.ts';
import { KeyValueCache } from './key-value-cache.ts';
import {
  argmax,
  checkSamplingOptions,
  drawToken,
  penalisedProbabilities,
  type SamplingOptions,
} from './sampling.ts';

export interface GenerationRequest extends SamplingOptions {
  /** Token ids, at least one. */
  readonly prompt: ArrayLike<number>;
  /** Most tokens to generate, the stop token included. */
  readonly maxNewTokens: number;
  /** Ids that end the response; the id itself is part of it. Default: none. */
  readonly stopIds?: readonly number[];
  /** Seed of this request's draws. Default 0. */
  readonly seed?: number;
  /** Called with each token in order; true ends the response after it (for stop strings). */
  readonly shouldStop?: (id: number) => boolean;
}

/** Why a response ended: a stop id, `shouldStop`, or its length limit. */
export type FinishReason = 'stop' | 'stopped' | 'length';

export interface Generation {
  /** The response's token ids, the stop id included. */
  readonly ids: Int32Array;
  /** Log-probability of each under the full distribution at the request's temperature (1 if it is 0), nats. */
  readonly logProbs: Float32Array;
  readonly finish: FinishReason;
}

export interface GenerateOptions {
  /** Called as soon as a token is chosen. */
  readonly onToken?: (request: number, id: number, logProb: number) => void;
  /** Called as soon as a response is complete. */
  readonly onFinish?: (request: number, generation: Generation) => void;
  /** Ends generation with TenetError('interrupted'). */
  readonly signal?: AbortSignal;
}

export interface GeneratorOptions extends SessionOptions {
  /** Sequences decoded at once. Higher is faster per token and takes more memory. Default 64. */
  readonly batchSize?: number;
}

/** Most padded prompt tokens read in one run; bounds memory. */
const promptTokenBudget = 8192;

interface Active {
  readonly index: number;
  readonly request: GenerationRequest;
  readonly sampling: Required<SamplingOptions>;
  readonly stopIds: ReadonlySet<number>;
  readonly random: Random;
  readonly ids: number[];
  readonly logProbs: number[];
  /** With a repetition penalty: the ids in the prompt and in the response so far. */
  readonly seen: Set<number> | null;
  /** `maxNewTokens`, or less where the model's positions end. */
  readonly limit: number;
}

export class Generator {
  private readonly config: DecoderConfig;
  private readonly batchSize: number;
  private readonly promptSession: Session;
  private readonly decodeSession: Session<Output | 'entries'>;
  private readonly weightFeeds: Record<string, Float32Array>;

  private constructor(
    config: DecoderConfig,
    batchSize: number,
    promptSession: Session,
    decodeSession: Session<Output | 'entries'>,
    weightFeeds: Record<string, Float32Array>,
  ) {
    this.config = config;
    this.batchSize = batchSize;
    this.promptSession = promptSession;
    this.decodeSession = decodeSession;
    this.weightFeeds = weightFeeds;
  }

  /**
   * Prepares generation with the parameters' values as they are now: later changes to the store do not reach
   * a generator already made.
   */
  static async create(
    config: DecoderConfig,
    parameters: ParameterStore,
    options: GeneratorOptions = {},
  ): Promise<Generator> {
    const promptGraph = buildPromptGraph(config, parameters);
    const promptSession = await Session.create<string>(promptGraph.graph, promptGraph.outputs, options);
    const decode = buildDecodeGraph(config, parameters);
    const decodeSession = await Session.create(decode.graph, decode.outputs, options);
    const values = parameters.values.slice(); // the decode graph holds a copy of its own
    const weightFeeds = Object.fromEntries(
      [...promptGraph.weights.inputs.keys()].map((name) => {
        const start = parameters.offsetOf(name);
        return [name, values.subarray(start, start + parameters.view(name).length)];
      }),
    );
    return new Generator(config, options.batchSize ?? 64, promptSession, decodeSession, weightFeeds);
  }

  /** Frees the engine's memory. */
  async release(): Promise<void> {
    await this.promptSession.release();
    await this.decodeSession.release();
  }

  /**
   * Generates a response for each request.
   * @returns in the order of the requests
   * @throws TenetError('usage') naming the request whose prompt is empty, too long, or has unknown ids, before
   * anything is computed; TenetError('interrupted') when the signal fires
   */
  async generate(
    requests: readonly GenerationRequest[],
    options: GenerateOptions = {},
  ): Promise<Generation[]> {
    const waiting = requests.map((request, index) => this.prepare(request, index));
    const results = new Array<Generation>(requests.length);
    const active: Active[] = [];
    let cache: KeyValueCache | null = null;

    const finish = (row: number, reason: FinishReason): void => {
      const { index, ids, logProbs } = active[row];
      results[index] = { ids: Int32Array.from(ids), logProbs: Float32Array.from(logProbs), finish: reason };
      options.onFinish?.(index, results[index]);
      const last = active.length - 1;
      cache?.moveRow(last, row);
      active[row] = active[last];
      active.pop();
      if (cache) cache.rows = active.length;
    };
    /** Chooses the next token of each row in [from, active.length); finished rows leave. */
    const choose = (from: number, values: Chosen): void => {
      for (let i = active.length - 1; i >= from; i--) {
        const reason = this.extend(active[i], values, i - from, options);
        if (reason) finish(i, reason);
      }
    };

    let next = 0;
    while (next < waiting.length || active.length > 0) {
      if (options.signal?.aborted) throw new TenetError('interrupted', 'Generation was interrupted.');
      const free = this.batchSize - active.length;
      if (next < waiting.length && (active.length === 0 || free >= this.batchSize / 4)) {
        const group = takeGroup(waiting, next, free);
        next += group.length;
        cache ??= new KeyValueCache(this.config, {
          capacity: Math.min(this.batchSize, waiting.length),
          slots: Math.max(
            ...waiting.map(({ request, limit }) => request.prompt.length + Math.min(limit, 64)),
          ),
        });
        const values = await this.readPrompts(group, cache, active);
        choose(active.length - group.length, values);
        continue;
      }
      choose(0, await this.decode(active, cache!));
    }
    return results;
  }

  private prepare(request: GenerationRequest, index: number): Active {
    const { prompt, maxNewTokens } = request;
    const { maxPositions, vocabSize } = this.config;
    const wrong = (what: string): TenetError =>
      new TenetError('usage', `Generation request ${index}: ${what}`);
    if (prompt.length === 0) throw wrong('the prompt is empty; give at least a beginning-of-sequence token');
    if (prompt.length >= maxPositions) {
      throw wrong(
        `the prompt has ${prompt.length} tokens, but the model holds ${maxPositions} in all; shorten it`,
      );
    }
    if (!(Number.isInteger(maxNewTokens) && maxNewTokens > 0)) {
      throw wrong(`maxNewTokens is ${maxNewTokens}, must be a whole number > 0`);
    }
    for (let i = 0; i < prompt.length; i++) {
      if (!(Number.isInteger(prompt[i]) && prompt[i] >= 0 && prompt[i] < vocabSize)) {
        throw wrong(`prompt token ${i} is ${prompt[i]}, must be an id from 0 to ${vocabSize - 1}`);
      }
    }
    const sampling = checkSamplingOptions(request);
    return {
      index,
      request,
      sampling,
      seen: sampling.repetitionPenalty === 1 ? null : new Set(Array.from(prompt)),
      stopIds: new Set(request.stopIds ?? []),
      random: new Random(request.seed ?? 0),
      ids: [],
      logProbs: [],
      limit: Math.min(maxNewTokens, maxPositions - prompt.length),
    };
  }

  /** Runs the prompts of a group, each distinct prompt once, and appends the group to the active rows. */
  private async readPrompts(
    group: readonly Active[],
    cache: KeyValueCache,
    active: Active[],
  ): Promise<Chosen> {
    const distinct = new Map<string, { row: number; prompt: ArrayLike<number> }>();
    const sources = group.map(({ request }) => {
      const key = Array.prototype.join.call(request.prompt, ',');
      const entry = distinct.get(key) ?? { row: distinct.size, prompt: request.prompt };
      distinct.set(key, entry);
      return entry.row;
    });
    const prompts = [...distinct.values()].map(({ prompt }) => prompt);
    const tokens = Math.max(...prompts.map(({ length }) => length));
    const shape = [prompts.length, tokens];
    const ids = new Int32Array(prompts.length * tokens);
    const segments = new Int32Array(ids.length);
    const positions = new Int32Array(ids.length);
    prompts.forEach((prompt, row) => {
      for (let t = 0; t < prompt.length; t++) {
        ids[row * tokens + t] = prompt[t];
        segments[row * tokens + t] = 1;
        positions[row * tokens + t] = t;
      }
    });
    const wanted = fetches(group);
    const layerNames = Array.from({ length: this.config.layers }, (_, i) => [
      `keys${i}`,
      `values${i}`,
    ]).flat();
    const values = await this.promptSession.run(
      {
        ...this.weightFeeds,
        ids: { data: ids, shape },
        segments: { data: segments, shape },
        positions: { data: positions, shape },
        rows: Int32Array.from(group, ({ request }, i) => sources[i] * tokens + request.prompt.length - 1),
        inverseTemperatures: inverseTemperatures(group),
      },
      [...wanted, ...layerNames],
    );
    const first = active.length;
    active.push(...group);
    cache.rows = active.length;
    cache.grow(tokens + 1);
    for (let layer = 0; layer < this.config.layers; layer++) {
      const keys = values[`keys${layer}`].data as Float32Array;
      const layerValues = values[`values${layer}`].data as Float32Array;
      group.forEach(({ request }, i) => {
        cache.storePrompt(layer, first + i, {
          keys,
          values: layerValues,
          source: sources[i],
          tokens,
          length: request.prompt.length,
        });
      });
    }
    return values as Chosen;
  }

  /** One token for every active row. */
  private async decode(active: readonly Active[], cache: KeyValueCache): Promise<Chosen> {
    const rows = active.length;
    const positions = Int32Array.from(active, ({ request, ids }) => request.prompt.length + ids.length - 1);
    cache.grow(Math.max(...positions) + 1);
    const feeds: Record<string, { data: Float32Array | Int32Array; shape: readonly number[] }> = {
      ids: { data: Int32Array.from(active, ({ ids }) => ids[ids.length - 1]), shape: [rows, 1] },
      positions: { data: positions, shape: [rows, 1] },
      inverseTemperatures: inverseTemperatures(active),
    };
    const shape = [rows, cache.heads, 1, cache.slots, cache.width];
    for (let layer = 0; layer < cache.layers; layer++) {
      const { keys, values } = cache.layer(layer);
      feeds[`keys${layer}`] = { data: keys, shape };
      feeds[`values${layer}`] = { data: values, shape };
    }
    const values = await this.decodeSession.run(feeds, ['entries', ...fetches(active)]);
    cache.storeTokens(values.entries.data as Float32Array, positions);
    return values as Chosen;
  }

  /** Chooses a row's next token; tells why the response ends with it, or null. */
  private extend(state: Active, values: Chosen, row: number, options: GenerateOptions): FinishReason | null {
    const { request, sampling, ids, random } = state;
    const { vocabSize } = this.config;
    const rowOf = (value: TensorValue): Float32Array =>
      (value.data as Float32Array).subarray(row * vocabSize, (row + 1) * vocabSize);
    let id: number;
    let logProb: number;
    if (state.seen) {
      const logits = rowOf(values.logits!);
      const penalised = penalisedProbabilities(logits, state.seen, sampling);
      id = sampling.temperature === 0 ? argmax(penalised) : drawToken(penalised, sampling, random);
      logProb = logProbFromLogits(logits, id, sampling.temperature || 1);
      state.seen.add(id);
    } else if (sampling.temperature === 0) {
      id = Number(values.likeliest!.data[row]);
      logProb = Math.log(Number(values.largest!.data[row]));
    } else {
      const probabilities = rowOf(values.probabilities!);
      id = drawToken(probabilities, sampling, random);
      logProb = Math.log(probabilities[id]);
    }
    ids.push(id);
    state.logProbs.push(logProb);
    options.onToken?.(state.index, id, logProb);
    if (state.stopIds.has(id)) return 'stop';
    if (request.shouldStop?.(id)) return 'stopped';
    return ids.length >= state.limit ? 'length' : null;
  }
}

/** Outputs that a token is chosen from; only those needed are fetched, since fetching copies. */
type Output = keyof Distribution;
type Chosen = Partial<Record<Output, TensorValue>>;

function fetches(group: readonly Active[]): Output[] {
  const names = new Set<Output>();
  for (const { seen, sampling } of group) {
    if (seen) names.add('logits');
    else if (sampling.temperature === 0) names.add('likeliest').add('largest');
    else names.add('probabilities');
  }
  return [...names];
}

function inverseTemperatures(group: readonly Active[]): { data: Float32Array; shape: readonly number[] } {
  return {
    data: Float32Array.from(group, ({ sampling }) => 1 / (sampling.temperature || 1)),
    shape: [group.length, 1],
  };
}

/** As many waiting sequences as there are free rows and fit the prompt budget; at least one. */
function takeGroup(waiting: readonly Active[], start: number, free: number): Active[] {
  const group: Active[] = [];
  let longest = 0;
  for (let i = start; i < waiting.length && group.length < free; i++) {
    longest = Math.max(longest, waiting[i].request.prompt.length);
    if (group.length > 0 && longest * (group.length + 1) > promptTokenBudget) break;
    group.push(waiting[i]);
  }
  return group;
}

function logProbFromLogits(logits: Float32Array, id: number, temperature: number): number {
  const largest = logits[argmax(logits)];
  let total = 0;
  for (let i = 0; i < logits.length; i++) total += Math.exp((logits[i] - largest) / temperature);
  return (logits[id] - largest) / temperature - Math.log(total);
}
