/**
 * Preference pairs as losses read them: log-probabilities of whole responses.
 *
 * Shapes: P pairs of a micro-batch, S = 2P sequences, N counted tokens.
 */
import type { EncodedPreference } from '../data/index.ts';
import {
  buildModelGraph,
  countedLogProbs,
  type DecoderConfig,
  type ModelGraph,
  type ParameterStore,
} from '../model/index.ts';
import { crossEntropyLoss, onPolicyWeights, packedLayout } from '../objective/index.ts';
import { type Feeds, gatherRows, log, multiply, square, sum, type Tensor } from '../tensor/index.ts';
import { sequenceIndices } from './policy-batch.ts';
import { sequenceBatches } from './sequence-batches.ts';
import { chunksOf, type Sequence } from './sequences.ts';
import { responseTokenMetrics } from './token-metrics.ts';
import { scalarFeed } from './trainer.ts';

export interface PairInputs {
  readonly config: DecoderConfig;
  /** The policy, trained in place; for methods with a reference model its weights at the start are that. */
  readonly parameters: ParameterStore;
  readonly pairs: readonly EncodedPreference[];
  /** Measured, not trained on; may be empty. */
  readonly heldOut: readonly EncodedPreference[];
}

export interface PairResult {
  readonly steps: number;
  /** Mean of the last steps. */
  readonly loss: number;
  /** Part of the held-out pairs whose chosen response has the larger implicit reward; null without any. */
  readonly heldOutAccuracy: number | null;
}

/** One side of the pairs; every tensor [P]. */
export interface PairSide {
  /** Σ log π over the response, weighted where tokens have weights. */
  readonly logProbs: Tensor;
  /** Mean log π per token. */
  readonly meanLogProbs: Tensor;
  /** Tokens of the response. */
  readonly lengths: Tensor;
}

/** The policy's graph over pairs, and the inputs that losses read besides. */
export interface PairGraph {
  readonly model: ModelGraph;
  readonly chosen: PairSide;
  readonly rejected: PairSide;
  /** Scalar −mean log π per token of the chosen responses of the whole step. */
  readonly chosenCrossEntropy: Tensor;
  /** Scalar: pairs of the whole step. */
  readonly pairTotal: Tensor;
  /** [P] an input with a number per pair. */
  perPair(name: string): Tensor;
  /** [P] WPO's weights, constant: how likely each pair is to come from the policy itself. */
  onPolicyWeights(): Tensor;
  /** What TRL records of the tokens; named as in `trlMetricNames.preferenceTokens`. */
  readonly metrics: Readonly<Record<string, Tensor>>;
}

export interface PairGraphOptions {
  /** True: tokens have weights in a response's log-probability (LD-DPO). Default false. */
  readonly weightsTokens?: boolean;
  /** Logits are divided by it. Default 1. */
  readonly temperature?: number;
  /** As in `buildModelGraph`; for training only. Default false. */
  readonly gradientCheckpointing?: boolean;
}

export function buildPairGraph(
  config: DecoderConfig,
  parameters: ParameterStore,
  options: PairGraphOptions = {},
): PairGraph {
  const { gradientCheckpointing } = options;
  const model = buildModelGraph(config, parameters, { gradientCheckpointing, sharedPrompts: true });
  const { graph } = model;
  const perToken = (name: string): Tensor => graph.input(name, 'real', ['N']);
  const scalar = (name: string): Tensor => graph.input(name, 'real', []);
  const result = countedLogProbs(model, { temperature: options.temperature });
  const { logProbs } = result;
  const counted = perToken('counted');
  const layout = packedLayout({
    sequence: graph.input('sequence', 'int32', ['N']),
    counted,
    like: graph.input('sequenceZeros', 'real', ['S']),
  });
  const weighted = options.weightsTokens ? multiply(logProbs, perToken('tokenWeights')) : logProbs;
  const sums = layout.sumPerSequence(weighted); // [S]
  const means = layout.meanPerSequence(logProbs); // [S]
  const chosenIndex = graph.input('chosen', 'int32', ['P']);
  const rejectedIndex = graph.input('rejected', 'int32', ['P']);
  const sideOf = (index: Tensor): PairSide => ({
    logProbs: gatherRows(sums, index),
    meanLogProbs: gatherRows(means, index),
    lengths: gatherRows(layout.lengths, index),
  });
  const isChosen = perToken('isChosen');
  const chosenTokens = scalar('chosenTokens');
  return {
    model,
    chosen: sideOf(chosenIndex),
    rejected: sideOf(rejectedIndex),
    chosenCrossEntropy: crossEntropyLoss({
      logProbs: multiply(logProbs, isChosen),
      counted,
      normaliser: chosenTokens,
    }).loss,
    pairTotal: scalar('pairTotal'),
    perPair: (name) => graph.input(name, 'real', ['P']),
    onPolicyWeights() {
      const logSquaredSum = log(sum(square(result.probabilities), { axes: [1] }));
      const weights = onPolicyWeights({ tokens: layout, logProbs, logSquaredSum }); // [S]
      return multiply(gatherRows(weights, chosenIndex), gatherRows(weights, rejectedIndex));
    },
    metrics: responseTokenMetrics(result, {
      isChosen,
      chosenTokens,
      rejectedTokens: scalar('rejectedTokens'),
    }),
  };
}

