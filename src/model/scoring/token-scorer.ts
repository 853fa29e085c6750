/**
 * Scores every token of texts that arrive in pieces, such as an answer while it is written. Each token is read once: keys
 * and values of what came before are kept.
 *
 * Shapes: T tokens of a piece, P tokens before, L layers read, K key and value heads, W head width, H numbers, D width.
 */
import { TenetError } from '../../base/index.ts';
import { type Feeds, Session, type SessionOptions } from '../../tensor/index.ts';
import { plainParameters } from '../adapter/merge.ts';
import type { DecoderConfig } from '../decoder-config.ts';
import { canReusePrefixes } from '../generate/prefix-attention.ts';
import type { ParameterStore } from '../parameter-store.ts';
import { buildScoringGraph, type WeightPrecision } from './scoring-graph.ts';

export interface TokenScorerOptions extends Pick<SessionOptions, 'threads'> {
  /** Name of a head [H, D]. Default `score.weight`; null = none, and only the layers up to the last wanted are read. */
  readonly head?: string | null;
  /** Layers, from 0, whose hidden states are wanted. Default none. */
  readonly layers?: readonly number[];
  /** Default float32. */
  readonly precision?: WeightPrecision;
}

/** What is said of each token of a piece. */
export interface TokenScores {
  readonly tokens: number;
  /** [T, H]; empty without a head. */
  readonly scores: Float32Array;
  /** By layer, [T, D]: the residual stream behind it. */
  readonly states: ReadonlyMap<number, Float32Array>;
}

/** One text. */
export interface TokenReader {
  /** Tokens read so far. */
  readonly length: number;
  /** Reads further tokens; one call at a time. @throws TenetError('usage') beyond the model's context length */
  read(ids: ArrayLike<number>): Promise<TokenScores>;
}

export class TokenScorer {
  /** Tokens that a text may have. */
  readonly contextLength: number;
  /** H; 0 without a head. */
  readonly numbers: number;
  private readonly config: DecoderConfig;
  private readonly first: Session;
  private readonly behind: Session | null;
  private readonly layers: readonly number[];
  private readonly depth: number;

  private constructor(
    config: DecoderConfig,
    sessions: { readonly first: Session; readonly behind: Session | null },
    read: { readonly layers: readonly number[]; readonly depth: number; readonly numbers: number },
  ) {
    this.config = config;
    this.first = sessions.first;
    this.behind = sessions.behind;
    this.layers = read.layers;
    this.depth = read.depth;
    this.numbers = read.numbers;
    this.contextLength = config.maxPositions;
  }

  /** From the parameters as they are now; later changes to the store do not reach it. */
  static async create(
    config: DecoderConfig,
    given: ParameterStore,
    options: TokenScorerOptions = {},
  ): Promise<TokenScorer> {
    const { head = 'score.weight', layers = [], precision = 'float32', threads } = options;
    const wrong = layers.filter((layer) => !(Number.isInteger(layer) && layer >= 0 && layer < config.layers));
    if (wrong.length > 0 || (head === null && layers.length === 0)) {
      throw new TenetError(
        'usage',
        head === null && layers.length === 0
          ? 'TokenScorer: neither a head nor layers are wanted; name at least one.'
          : `TokenScorer: layers ${wrong.join(', ')} do not exist; the model has 0 to ${config.layers - 1}.`,
      );
    }
    const parameters = await plainParameters(config, given, { threads });
    const create = async (behindPrefix: boolean): Promise<Session> => {
      const { graph, outputs } = buildScoringGraph(config, parameters, {
        head,
        layers,
        precision,
        behindPrefix,
      });
      return Session.create<string>(graph, outputs, { threads });
    };
    const first = await create(false);
    const behind = canReusePrefixes(config) ? await create(true) : null;
    const depth = head === null ? Math.max(...layers) + 1 : config.layers;
    const numbers = head === null ? 0 : parameters.shapeOf(head)[0];
    return new TokenScorer(config, { first, behind }, { layers, depth, numbers });
  }

