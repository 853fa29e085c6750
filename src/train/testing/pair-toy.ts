/** For tests: pairs in which the response with more of one letter is better, and judgements made of them. */
import { Random } from '../../base/index.ts';
import type { EncodedPreference } from '../../data/index.ts';
import type { DecoderConfig, ParameterStore } from '../../model/index.ts';
import { tinyModel } from '../../model/testing/tiny-model.ts';

/** The letter that people like. */
export const liked = 7;

/** The chosen response holds the liked token three times, the rejected one never; length says nothing. */
export function tastePairs(count: number, seed = 1): EncodedPreference[] {
  const random = new Random(seed);
  const response = (likes: number): Int32Array => {
    const others = Array.from({ length: 5 + random.int(4) - likes }, () => 8 + random.int(10));
    return Int32Array.from([...random.shuffled([...new Array(likes).fill(liked), ...others]), 0]);
  };
  return Array.from({ length: count }, () => ({
    prompt: Int32Array.from([20, random.int(20)]),
    chosen: response(3),
    rejected: response(0),
  }));
}

/** A fresh tiny policy. */
export function policy(): { readonly config: DecoderConfig; readonly parameters: ParameterStore } {
  return tinyModel({ initializerRange: 0.2, layers: 1 });
}

/** Options for a run of a second. */
export const pairOptions = {
  threads: 1,
  loggingSteps: 1,
  learningRate: 0.01,
  lrSchedulerType: 'constant',
  batchSize: 8,
  maxSteps: 8,
} as const;
