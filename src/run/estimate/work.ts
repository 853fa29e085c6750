/**
 * How much computing a pass through a model is, and how long that takes at measured speeds.
 *
 * Letters: N_body parameters that every token meets, L layers, D width, H heads, W head width, K key and value
 * heads, F inner width, V vocabulary, T tokens of a row, n tokens, c counted tokens (those that pass through the
 * output projection).
 *
 *     forward products   2 N_body n + 2 D V c + 4 L H W Σ T²         (Σ over rows; scores and context: full, not halved)
 *     training products  three times that: forward, and two products per product backward. Over unpadded rows
 *                        without vocabulary this is the well-known 6 N per token, plus attention.
 *     array elements     L ((5 D + 4 H W + 2 K W + 4 F) n + H Σ T²) + 2 V c     what a forward pass writes and keeps
 *
 * Small models spend most of their time not on products but on passes over arrays (norms, rotations, softmax,
 * copies). So time has two terms:
 *
 *     seconds = products / speed of products + passes · elements / speed of elementwise operators
 */
import type { ModelShape } from './model-shape.ts';

/** Rows of tokens that go through a model. */
export interface PassSize {
  /** n: padding included. */
  readonly tokens: number;
  /** Σ T² over the rows. */
  readonly pairs: number;
  /** c */
  readonly counted: number;
}

/** Amounts of work, to be added up. */
export interface Work {
  /** Floating-point operations in products of many rows. */
  readonly products: number;
  /** The same while decoding, when every sequence brings one row. */
  readonly decodeProducts: number;
  /** Elements that elementwise operators read or write, passes included. */
  readonly elements: number;
}

/** What a machine does with a model of some width, per second. */
export interface Speed {
  readonly products: number;
  readonly decodeProducts: number;
  readonly elements: number;
}

/**
 * Elementwise operators per kept element. Measured with models of 0.26, 0.9, 4.3 and 8.7 million parameters on
 * one core: training 14.1 to 17.9, scoring 3.9 to 5.6, decoding 10 to 25.
 */
export const passes = { training: 16, forward: 4.5, decoding: 16 } as const;

export const noWork: Work = { products: 0, decodeProducts: 0, elements: 0 };

/** Elements that a forward pass writes and a backward pass needs. */
export function keptElements(shape: ModelShape, { tokens, pairs, counted }: PassSize): number {
  const { layers, width, queryWidth, keyWidth, innerWidth, heads, vocabSize } = shape;
  const perToken = 5 * width + 4 * queryWidth + 2 * keyWidth + 4 * innerWidth;
  return layers * (perToken * tokens + heads * pairs) + 2 * vocabSize * counted;
}

/** Floating-point operations of a forward pass. */
export function forwardProducts(shape: ModelShape, { tokens, pairs, counted }: PassSize): number {
  const { bodyParameters, width, vocabSize, layers, queryWidth } = shape;
  return 2 * bodyParameters * tokens + 2 * width * vocabSize * counted + 4 * layers * queryWidth * pairs;
}

export function forwardWork(shape: ModelShape, size: PassSize): Work {
  const elements = passes.forward * keptElements(shape, size);
  return { products: forwardProducts(shape, size), decodeProducts: 0, elements };
}

/**
 * Forward, backward and update.
 * @param options.adapter               given: no gradients of the matrices, which are half of the backward pass
 * @param options.gradientCheckpointing true: the forward pass twice
 */
export function trainingWork(
  shape: ModelShape,
  size: PassSize,
  options: { readonly adapter?: object; readonly gradientCheckpointing?: boolean } = {},
): Work {
  const passesThrough = (options.adapter ? 2 : 3) + (options.gradientCheckpointing ? 1 : 0);
  const again = options.gradientCheckpointing ? passes.forward : 0;
  const elements = (passes.training + again) * keptElements(shape, size);
  return { products: passesThrough * forwardProducts(shape, size), decodeProducts: 0, elements };
}

/** Reading prompts once, then one token after the other against the cache. */
export function generationWork(
  shape: ModelShape,
  size: {
    readonly sequences: number;
    readonly promptTokens: number;
    readonly newTokens: number;
    /** Responses to each prompt. Default 1. */
    readonly perPrompt?: number;
  },
): Work {
  const { sequences, promptTokens, newTokens, perPrompt = 1 } = size;
  const prompt = forwardWork(shape, {
    tokens: (sequences * promptTokens) / perPrompt,
    pairs: (sequences * promptTokens ** 2) / perPrompt,
    counted: sequences,
  });
  const tokens = sequences * newTokens;
  // A new token attends to the prompt and, on average, to half of the response.
  const decode: PassSize = { tokens, pairs: tokens * (promptTokens + newTokens / 2), counted: tokens };
  return {
    products: prompt.products,
    decodeProducts: forwardProducts(shape, decode),
    elements: prompt.elements + passes.decoding * keptElements(shape, decode),
  };
}

export function addWork(...parts: readonly Work[]): Work {
  return {
    products: parts.reduce((sum, part) => sum + part.products, 0),
    decodeProducts: parts.reduce((sum, part) => sum + part.decodeProducts, 0),
    elements: parts.reduce((sum, part) => sum + part.elements, 0),
  };
}

export function scaleWork(work: Work, factor: number): Work {
  return {
    products: work.products * factor,
    decodeProducts: work.decodeProducts * factor,
    elements: work.elements * factor,
  };
}

export function secondsFor(work: Work, speed: Speed): number {
  return (
    work.products / speed.products +
    work.decodeProducts / speed.decodeProducts +
    work.elements / speed.elements
  );
}