  async release(): Promise<void> {
    await this.first.release();
    await this.behind?.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  /** Begins a text. It holds memory for its keys and values, and nothing to be freed. */
  open(): TokenReader {
    return this.behind ? new CachedReader(this.run, this.depth, this.config) : new WholeReader(this.run);
  }

  /** A whole text at once. */
  score(ids: ArrayLike<number>): Promise<TokenScores> {
    return this.run(ids, null, false).then(({ scores }) => scores);
  }

  private readonly run: Run = async (ids, prefix, keep) => {
    const before = prefix?.length ?? 0;
    const tokens = ids.length;
    if (tokens === 0) throw new TenetError('usage', 'TokenScorer: a piece needs at least one token.');
    if (before + tokens > this.contextLength) {
      throw new TenetError(
        'usage',
        `TokenScorer: the text has ${before + tokens} tokens and the model reads ${this.contextLength}; cut it.`,
      );
    }
    const shape = [1, tokens];
    const cached = Array.from({ length: this.depth }, (_, layer) => [
      `keys${layer}`,
      `values${layer}`,
    ]).flat();
    const wanted = [
      ...(this.numbers > 0 ? ['scores'] : []),
      ...this.layers.map((layer) => `states${layer}`),
      ...(keep ? cached : []),
    ];
    const session = prefix ? this.behind! : this.first;
    const values = await session.run(
      {
        ids: { data: Int32Array.from(ids), shape },
        segments: { data: new Int32Array(tokens).fill(1), shape },
        positions: { data: Int32Array.from({ length: tokens }, (_, t) => before + t), shape },
        ...prefix?.feeds,
      },
      wanted,
    );
    const data = (name: string): Float32Array => values[name].data as Float32Array;
    return {
      scores: {
        tokens,
        scores: this.numbers > 0 ? data('scores') : new Float32Array(),
        states: new Map(this.layers.map((layer) => [layer, data(`states${layer}`)])),
      },
      kept: keep ? cached.map(data) : [],
    };
  };
}

/** @param keep true: give keys and values of the piece, by layer */
type Run = (
  ids: ArrayLike<number>,
  prefix: { readonly length: number; readonly feeds: Feeds } | null,
  keep: boolean,
) => Promise<{ readonly scores: TokenScores; readonly kept: readonly Float32Array[] }>;

/** Keeps keys and values, [K, P, W] each, two for each layer. */
class CachedReader implements TokenReader {
  length = 0;
  private readonly run: Run;
  private readonly depth: number;
  private readonly heads: number;
  private readonly width: number;
  private cache: readonly Float32Array[] = [];

  constructor(run: Run, depth: number, { kvHeads, headWidth }: DecoderConfig) {
    this.run = run;
    this.depth = depth;
    this.heads = kvHeads;
    this.width = headWidth;
  }

  async read(ids: ArrayLike<number>): Promise<TokenScores> {
    const prefix = this.length === 0 ? null : { length: this.length, feeds: this.feeds() };
    const { scores, kept } = await this.run(ids, prefix, true);
    this.cache = this.length === 0 ? kept : this.cache.map((before, i) => this.joined(before, kept[i]));
    this.length += ids.length;
    return scores;
  }

  private feeds(): Feeds {
    const shape = [1, this.heads, 1, this.length, this.width];
    return Object.fromEntries(
      Array.from({ length: this.depth }, (_, layer) => [
        [`prefixKeys${layer}`, { data: this.cache[2 * layer], shape }],
        [`prefixValues${layer}`, { data: this.cache[2 * layer + 1], shape }],
      ]).flat(),
    );
  }

  /** [K, P, W] and [K, T, W] as [K, P + T, W]. */
  private joined(before: Float32Array, added: Float32Array): Float32Array {
    const whole = new Float32Array(before.length + added.length);
    const [old, fresh] = [before.length / this.heads, added.length / this.heads];
    for (let head = 0; head < this.heads; head++) {
      whole.set(before.subarray(head * old, (head + 1) * old), head * (old + fresh));
      whole.set(added.subarray(head * fresh, (head + 1) * fresh), head * (old + fresh) + old);
    }
    return whole;
  }
}

/** For models whose tokens see a window only: reads the whole text again with each piece. */
class WholeReader implements TokenReader {
  private readonly run: Run;
  private ids: readonly number[] = [];

  constructor(run: Run) {
    this.run = run;
  }

  get length(): number {
    return this.ids.length;
  }

  async read(ids: ArrayLike<number>): Promise<TokenScores> {
    const before = this.ids.length;
    const all = [...this.ids, ...Array.from(ids)];
    const { scores: whole } = await this.run(all, null, false);
    this.ids = all; // only what was read: a text that is too long may go on with a shorter piece
    const rest = (values: Float32Array): Float32Array =>
      values.slice((values.length / whole.tokens) * before);
    return {
      tokens: ids.length,
      scores: rest(whole.scores),
      states: new Map([...whole.states].map(([layer, values]) => [layer, rest(values)])),
    };
  }
}
