/**
 * How much memory a stage holds at its peak, in bytes. All numbers are float32.
 *
 *     weights      4 N             gradients   4 N (8 N when a step has several micro-batches to add up)
 *     moments      8 N (Adam's two)
 *                  of an adapter of A parameters: weights 4 N + 4 A, gradients and moments of A alone
 *     activations  1.2 · 4 · (L ((5 D + 4 H W + 2 K W + 4 F) n + H n T) + max(2 V c, 2 H n T))    of one micro-batch
 *                  checkpointed: L n D, those of one layer, and of the output
 *     scoring      1.2 · 4 · max(n (2 D + 2 H W + 4 K W + H T), 3 n F, 3 V c)                   nothing kept
 *     KV cache     2 · 4 · L K W · sequences · slots            slots: prompt and response, in steps of 32
 *
 * The factor 1.2 before activations is what ONNX Runtime's arena holds beyond the arrays that live at once, which the
 * formula gives to 5 %. On top comes the process. Peak memory of real stages with micro-batches of 4,096 tokens was
 * 0.99 (sft), 1.03 (reward), 0.79 (ppo, all of stories260K) and 0.99 times the estimate (pre-training 8.7 million
 * parameters).
 *
 * Letters as in `work.ts`; n and T are those of the largest micro-batch.
 */
import type { ModelShape } from './model-shape.ts';
import { keptElements } from './work.ts';

/** Bytes by what they are for. */
export type Memory = Readonly<Record<string, number>>;

/** One micro-batch. */
export interface BatchSize {
  /** n: rows times the longest row. */
  readonly tokens: number;
  /** T: the longest row. */
  readonly length: number;
  /** c */
  readonly counted: number;
}

/** ONNX Runtime's arena over the arrays that live at once. */
export const arenaFactor = 1.2;

/** Node, ONNX Runtime, tokenizer, some data and our own code. */
export const processBytes = 300e6;

/** What is trained of a model, and how. */
export interface Training {
  /** True: a step has several micro-batches, whose gradients are added up. */
  readonly severalMicroBatches: boolean;
  /** A; null = all weights are trained. Default null. */
  readonly adapterParameters?: number | null;
  /** Default false. */
  readonly gradientCheckpointing?: boolean;
}

/** Weights, gradients, moments and activations of a model that is trained. */
export function trainingMemory(shape: ModelShape, largest: BatchSize, options: Training): Memory {
  const { parameters } = shape;
  const { adapterParameters = null, severalMicroBatches, gradientCheckpointing = false } = options;
  const trained = adapterParameters ?? parameters;
  return {
    weights: 4 * (parameters + (adapterParameters ?? 0)),
    gradients: (severalMicroBatches ? 8 : 4) * trained,
    moments: 8 * trained,
    activations: gradientCheckpointing
      ? checkpointedActivations(shape, largest, adapterParameters)
      : keptActivations(shape, largest),
  };
}

function keptActivations(shape: ModelShape, { tokens, length, counted }: BatchSize): number {
  const { heads, vocabSize } = shape;
  const kept = keptElements(shape, { tokens, pairs: tokens * length, counted: 0 });
  const atPeak = Math.max(2 * vocabSize * counted, 2 * heads * tokens * length);
  return arenaFactor * 4 * (kept + atPeak);
}

/** The passes have memory of their own: what enters each layer, one layer, the output, an embedding's gradient. */
function checkpointedActivations(
  shape: ModelShape,
  { tokens, length, counted }: BatchSize,
  adapterParameters: number | null,
): number {
  const { layers, width, heads, vocabSize } = shape;
  const pairs = tokens * length;
  const oneLayer = keptElements({ ...shape, layers: 1 }, { tokens, pairs, counted: 0 }) + 2 * heads * pairs;
  const embedding = adapterParameters === null ? 4 * vocabSize * width : 0;
  return arenaFactor * 4 * ((layers + 2) * tokens * width + oneLayer + 2 * vocabSize * counted + embedding);
}

/** Arrays of a forward pass that keeps nothing for a backward one. */
export function scoringMemory(shape: ModelShape, largest: BatchSize): number {
  const { width, queryWidth, keyWidth, innerWidth, heads, vocabSize } = shape;
  const { tokens, length, counted } = largest;
  const attention = tokens * (2 * width + 2 * queryWidth + 4 * keyWidth + heads * length);
  return arenaFactor * 4 * Math.max(attention, 3 * tokens * innerWidth, 3 * vocabSize * counted);
}

/** Keys and values of the sequences that are generated at once. */
export function cacheMemory(
  shape: ModelShape,
  size: { readonly sequences: number; readonly tokens: number },
): number {
  const slots = Math.ceil(size.tokens / 32) * 32;
  return 2 * 4 * shape.layers * shape.keyWidth * size.sequences * slots;
}

/** Sums the same kinds. */
export function addMemory(...parts: readonly Memory[]): Memory {
  const sum: Record<string, number> = {};
  for (const part of parts)
    for (const [name, bytes] of Object.entries(part)) sum[name] = (sum[name] ?? 0) + bytes;
  return sum;
}

/** Every kind and the process itself, which together are the total. */
export function memoryParts(memory: Memory): readonly (readonly [string, number])[] {
  return [['process', processBytes], ...Object.entries(memory)];
}

/** All kinds together, the process itself included. */
export function totalMemory(memory: Memory): number {
  return memoryParts(memory).reduce((sum, [, bytes]) => sum + bytes, 0);
}
