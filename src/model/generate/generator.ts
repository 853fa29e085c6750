/**
 * Batched generation with a key-value cache.
 *
 * Finished sequences leave the batch at once and waiting prompts take their place, so the batch stays full
 * and short answers do not wait for long ones. What one request gets depends only on its prompt, options and
 * seed, not on its neighbours, but for float32 rounding (about 1e-6 in a log-probability): matrix products of
 * different heights add in different orders. The same requests in the same order give the same bits.
 */
import { TenetError } from '../../base/index.ts';
import { Session, type SessionOptions } from '../../tensor/index.ts';
import { plainParameters } from '../adapter/merge.ts';
import type { DecoderConfig } from '../decoder-config.ts';
import type { ParameterStore } from '../parameter-store.ts';
import { ActiveSequence } from './active-sequence.ts';
import { DecodeBatch, type Engine } from './decode-batch.ts';
import { buildDecodeGraph, buildPromptGraph } from './decode-graph.ts';
import type { Generation, GenerationEvents, GenerationRequest } from './generation.ts';
import { GenerationQueue } from './generation-queue.ts';
import { canReusePrefixes } from './prefix-attention.ts';
import { PromptReader } from './prompt-reader.ts';
import { checkProbe, type StateProbe } from './state-probe.ts';

export interface GenerateOptions {
  /** Called as soon as a token is chosen. */
  readonly onToken?: (request: number, id: number, logProb: number) => void;
  /** With a probe: its numbers for every token of the prompt, [T, N]; see `GenerationEvents`. */
  readonly onPrompt?: (request: number, numbers: Float32Array) => void;
  /** With a probe: its numbers for each token of the response, [N], once it has been read. */
  readonly onRead?: (request: number, numbers: Float32Array) => void;
  /** Called as soon as a response is complete. */
  readonly onFinish?: (request: number, generation: Generation) => void;
  /** Ends generation with TenetError('interrupted'). */
  readonly signal?: AbortSignal;
}

export interface GeneratorOptions extends SessionOptions {
  /** Sequences decoded at once. Higher is faster per token and takes more memory. Default 64. */
  readonly batchSize?: number;
  /** Linear probes on the model's hidden states, computed where a request asks for their numbers. Default none. */
  readonly probe?: StateProbe;
}

export class Generator {
  private readonly engine: Engine;
  private readonly releasePrefixSession: () => Promise<void>;

  private constructor(engine: Engine, releasePrefixSession: () => Promise<void>) {
    this.engine = engine;
    this.releasePrefixSession = releasePrefixSession;
  }

  /**
   * Prepares generation with the parameters' values as they are now: later changes to the store do not reach
   * a generator already made. Adapters are merged into the weights, which costs less than branches at every token.
   */
  static async create(
    config: DecoderConfig,
    given: ParameterStore,
    options: GeneratorOptions = {},
  ): Promise<Generator> {
    const { probe, batchSize = 64 } = options;
    if (!(Number.isInteger(batchSize) && batchSize > 0)) {
      throw new TenetError('usage', `batchSize is ${batchSize}, must be a whole number > 0`);
    }
    if (probe) {
      checkProbe(probe, config);
      if (probe.modelHash !== undefined && probe.modelHash !== given.hash()) {
        throw new TenetError(
          'model',
          'The probe was fitted to the hidden states of another model than this one. Train it again on this one.',
        );
      }
    }
    const parameters = await plainParameters(config, given, options);
    const promptGraph = buildPromptGraph(config, parameters, { probe });
    const promptSession = await Session.create<string>(promptGraph.graph, promptGraph.outputs, options);
    const decode = buildDecodeGraph(config, parameters, probe);
    const decodeSession = await Session.create<string>(decode.graph, decode.outputs, options);
    // The decode graph holds a copy of its own; what was just merged is nobody else's.
    const values = parameters === given ? parameters.values.slice() : parameters.values;
    const weightFeeds = Object.fromEntries(
      [...promptGraph.weights.inputs.keys()].map((name) => {
        const start = parameters.offsetOf(name);
        return [name, values.subarray(start, start + parameters.view(name).length)];
      }),
    );
    // Made when it is first needed. It must not hold on to the parameters, which may be a gigabyte.
    const shapes = new Map(Object.keys(weightFeeds).map((name) => [name, parameters.shapeOf(name)]));
    let behindPrefix: Promise<Session> | undefined;
    const prefixSession = canReusePrefixes(config)
      ? (): Promise<Session> => {
          const shapeOf = (name: string): readonly number[] => shapes.get(name)!;
          behindPrefix ??= createPrefixSession(config, { shapeOf }, options);
          return behindPrefix;
        }
      : null;
    const probeNumbers = probe?.rows.length ?? 0;
    const engine = {
      ...{ config, batchSize, promptSession, prefixSession, decodeSession },
      ...{ weightFeeds, probeNumbers },
    };
    return new Generator(engine, async () => (await behindPrefix)?.release());
  }

  /** Frees the engine's memory. */
  async release(): Promise<void> {
    await this.engine.promptSession.release();
    await this.engine.decodeSession.release();
    await this.releasePrefixSession();
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
    const results = new Array<Generation>(requests.length);
    const waiting = requests.map((request, index) => {
      const events: GenerationEvents = {
        onToken: options.onToken && ((id, logProb) => options.onToken!(index, id, logProb)),
        onPrompt: options.onPrompt && ((numbers) => options.onPrompt!(index, numbers)),
        onRead: options.onRead && ((numbers) => options.onRead!(index, numbers)),
        onFinish: (generation) => {
          results[index] = generation;
          options.onFinish?.(index, generation);
        },
      };
      return new ActiveSequence(request, this.engine, events, `Generation request ${index}`);
    });
    const expected = {
      rows: Math.min(this.engine.batchSize, waiting.length),
      slots: waiting.reduce(
        (most, { prompt, limit }) => Math.max(most, prompt.length + Math.min(limit, 64)),
        0,
      ),
    };
    const batch = new DecodeBatch(this.engine, new PromptReader(this.engine, { reusePrefixes: false }));
    while (waiting.length > 0 || batch.size > 0) {
      if (options.signal?.aborted) throw new TenetError('interrupted', 'Generation was interrupted.');
      if (batch.hasRoomFor(waiting)) await batch.admit(waiting, expected);
      else await batch.step();
    }
    return results;
  }

  /**
   * A queue whose requests are decoded together, whenever they come. What many of their prompts begin with, such as
   * instructions and examples, is read once.
   */
  queue(): GenerationQueue {
    return new GenerationQueue(this.engine);
  }
}

async function createPrefixSession(
  config: DecoderConfig,
  shapes: Pick<ParameterStore, 'shapeOf'>,
  options: GeneratorOptions,
): Promise<Session> {
  const { graph, outputs } = buildPromptGraph(config, shapes, { behindPrefix: true, probe: options.probe });
  return Session.create<string>(graph, outputs, options);
}
