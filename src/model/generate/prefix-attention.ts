/**
 * Attention of tokens behind a prefix that was read before: the prefix's keys and values are inputs, the same for all
 * rows.
 *
 * Shapes: B rows, T tokens per row, P prefix tokens, H query heads in K groups of G, W head width.
 */
import {
  add,
  causalMask,
  type Graph,
  matmul,
  reshape,
  rotaryTable,
  softmax,
  type Tensor,
  transpose,
} from '../../tensor/index.ts';
import { type AttentionStep, type TokenInputs, turn } from '../decoder.ts';
import type { DecoderConfig } from '../decoder-config.ts';

/** True for models whose tokens see the whole prefix, so that one reading of it serves all that follow. */
export function canReusePrefixes({ slidingWindows }: DecoderConfig): boolean {
  return slidingWindows.every((window) => window === null);
}

/**
 * Declares the inputs `prefixKeys0`, `prefixValues0`, … [1, K, 1, P, W] by layer; positions of the tokens begin at P.
 * @param capture is shown each layer's key (position applied) and value of the tokens themselves, both [B, T, K*W]
 */
export function prefixAttention(
  config: DecoderConfig,
  graph: Graph,
  inputs: TokenInputs,
  capture: (key: Tensor, value: Tensor) => void,
): AttentionStep {
  const { heads, kvHeads, headWidth, rotary } = config;
  const groups = heads / kvHeads;
  const scale = 1 / Math.sqrt(headWidth);
  const table = rotary
    ? rotaryTable(inputs.positions, rotary.inverseFrequencies, rotary.attentionFactor)
    : null;
  const mask = causalMask(inputs.segments, null); // [B, 1, 1, T, T]
  const [batch, length] = inputs.ids.shape;
  return (query, key, value, layer) => {
    const prefixShape = [1, kvHeads, 1, 'P', headWidth];
    const prefixKeys = graph.input(`prefixKeys${layer}`, 'float32', prefixShape);
    const prefixValues = graph.input(`prefixValues${layer}`, 'float32', prefixShape);
    const turnedKey = turn(key, table, kvHeads);
    capture(turnedKey, value);
    const perHead = (x: Tensor, groupSize: number): Tensor =>
      transpose(reshape(x, [batch, length, kvHeads, groupSize, headWidth]), [0, 2, 3, 1, 4]);
    const q = perHead(turn(query, table, heads), groups); // [B, K, G, T, W]
    const k = perHead(turnedKey, 1); // [B, K, 1, T, W]
    const v = perHead(value, 1);
    const before = matmul(q, prefixKeys, { transposeB: true, scale }); // [B, K, G, T, P]
    const own = add(matmul(q, k, { transposeB: true, scale }), mask); // [B, K, G, T, T]
    const weights = softmaxOverBoth(graph, before, own);
    const context = add(matmul(weights.before, prefixValues), matmul(weights.own, v)); // [B, K, G, T, W]
    return reshape(transpose(context, [0, 3, 1, 2, 4]), [batch, length, heads * headWidth]);
  };
}

/** One softmax over scores [..., P] and [..., T] together, split again into the two. */
function softmaxOverBoth(graph: Graph, before: Tensor, own: Tensor): { before: Tensor; own: Tensor } {
  const lead = before.shape.slice(0, -1);
  const [scores] = graph.node({
    operator: 'Concat',
    inputs: [before, own],
    outputs: [{ dtype: 'float32', shape: [...lead, 'P+T'] }],
    attributes: { axis: 4 },
  });
  const weights = softmax(scores);
  const prefix = graph.dimTensor('P');
  const slice = (start: Tensor, end: Tensor, size: string): Tensor =>
    graph.node({
      operator: 'Slice',
      inputs: [weights, start, end, graph.integers([4])],
      outputs: [{ dtype: 'float32', shape: [...lead, size] }],
    })[0];
  return {
    before: slice(graph.integers([0]), prefix, 'P'),
    own: slice(prefix, graph.integers([Number.MAX_SAFE_INTEGER]), 'T'),
  };
}
