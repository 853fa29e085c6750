import { describe, expect, it } from 'vitest';
import { makeLlamaConfig } from '../../model/index.ts';
import type { AdapterOptions } from '../adapter-option.ts';
import {
  addMemory,
  arenaFactor,
  cacheMemory,
  processBytes,
  scoringMemory,
  totalMemory,
  trainingMemory,
} from './memory.ts';
import { adapterParametersOf, shapeOf } from './model-shape.ts';
import { simulateSteps } from './simulate-steps.ts';
import {
  addWork,
  forwardProducts,
  generationWork,
  keptElements,
  passes,
  secondsFor,
  trainingWork,
} from './work.ts';

// L = 2, D = 4, H = 2 query heads and K = 1 key head of W = 2, F = 8, V = 10.
const config = makeLlamaConfig({
  vocabSize: 10,
  width: 4,
  layers: 2,
  heads: 2,
  kvHeads: 1,
  innerWidth: 8,
  maxPositions: 16,
});
const shape = shapeOf(config);

describe('shapeOf', () => {
  it('counts the matrices of the layers apart from all parameters', () => {
    // q 4·4, k 2·4, v 2·4, o 4·4, gate, up and down 8·4 each: 144 in each layer.
    expect(shape.bodyParameters).toBe(2 * 144);
    // Besides: the embedding 10·4, two norms of 4 in each layer, the last norm.
    expect(shape.parameters).toBe(288 + 40 + 2 * 8 + 4);
    expect(shape).toMatchObject({ queryWidth: 4, keyWidth: 2, heads: 2 });
  });
});

describe('work', () => {
  const size = { tokens: 6, pairs: 2 * 3 ** 2, counted: 4 }; // two rows of three tokens

  it('counts forward products', () => {
    // body 2·288·6 = 3456, output 2·4·10·4 = 320, attention 4·2 layers·4·18 = 576
    expect(forwardProducts(shape, size)).toBe(3456 + 320 + 576);
  });

  it('is 6 N per token in training, where nothing but the layers counts', () => {
    expect(trainingWork(shape, { tokens: 100, pairs: 0, counted: 0 }).products).toBe(6 * 288 * 100);
    expect(trainingWork(shape, size).products).toBe(3 * 4352);
  });

  it('counts the elements that a forward pass keeps', () => {
    // a token and layer: 5·4 + 4·4 + 2·2 + 4·8 = 72; scores: 2 heads · 18; vocabulary: 2·10·4
    expect(keptElements(shape, size)).toBe(2 * (72 * 6 + 2 * 18) + 80);
  });

  it('reads prompts once and decodes token by token', () => {
    const work = generationWork(shape, { sequences: 2, promptTokens: 3, newTokens: 4 });
    // Prompts: 6 tokens, 18 pairs, output at the last token of each of the two.
    expect(work.products).toBe(3456 + 2 * 4 * 10 * 2 + 576);
    // 8 new tokens, each attending to 3 + 4/2 = 5 others: 2·288·8 + 2·4·10·8 + 4·2·4·40
    expect(work.decodeProducts).toBe(4608 + 640 + 1280);
    // Kept: prompts 2·(432 + 36) + 40 = 976; new tokens 2·(72·8 + 2·40) + 160 = 1472.
    expect(work.elements).toBe(passes.forward * 976 + passes.decoding * 1472);
  });

  it('takes each kind of work at its own speed', () => {
    const speed = { products: 100, decodeProducts: 10, elements: 50 };
    const part = { products: 200, decodeProducts: 30, elements: 25 };
    expect(secondsFor(part, speed)).toBe(2 + 3 + 0.5);
    expect(secondsFor(addWork(part, part), speed)).toBe(11);
  });
});

