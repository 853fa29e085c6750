/**
 * The sampled tokens of a rollout as a policy-gradient loss reads them: the counted ones only, packed.
 *
 * Shapes: B responses of a rollout, R tokens of the longest; in a micro-batch S sequences, N counted tokens.
 */
import {
  buildModelGraph,
  countedLogProbs,
  type DecoderConfig,
  type ModelGraph,
  type ParameterStore,
} from '../model/index.ts';
import { maskedMeanTensor, packedLayout, type TokenLayout } from '../objective/index.ts';
import {
  abs,
  entropyFromLogits,
  type Feeds,
  max,
  stopGradient,
  subtract,
  type Tensor,
} from '../tensor/index.ts';
import type { Rollout } from './rollout.ts';
import { type SequenceBatchOptions, sequenceBatches } from './sequence-batches.ts';
import { scalarFeed } from './trainer.ts';

/** The policy's graph over sampled tokens, and the inputs that losses read besides. */
export interface PolicyGraph {
  readonly model: ModelGraph;
  readonly tokens: TokenLayout;
  /** [N] log π, differentiated. */
  readonly logProbs: Tensor;
  /** [N] log π when they were sampled; no gradient. */
  readonly oldLogProbs: Tensor;
  /** [N] nats. */
  readonly entropy: Tensor;
  /** Scalars: counted tokens and sequences of the whole optimizer step. */
  readonly tokenTotal: Tensor;
  readonly sequenceTotal: Tensor;
  /** [N] an input with a number per counted token. */
  perToken(name: string): Tensor;
  /** [S] an input with a number per sequence. */
  perSequence(name: string): Tensor;
  /** Scalar input. */
  scalar(name: string): Tensor;
  /** How far π is from `oldLogProbs`: mean and largest |difference|, nats. Before an update, the sampler's error. */
  readonly gap: { readonly logProbGap: Tensor; readonly logProbGapMax: Tensor };
}

/**
 * @param options.temperature the sampler's; the same distribution is trained
 * @param options.gradientCheckpointing as in `buildModelGraph`; for training only. Default false
 * @param options.sharedPrompts as in `buildModelGraph`. Default false
 */
export function buildPolicyGraph(
  config: DecoderConfig,
  policy: ParameterStore,
  options: {
    readonly temperature: number;
    readonly gradientCheckpointing?: boolean;
    readonly sharedPrompts?: boolean;
  },
): PolicyGraph {
  const { gradientCheckpointing, sharedPrompts } = options;
  const model = buildModelGraph(config, policy, { gradientCheckpointing, sharedPrompts });
  const { graph } = model;
  const perToken = (name: string): Tensor => graph.input(name, 'real', ['N']);
  const result = countedLogProbs(model, { temperature: options.temperature });
  const tokens = packedLayout({
    sequence: graph.input('sequence', 'int32', ['N']),
    counted: perToken('counted'),
    like: graph.input('sequenceZeros', 'real', ['S']),
  });
  const oldLogProbs = perToken('oldLogProbs');
  const tokenTotal = graph.input('tokenTotal', 'real', []);
  const distance = stopGradient(abs(subtract(result.logProbs, oldLogProbs)));
  return {
    model,
    tokens,
    logProbs: result.logProbs,
    oldLogProbs,
    entropy: entropyFromLogits(result.logits, result.probabilities, result.logNormaliser),
    tokenTotal,
    sequenceTotal: graph.input('sequenceTotal', 'real', []),
    perToken,
    perSequence: (name) => graph.input(name, 'real', ['S']),
    scalar: (name) => graph.input(name, 'real', []),
    gap: {
      logProbGap: maskedMeanTensor(distance, tokens.counted, tokenTotal),
      logProbGapMax: max(distance),
    },
  };
}

/** Numbers for the named inputs of a policy graph, of the whole rollout. */
export interface PolicyValues {
  /** [B, R] each. */
  readonly perToken?: Readonly<Record<string, Float32Array>>;
  /** [B] each. */
  readonly perSequence?: Readonly<Record<string, ArrayLike<number>>>;
  readonly scalars?: Readonly<Record<string, number>>;
  /** [B, R] each: a scalar input takes its sum over the counted tokens of the whole step. */
  readonly totals?: Readonly<Record<string, Float32Array>>;
}