export interface PairFeedOptions {
  /** Most padded tokens of a micro-batch. */
  readonly tokenBudget: number;
  /** [pairs] numbers for the inputs of `perPair`. */
  readonly perPair?: Readonly<Record<string, ArrayLike<number>>>;
  /** [pairs] weights of the tokens of chosen and rejected responses, for graphs with `weightsTokens`. */
  readonly tokenWeights?: readonly PairTokenWeights[];
  /** Pairs that stand in one micro-batch, for losses that compare pairs. Default: as many as the budget allows. */
  readonly together?: number;
}

/** Weights of the tokens of one pair's responses. */
export interface PairTokenWeights {
  readonly chosen: Float32Array;
  readonly rejected: Float32Array;
}

/** The feeds of one step; a pair is never torn apart. */
export function pairFeeds(pairs: readonly EncodedPreference[], options: PairFeedOptions): Feeds[] {
  const { together, tokenBudget } = options;
  const chunks = together ? chunksOf(pairs.length, together) : [pairs.map((_, i) => i)];
  const shared = {
    pairTotal: scalarFeed(pairs.length),
    chosenTokens: scalarFeed(pairs.reduce((total, { chosen }) => total + chosen.length, 0)),
    rejectedTokens: scalarFeed(pairs.reduce((total, { rejected }) => total + rejected.length, 0)),
  };
  return chunks.flatMap((chunk) => {
    const sequences = chunk.flatMap((i) => [chosenOf(pairs[i]), rejectedOf(pairs[i])]);
    const couples = chunk.map((_, place) => [2 * place, 2 * place + 1]);
    const batches = sequenceBatches(sequences, {
      tokenBudget,
      sharedPrompts: true,
      together: together ? [couples.flat()] : couples,
    });
    return batches.map((batch) => {
      const { members, targets } = batch;
      const sequence = sequenceIndices(members.map((i) => sequences[i].response.length));
      const places = new Map(members.map((member, place) => [member, place]));
      const chosen = members.filter((member) => member % 2 === 0);
      const group = chosen.map((member) => chunk[member / 2]);
      const weights = options.tokenWeights;
      return {
        ...shared,
        ...batch.feeds,
        rows: batch.rows,
        targets,
        sequence,
        sequenceZeros: new Float32Array(members.length),
        counted: new Float32Array(targets.length).fill(1),
        isChosen: Float32Array.from(sequence, (place) => 1 - (members[place] % 2)),
        chosen: Int32Array.from(chosen, (member) => places.get(member)!),
        rejected: Int32Array.from(chosen, (member) => places.get(member + 1)!),
        ...(weights && {
          tokenWeights: joined(
            members.map((member) => weights[chunk[member >> 1]][member % 2 === 0 ? 'chosen' : 'rejected']),
            targets.length,
          ),
        }),
        ...Object.fromEntries(
          Object.entries(options.perPair ?? {}).map(([name, values]) => [
            name,
            Float32Array.from(group, (i) => values[i]),
          ]),
        ),
      };
    });
  });
}

/** Tokens of the pairs, prompts included, which `num_tokens` counts up. */
export function pairTokens(pairs: readonly EncodedPreference[]): number {
  return pairs.reduce(
    (total, { prompt, chosen, rejected }) => total + 2 * prompt.length + chosen.length + rejected.length,
    0,
  );
}

export function chosenOf({ prompt, chosen }: EncodedPreference): Sequence {
  return { prompt, response: chosen };
}

export function rejectedOf({ prompt, rejected }: EncodedPreference): Sequence {
  return { prompt, response: rejected };
}

function joined(parts: readonly Float32Array[], length: number): Float32Array {
  const all = new Float32Array(length);
  let end = 0;
  for (const part of parts) {
    all.set(part, end);
    end += part.length;
  }
  return all;
}