describe('memory', () => {
  const largest = { tokens: 6, length: 3, counted: 4 };

  it('holds weights, gradients, two moments and the activations of a micro-batch', () => {
    // Kept 936 elements (above, without vocabulary), then max(2·10·4, 2·2·6·3) = 80; 4 bytes each, and the arena.
    expect(trainingMemory(shape, largest, { severalMicroBatches: false })).toEqual({
      weights: 4 * 348,
      gradients: 4 * 348,
      moments: 8 * 348,
      activations: arenaFactor * 4 * (936 + 80),
    });
    // Several micro-batches are added up in an array of their own.
    expect(trainingMemory(shape, largest, { severalMicroBatches: true }).gradients).toBe(8 * 348);
  });

  it('of an adapter has gradients and moments of the adapter alone', () => {
    const training = { severalMicroBatches: false, adapterParameters: 50 };
    expect(trainingMemory(shape, largest, training)).toMatchObject({
      ...{ weights: 4 * (348 + 50), gradients: 4 * 50, moments: 8 * 50 },
      activations: arenaFactor * 4 * (936 + 80),
    });
    // All linear layers: q 4+4, k and v 4+2 each, o 4+4, gate and up 4+8 each, down 8+4; twice, times the rank.
    const adapter = { type: 'lora', rank: 3, alpha: 1, rsLora: false, targetModules: 'all-linear' } as const;
    expect(adapterParametersOf(config, adapter)).toBe(2 * 3 * (8 + 6 + 6 + 8 + 12 + 12 + 12));
    const some: AdapterOptions = { ...adapter, type: 'dora', targetModules: ['q_proj'] };
    expect(adapterParametersOf(config, some)).toBe(2 * (3 * 8 + 4));
  });

  it('with checkpointing keeps what enters each layer, one layer, the output and an embedding’s gradient', () => {
    // States (2 + 2)·6·4 = 96; one layer 72·6 + 2·18 = 468 and its scores again 2·2·18 = 72; output 2·10·4 = 80;
    // embedding 4·10·4 = 160, which an adapter does not have.
    const training = { severalMicroBatches: false, gradientCheckpointing: true };
    const { activations } = trainingMemory(shape, largest, training);
    expect(activations).toBeCloseTo(arenaFactor * 4 * (96 + 468 + 72 + 80 + 160));
    const adapted = trainingMemory(shape, largest, { ...training, adapterParameters: 50 });
    expect(adapted.activations).toBeCloseTo(arenaFactor * 4 * (96 + 468 + 72 + 80));
  });

  it('keeps nothing when only scoring', () => {
    // attention 6·(2·4 + 2·4 + 4·2 + 2·3) = 180, feed-forward 3·6·8 = 144, vocabulary 3·10·4 = 120
    expect(scoringMemory(shape, largest)).toBeCloseTo(arenaFactor * 4 * 180);
    expect(scoringMemory(shape, { ...largest, counted: 60 })).toBeCloseTo(arenaFactor * 4 * 3 * 10 * 60);
  });

  it('gives the cache slots in steps of 32', () => {
    // keys and values, 4 bytes, 2 layers, K·W = 2, 3 sequences, 96 slots for 70 tokens
    expect(cacheMemory(shape, { sequences: 3, tokens: 70 })).toBe(2 * 4 * 2 * 2 * 3 * 96);
  });

  it('adds up what is of one kind, and the process itself', () => {
    const memory = addMemory({ weights: 5, moments: 1 }, { weights: 2 });
    expect(memory).toEqual({ weights: 7, moments: 1 });
    expect(totalMemory(memory)).toBe(processBytes + 8);
  });
});

describe('simulateSteps', () => {
  it('cuts and pads as training does', () => {
    // Ten tokens are padded to 16; a budget of 40 takes two rows, so four rows make two micro-batches.
    const step = simulateSteps([{ length: 10, counted: 4 }], { batchSize: 4, tokenBudget: 40, seed: 1 });
    expect(step).toEqual({
      tokens: 64,
      pairs: 64 * 16,
      counted: 16,
      microBatches: 2,
      largest: { tokens: 32, length: 16, counted: 8 },
    });
  });

  it('finds the micro-batch that needs most memory', () => {
    const rows = [
      { length: 8, counted: 1 },
      { length: 64, counted: 1 },
    ];
    const { largest } = simulateSteps(rows, { batchSize: 16, tokenBudget: 128, seed: 1 });
    expect(largest).toEqual({ tokens: 128, length: 64, counted: 2 });
  });

  it('computes the prompt of a group once, as training does', () => {
    // A prompt of 32 and four responses of 8: 31 + 4 · (1 + 8) = 67, padded to 72 with a prompt of 36.
    const step = simulateSteps([{ length: 40, counted: 8 }], {
      ...{ batchSize: 8, tokenBudget: 100, seed: 1, perPrompt: 4 },
    });
    const seen = 36 * 36 + 36 * (36 + 9);
    expect(step).toMatchObject({ tokens: 144, counted: 64, microBatches: 2 });
    expect(step.pairs).toBeCloseTo(2 * seen, 8);
    expect(step.largest).toEqual({ tokens: 72, length: seen / 72, counted: 32 });
  });
});
