/**
 * Fits linear probes to hidden states, by logistic regression on smoothed scores.
 *
 * Shapes: P texts of a batch, T tokens, F features, H probes.
 */
import { Random, TenetError } from '../../base/index.ts';
import { Sampler } from '../../data/index.ts';
import type { TokenScorer } from '../../model/index.ts';
import { probeLoss } from '../../objective/index.ts';
import {
  AdamW,
  add,
  Graph,
  gatherRows,
  gradients,
  learningRateAt,
  matmul,
  reshape,
  Session,
} from '../../tensor/index.ts';
import type { EncodedText } from '../classifier/encode-examples.ts';
import type { GuardKind } from '../classifier/heads.ts';
import { balancedWeights } from '../train/balance.ts';
import type { ProbeWeights } from './probe-scorer.ts';

export interface ProbeOptions {
  readonly layers: readonly number[];
  /** Tokens that a score is averaged over. */
  readonly window: number;
  readonly epochs: number;
  readonly learningRate: number;
  /** Decay of the weights per step, times the learning rate. */
  readonly weightDecay: number;
  readonly batchSize: number;
  readonly seed: number;
  readonly threads?: number;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** Hidden states of the judged tokens of one text. */
interface TextStates {
  readonly text: EncodedText;
  /** [T, F] */
  readonly features: Float32Array;
  readonly tokens: number;
}

/** Most bytes of hidden states that are held; of more texts some are drawn. */
const featureBytes = 512 * 2 ** 20;

/**
 * @param scorer reads the layers of `options.layers`
 * @returns weights on raw states: the standardisation that the fit works in is folded in
 */
export async function fitProbes(
  scorer: TokenScorer,
  texts: readonly EncodedText[],
  kinds: readonly GuardKind[],
  width: number,
  options: ProbeOptions,
): Promise<ProbeWeights> {
  const { layers, window, epochs, batchSize, seed, threads, signal } = options;
  const features = layers.length * width;

  // Step 1. Hidden states, of as many texts as memory allows.
  const collected: TextStates[] = [];
  let bytes = 0;
  const order = new Random(seed).fork('probe texts').shuffled(texts);
  for (const text of order) {
    if (signal?.aborted) throw new TenetError('interrupted', 'Stopped; nothing is saved.');
    const one = await statesOf(scorer, text, layers, { width, window });
    bytes += one.features.byteLength;
    if (bytes > featureBytes) break;
    collected.push(one);
    options.onProgress?.(collected.length, texts.length);
  }
  const { mean, deviation } = momentsOf(collected, features);
  for (const { features: values } of collected) {
    for (let i = 0; i < values.length; i++)
      values[i] = (values[i] - mean[i % features]) / deviation[i % features];
  }

  // Step 2. The loss of a batch of texts, each by the probe of its kind.
  const graph = new Graph();
  const weights = graph.input('weights', 'real', [kinds.length, features]);
  const constants = graph.input('constants', 'real', [kinds.length, 1]);
  const kindOf = graph.input('kindOf', 'int32', ['P']);
  const states = graph.input('states', 'real', ['P', 'T', features]);
  const own = reshape(gatherRows(weights, kindOf), ['P', features, 1]);
  const logits = add(reshape(matmul(states, own), ['P', 'T']), gatherRows(constants, kindOf));
  const loss = probeLoss({
    logits,
    counted: graph.input('counted', 'real', ['P', 'T']),
    labels: graph.input('labels', 'real', ['P']),
    weights: graph.input('textWeights', 'real', ['P']),
    window,
  });
  const [toWeights, toConstants] = gradients(loss, [weights, constants]);
  const session = await Session.create(graph, { loss, toWeights, toConstants }, { threads });

  // Step 3. Descent.
  const trained = {
    weights: new Float32Array(kinds.length * features),
    constants: new Float32Array(kinds.length),
  };
  const optimizer = new AdamW(new Map(Object.entries(trained)), {
    weightDecay: options.weightDecay,
    noDecay: (name) => name === 'constants',
  });
  const balance = balancedWeights(
    collected.map(({ text }) => text),
    ({ kind }) => kind,
  );
  const sampler = new Sampler({
    size: collected.length,
    batchSize: Math.min(batchSize, collected.length),
    seed,
  });
  const totalSteps = Math.max(1, epochs * sampler.batchesPerEpoch);
  try {
    for (let step = 0; step < totalSteps; step++) {
      const chosen = sampler.next().map((index) => collected[index]);
      const result = await session.run({ ...trained, ...feedsOf(chosen, kinds, features, balance) });
      optimizer.accumulate({
        weights: result.toWeights.data as Float32Array,
        constants: result.toConstants.data as Float32Array,
      });
      optimizer.step(
        learningRateAt(step, { schedule: 'linear', lr: options.learningRate, totalSteps, warmupSteps: 0 }),
      );
    }
  } finally {
    await session.release();
  }

  // Step 4. Back to raw states.
  const rows = kinds.map((_, h) => {
    const row = Array.from({ length: features }, (_, i) => trained.weights[h * features + i] / deviation[i]);
    const shift = row.reduce((sum, weight, i) => sum + weight * mean[i], 0);
    return [...row, trained.constants[h] - shift];
  });
  return { layers: [...layers], window, rows };
}

async function statesOf(
  scorer: TokenScorer,
  text: EncodedText,
  layers: readonly number[],
  { width, window }: { readonly width: number; readonly window: number },
): Promise<TextStates> {
  const { states, tokens } = await scorer.score(text.ids);
  // Of a conversation, which is judged at its end, what the last window holds.
  const from = text.kind === 'input' ? Math.max(0, tokens - window) : text.judgedFrom;
  const count = tokens - from;
  const features = new Float32Array(count * layers.length * width);
  layers.forEach((layer, l) => {
    const values = states.get(layer)!;
    for (let t = 0; t < count; t++) {
      const start = (from + t) * width;
      features.set(values.subarray(start, start + width), (t * layers.length + l) * width);
    }
  });
  return { text, features, tokens: count };
}

function momentsOf(
  collected: readonly TextStates[],
  features: number,
): { readonly mean: Float64Array; readonly deviation: Float64Array } {
  const mean = new Float64Array(features);
  const squares = new Float64Array(features);
  let tokens = 0;
  for (const one of collected) {
    tokens += one.tokens;
    for (let i = 0; i < one.features.length; i++) {
      mean[i % features] += one.features[i];
      squares[i % features] += one.features[i] ** 2;
    }
  }
  for (let i = 0; i < features; i++) mean[i] /= tokens;
  const deviation = squares.map((sum, i) => Math.sqrt(Math.max(0, sum / tokens - mean[i] ** 2)) || 1);
  return { mean, deviation };
}

function feedsOf(
  chosen: readonly TextStates[],
  kinds: readonly GuardKind[],
  features: number,
  balance: (text: EncodedText) => number,
) {
  const length = Math.max(...chosen.map(({ tokens }) => tokens));
  const states = new Float32Array(chosen.length * length * features);
  const counted = new Float32Array(chosen.length * length);
  chosen.forEach(({ features: values, tokens }, p) => {
    states.set(values, p * length * features);
    counted.fill(1, p * length, p * length + tokens);
  });
  return {
    states: { data: states, shape: [chosen.length, length, features] },
    counted: { data: counted, shape: [chosen.length, length] },
    kindOf: Int32Array.from(chosen, ({ text }) => kinds.indexOf(text.kind)),
    labels: Float32Array.from(chosen, ({ text }) => (text.harmful ? 1 : 0)),
    textWeights: Float32Array.from(chosen, ({ text }) => balance(text)),
  };
}