/**
 * The feeds of one optimizer step on chosen responses.
 * @param rows             of the rollout
 * @param options.leaveOut [B] 1 = the response counts among the sequences, but none of its tokens do. Default: none
 */
export function policyFeeds(
  rollout: Rollout,
  rows: readonly number[],
  values: PolicyValues,
  options: Pick<SequenceBatchOptions, 'tokenBudget' | 'sharedPrompts'> & {
    readonly leaveOut?: ArrayLike<number>;
  },
): Feeds[] {
  const { items, lengths, length } = rollout;
  const { leaveOut, ...layout } = options;
  const kept = leaveOut ? rows.filter((row) => !leaveOut[row]) : rows;
  const tokenTotal = kept.reduce((sum, row) => sum + lengths[row], 0);
  const tokensOf = (grid: Float32Array, row: number): Float32Array =>
    grid.subarray(row * length, row * length + lengths[row]);
  const shared = {
    tokenTotal: scalarFeed(tokenTotal),
    sequenceTotal: scalarFeed(rows.length),
    ...mapValues(values.scalars ?? {}, scalarFeed),
    ...mapValues(values.totals ?? {}, (grid) =>
      scalarFeed(kept.reduce((sum, row) => sum + sumOf(tokensOf(grid, row)), 0)),
    ),
  };
  const batches = sequenceBatches(
    kept.map((row) => items[row]),
    layout,
  );
  return batches.map((batch) => {
    const { targets } = batch;
    const members = batch.members.map((i) => kept[i]);
    /** A grid's values at the members' counted tokens, one response after another. */
    const pack = (grid: Float32Array): Float32Array => {
      const packed = new Float32Array(targets.length);
      let end = 0;
      for (const row of members) {
        packed.set(tokensOf(grid, row), end);
        end += lengths[row];
      }
      return packed;
    };
    return {
      ...shared,
      ...batch.feeds,
      rows: batch.rows,
      targets,
      sequence: sequenceIndices(members.map((row) => lengths[row])),
      sequenceZeros: new Float32Array(members.length),
      counted: new Float32Array(targets.length).fill(1),
      ...mapValues({ oldLogProbs: rollout.logProbs, ...values.perToken }, pack),
      ...mapValues(values.perSequence ?? {}, (all) => Float32Array.from(members, (row) => all[row])),
    };
  });
}

/** [B, R] each response's number at all its tokens, 0 elsewhere. @param perResponse [B] */
export function spreadOverTokens({ lengths, length }: Rollout, perResponse: ArrayLike<number>): Float32Array {
  const grid = new Float32Array(lengths.length * length);
  lengths.forEach((tokens, row) => void grid.fill(perResponse[row], row * length, row * length + tokens));
  return grid;
}

/** [N] which sequence each token belongs to, for sequences of these lengths one after another. */
export function sequenceIndices(lengths: readonly number[]): Int32Array {
  const indices = new Int32Array(lengths.reduce((sum, length) => sum + length, 0));
  let end = 0;
  lengths.forEach((length, i) => {
    indices.fill(i, end, end + length);
    end += length;
  });
  return indices;
}

/**
 * The optimizer steps on one rollout: each pass goes through all responses in a new order, in parts that differ in size by
 * one at most. Where there are fewer responses than steps, each is a step.
 * @returns the responses of each step, pass after pass
 */
export function planSteps(
  responses: number,
  options: {
    readonly passes: number;
    readonly stepsPerPass: number;
    readonly random: { shuffled<T>(items: readonly T[]): T[] };
  },
): number[][] {
  const all = Array.from({ length: responses }, (_, i) => i);
  const parts = Math.min(responses, options.stepsPerPass);
  const begin = (part: number): number => Math.floor((part * responses) / parts);
  return Array.from({ length: options.passes }, () => options.random.shuffled(all)).flatMap((order) =>
    Array.from({ length: parts }, (_, part) => order.slice(begin(part), begin(part + 1))),
  );
}

function sumOf(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}
