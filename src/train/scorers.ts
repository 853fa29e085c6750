/**
 * Forward passes over whole sequences: log-probabilities, values and rewards, without gradients.
 *
 * Shapes: B sequences, N counted tokens, V vocabulary.
 */

import type { TokenBatch } from '../data/index.ts';
import {
  buildModelGraph,
  countedHidden,
  countedLogProbs,
  countedTargets,
  type DecoderConfig,
  type ParameterStore,
  scalarHead,
} from '../model/index.ts';
import { entropyFromLogits, Session, type SessionOptions, type Tensor } from '../tensor/index.ts';
import { lengthOf, padSequences, planMicroBatches, type Sequence, tokenFeeds } from './sequences.ts';

export interface ScorerOptions extends SessionOptions {
  /** Most padded tokens per run. Default 8192. Nothing is kept for gradients, but each counted one takes V values thrice. */
  readonly tokenBudget?: number;
}

/** Per response token, in order. */
export interface ResponseScores {
  /** [tokens] nats, at the scorer's temperature. */
  readonly logProbs: Float32Array;
  /** [tokens] entropy of each token's distribution, nats. */
  readonly entropies: Float32Array;
  /** [tokens] estimate before the token is chosen; empty where scorer or parameters have no value head. */
  readonly values: Float32Array;
}

/** Log-probabilities of responses under a model; one scorer serves all stores of one architecture. */
export class ResponseScorer {
  private readonly session: Session<string>;
  private readonly parameterNames: readonly string[];
  private readonly tokenBudget: number;
  private readonly valueHead: string | undefined;
  /** Stands in for the value head of stores that have none, such as the reference model's. */
  private readonly noHead: Float32Array;

  private constructor(
    session: Session<string>,
    names: readonly string[],
    tokenBudget: number,
    { valueHead, width }: { readonly valueHead: string | undefined; readonly width: number },
  ) {
    this.session = session;
    this.parameterNames = names.filter((name) => name !== valueHead);
    this.tokenBudget = tokenBudget;
    this.valueHead = valueHead;
    this.noHead = new Float32Array(width);
  }

  /**
   * @param options.temperature logits are divided by it. Default 1.
   * @param options.valueHead name of a [1, D] parameter; values are computed when given
   */
  static async create(
    config: DecoderConfig,
    store: ParameterStore,
    options: ScorerOptions & { readonly temperature?: number; readonly valueHead?: string } = {},
  ): Promise<ResponseScorer> {
    const model = buildModelGraph(config, store);
    const result = countedLogProbs(model, { temperature: options.temperature });
    const outputs: Record<string, Tensor> = {
      logProbs: result.logProbs,
      entropies: entropyFromLogits(result.logits, result.probabilities, result.logNormaliser),
    };
    if (options.valueHead) outputs.values = scalarHead(model, result.hidden, options.valueHead);
    const session = await Session.create(model.graph, outputs, options);
    return new ResponseScorer(session, [...model.weights.inputs.keys()], options.tokenBudget ?? 8192, {
      valueHead: options.valueHead,
      width: config.width,
    });
  }

  /** Scores each sequence's response tokens with the given parameters. */
  async score(parameters: ParameterStore, sequences: readonly Sequence[]): Promise<ResponseScores[]> {
    const weights = feedsOf(parameters, this.parameterNames);
    const { valueHead } = this;
    const hasValues = valueHead !== undefined && parameters.has(valueHead);
    if (valueHead !== undefined) weights[valueHead] = hasValues ? parameters.view(valueHead) : this.noHead;
    const results = new Array<ResponseScores>(sequences.length);
    for (const group of planMicroBatches(sequences.map(lengthOf), this.tokenBudget)) {
      const batch = padSequences(group.map((index) => sequences[index]));
      const { rows, targets } = countedTargets(batch);
      const values = await this.session.run({ ...weights, ...tokenFeeds(batch), rows, targets });
      let start = 0;
      for (const index of group) {
        const end = start + sequences[index].response.length;
        const part = (name: string): Float32Array => (values[name].data as Float32Array).slice(start, end);
        results[index] = {
          logProbs: part('logProbs'),
          entropies: part('entropies'),
          values: hasValues ? part('values') : new Float32Array(0),
        };
        start = end;
      }
    }
    return results;
  }

  async release(): Promise<void> {
    await this.session.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}

/**
 * Numbers from a head: a reward model's scores at the last token, [H, D] for H of them, or a value function's at every
 * token, [1, D].
 */
export class HeadScorer {
  /** H */
  readonly heads: number;
  private readonly session: Session<string>;
  private readonly parameterNames: readonly string[];
  private readonly tokenBudget: number;

