/**
 * Forward passes over whole sequences: log-probabilities, values and rewards, without gradients. Where sequences have the
 * same array as their prompt, it is computed once for several of them.
 *
 * Shapes: B sequences, N counted tokens, V vocabulary.
 */

import { TenetError } from '../base/index.ts';
import {
  buildModelGraph,
  countedHidden,
  countedLogProbs,
  type DecoderConfig,
  type ModelGraph,
  type ParameterStore,
  scalarHead,
} from '../model/index.ts';
import { entropyFromLogits, type Feeds, Session, type SessionOptions, type Tensor } from '../tensor/index.ts';
import { type SequenceBatch, sequenceBatches, shareSomePrompts } from './sequence-batches.ts';
import type { Sequence } from './sequences.ts';

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
  private readonly sessions: ScorerSessions<'full' | 'logProbs'>;
  private readonly valueHead: string | undefined;
  /** Stands in for the value head of stores that have none, such as the reference model's. */
  private readonly noHead: Float32Array;

  private constructor(
    sessions: ScorerSessions<'full' | 'logProbs'>,
    { valueHead, width }: { readonly valueHead: string | undefined; readonly width: number },
  ) {
    this.sessions = sessions;
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
    const { temperature, valueHead } = options;
    const sessions = new ScorerSessions(config, store, options, (model, kind: 'full' | 'logProbs') => {
      const result = countedLogProbs(model, { temperature });
      const { logProbs, logits, probabilities, logNormaliser } = result;
      if (kind === 'logProbs') return { logProbs };
      const entropies = entropyFromLogits(logits, probabilities, logNormaliser);
      const values = valueHead && { values: scalarHead(model, result.hidden, valueHead) };
      return { logProbs, entropies, ...values };
    });
    return new ResponseScorer(sessions, { valueHead, width: config.width });
  }

  /** Scores each sequence's response tokens with the given parameters. */
  async score(parameters: ParameterStore, sequences: readonly Sequence[]): Promise<ResponseScores[]> {
    const { valueHead } = this;
    const hasValues = valueHead !== undefined && parameters.has(valueHead);
    const standIn = valueHead !== undefined && !hasValues ? { [valueHead]: this.noHead } : {};
    const results = new Array<ResponseScores>(sequences.length);
    await this.run('full', parameters, sequences, standIn, (index, part) => {
      results[index] = {
        logProbs: part('logProbs'),
        entropies: part('entropies'),
        values: hasValues ? part('values') : new Float32Array(0),
      };
    });
    return results;
  }

  /** The log-probabilities alone, which takes less: per sequence [tokens], nats. */
  async logProbs(parameters: ParameterStore, sequences: readonly Sequence[]): Promise<Float32Array[]> {
    const results = new Array<Float32Array>(sequences.length);
    await this.run('logProbs', parameters, sequences, {}, (index, part) => {
      results[index] = part('logProbs');
    });
    return results;
  }

  async release(): Promise<void> {
    await this.sessions.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  /** @param take is shown each sequence's part of the outputs */
  private async run(
    kind: 'full' | 'logProbs',
    parameters: ParameterStore,
    sequences: readonly Sequence[],
    standIn: Feeds,
    take: (index: number, part: (name: string) => Float32Array) => void,
  ): Promise<void> {
    requirePrompts(sequences);
    await this.sessions.run(kind, parameters, sequences, (batch) => ({
      feeds: { ...standIn, rows: batch.rows, targets: batch.targets },
      take: (values) =>
        eachResponse(batch, sequences, (index, start, end) =>
          take(index, (name) => values[name].slice(start, end)),
        ),
    }));
  }
}

/**
 * Numbers from a head: a reward model's scores at the last token, [H, D] for H of them, or a value function's at every
 * token, [1, D].
 */
export class HeadScorer {
  /** H */
  readonly heads: number;
  private readonly sessions: ScorerSessions<'heads'>;

  private constructor(sessions: ScorerSessions<'heads'>, heads: number) {
    this.sessions = sessions;
    this.heads = heads;
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
    const sessions = new ScorerSessions<'heads'>(config, store, sessionOptions, (model) => {
      const states = countedHidden(model);
      return { scores: scalarHead(model, states, head), ...(wantsStates && { states }) };
    });
    return new HeadScorer(sessions, store.shapeOf(head)[0]);
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
    await this.sessions.run('heads', parameters, sequences, ({ members, ends }) => ({
      feeds: { rows: ends },
      take: ({ scores: found, states: hidden }) =>
        members.forEach((index, row) => {
          for (let h = 0; h < heads; h++) scores[h][index] = found[row * heads + h];
          if (!hidden) return;
          const width = hidden.length / members.length;
          states[index] = hidden.slice(row * width, (row + 1) * width);
        }),
    }));
    return { scores, states };
  }