  private constructor(
    session: Session<string>,
    parts: { readonly names: readonly string[]; readonly tokenBudget: number; readonly heads: number },
  ) {
    this.session = session;
    this.parameterNames = parts.names;
    this.tokenBudget = parts.tokenBudget;
    this.heads = parts.heads;
  }

  /**
   * @param head name of the head's parameter, e.g. `score.weight`
   * @param options.states true: the states that the head reads can be asked for too. Default false
   */
  static async create(
    config: DecoderConfig,
    store: ParameterStore,
    head: string,
    options: ScorerOptions & { readonly states?: boolean } = {},
  ): Promise<HeadScorer> {
    const { states: wantsStates, ...sessionOptions } = options;
    const model = buildModelGraph(config, store);
    const states = countedHidden(model);
    const outputs: Record<string, Tensor> = { scores: scalarHead(model, states, head) };
    if (wantsStates) outputs.states = states;
    const session = await Session.create(model.graph, outputs, sessionOptions);
    return new HeadScorer(session, {
      names: [...model.weights.inputs.keys()],
      tokenBudget: options.tokenBudget ?? 8192,
      heads: store.shapeOf(head)[0],
    });
  }

  /** @returns [B] the first head's output at each sequence's last token */
  async scoreLast(parameters: ParameterStore, sequences: readonly Sequence[]): Promise<Float32Array> {
    return (await this.scoreHeads(parameters, sequences))[0];
  }

  /** @returns [H][B] each head's output at each sequence's last token */
  async scoreHeads(parameters: ParameterStore, sequences: readonly Sequence[]): Promise<Float32Array[]> {
    return (await this.scoreStates(parameters, sequences)).scores;
  }

  /**
   * Scores, and the states that the heads read them off.
   * @returns scores: as `scoreHeads`; states: [B][D] at each sequence's last token, none unless asked for in `create`
   */
  async scoreStates(
    parameters: ParameterStore,
    sequences: readonly Sequence[],
  ): Promise<{ readonly scores: Float32Array[]; readonly states: Float32Array[] }> {
    const { heads } = this;
    const scores = Array.from({ length: heads }, () => new Float32Array(sequences.length));
    const states: Float32Array[] = [];
    await this.run(parameters, sequences, (batch, group) => ({
      rows: Int32Array.from(group, (index, row) => row * batch.length + lengthOf(sequences[index]) - 1),
      take: (found, hidden) =>
        group.forEach((index, row) => {
          for (let h = 0; h < heads; h++) scores[h][index] = found[row * heads + h];
          if (!hidden) return;
          const width = hidden.length / group.length;
          states[index] = hidden.slice(row * width, (row + 1) * width);
        }),
    }));
    return { scores, states };
  }

  /** @returns per sequence [tokens] the output where each response token is predicted, one place before it */
  async scoreTokens(parameters: ParameterStore, sequences: readonly Sequence[]): Promise<Float32Array[]> {
    const results = new Array<Float32Array>(sequences.length);
    await this.run(parameters, sequences, (batch, group) => ({
      rows: countedTargets(batch).rows,
      take: (scores) => {
        let start = 0;
        for (const index of group) {
          const end = start + sequences[index].response.length;
          results[index] = scores.slice(start, end);
          start = end;
        }
      },
    }));
    return results;
  }

  async release(): Promise<void> {
    await this.session.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  private async run(
    parameters: ParameterStore,
    sequences: readonly Sequence[],
    plan: (
      batch: TokenBatch,
      group: readonly number[],
    ) => {
      readonly rows: Int32Array;
      readonly take: (scores: Float32Array, states: Float32Array | undefined) => void;
    },
  ): Promise<void> {
    const weights = feedsOf(parameters, this.parameterNames);
    for (const group of planMicroBatches(sequences.map(lengthOf), this.tokenBudget)) {
      const batch = padSequences(group.map((index) => sequences[index]));
      const { rows, take } = plan(batch, group);
      const { scores, states } = await this.session.run({ ...weights, ...tokenFeeds(batch), rows });
      take(scores.data as Float32Array, states?.data as Float32Array | undefined);
    }
  }
}

function feedsOf(parameters: ParameterStore, names: readonly string[]): Record<string, Float32Array> {
  return Object.fromEntries(names.map((name) => [name, parameters.view(name)]));
}