  /** @returns per sequence [tokens] the output where each response token is predicted, one place before it */
  async scoreTokens(parameters: ParameterStore, sequences: readonly Sequence[]): Promise<Float32Array[]> {
    requirePrompts(sequences);
    const results = new Array<Float32Array>(sequences.length);
    await this.sessions.run('heads', parameters, sequences, (batch) => ({
      feeds: { rows: batch.rows },
      take: ({ scores }) =>
        eachResponse(batch, sequences, (index, start, end) => {
          results[index] = scores.slice(start, end);
        }),
    }));
    return results;
  }

  async release(): Promise<void> {
    await this.sessions.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}

/** A session, and the names of the parameters that it is fed. */
interface ScorerSession {
  readonly session: Session<string>;
  readonly weights: readonly string[];
}

/** What one run is fed besides weights and tokens, and who takes what comes out. */
interface ScorerRun {
  readonly feeds: Feeds;
  readonly take: (values: Readonly<Record<string, Float32Array>>) => void;
}

/** The sessions of a scorer, each made when it is first needed. */
class ScorerSessions<Kind extends string> {
  private readonly tokenBudget: number;
  private readonly made = new Map<string, Promise<ScorerSession>>();
  private readonly make: (kind: Kind, sharedPrompts: boolean) => Promise<ScorerSession>;

  constructor(
    config: DecoderConfig,
    store: ParameterStore,
    { tokenBudget = 8192, ...options }: ScorerOptions,
    outputsOf: (model: ModelGraph, kind: Kind) => Readonly<Record<string, Tensor>>,
  ) {
    this.tokenBudget = tokenBudget;
    this.make = async (kind, sharedPrompts) => {
      const model = buildModelGraph(config, store, { sharedPrompts });
      const session = await Session.create<string>(model.graph, outputsOf(model, kind), options);
      return { session, weights: [...model.weights.inputs.keys()] };
    };
  }

  /** All sequences in micro-batches, which share prompts where some have the same. */
  async run(
    kind: Kind,
    parameters: ParameterStore,
    sequences: readonly Sequence[],
    plan: (batch: SequenceBatch) => ScorerRun,
  ): Promise<void> {
    const { tokenBudget } = this;
    const sharedPrompts = shareSomePrompts(sequences);
    const { session, weights } = await this.sessionFor(kind, sharedPrompts);
    const fed = weightFeeds(parameters, weights);
    for (const batch of sequenceBatches(sequences, { tokenBudget, sharedPrompts })) {
      const { feeds, take } = plan(batch);
      const values = await session.run({ ...fed, ...batch.feeds, ...feeds });
      take(
        Object.fromEntries(Object.entries(values).map(([name, { data }]) => [name, data as Float32Array])),
      );
    }
  }

  private sessionFor(kind: Kind, sharedPrompts: boolean): Promise<ScorerSession> {
    const key = `${kind} ${sharedPrompts}`;
    const session = this.made.get(key) ?? this.make(kind, sharedPrompts);
    this.made.set(key, session);
    return session;
  }

  async release(): Promise<void> {
    for (const made of this.made.values()) {
      const one = await made.catch(() => null); // whoever asked for it has been told
      await one?.session.release();
    }
  }
}

/** @throws TenetError('usage') for a response without a prompt, whose first token nothing predicts */
function requirePrompts(sequences: readonly Sequence[]): void {
  const without = sequences.findIndex(({ prompt }) => prompt.length === 0);
  if (without < 0) return;
  throw new TenetError(
    'usage',
    `sequence ${without} of ${sequences.length} has an empty prompt, so nothing predicts its first token; give at least ` +
      'one token, such as bos',
  );
}

/** Where each sequence's response tokens stand among the counted ones. */
function eachResponse(
  { members }: SequenceBatch,
  sequences: readonly Sequence[],
  visit: (index: number, start: number, end: number) => void,
): void {
  let start = 0;
  for (const index of members) {
    const end = start + sequences[index].response.length;
    visit(index, start, end);
    start = end;
  }
}

function weightFeeds(parameters: ParameterStore, names: readonly string[]): Record<string, Float32Array> {
  return Object.fromEntries(
    names.filter((name) => parameters.has(name)).map((name) => [name, parameters.view(name)]),
  );
}
