/** Weights for the tokens of a sampler whose probabilities differ from the trainer's, and what they say. */
import { type ImportanceMode, importanceWeights } from '../objective/index.ts';
import type { Rollout } from './rollout.ts';

export interface SamplerCorrection {
  /** [B, R] */
  readonly weights: Float32Array;
  readonly metrics: Readonly<Record<string, number>>;
}

/** For methods that have no use for a correction. */
export const noSamplerCorrection = {
  importanceSamplingMode: null,
  importanceSamplingClipMin: null,
  importanceSamplingClipMax: 1,
} as const;

/** @returns null where no correction is wanted */
export function correctForSampler(
  rollout: Rollout,
  options: {
    readonly importanceSamplingMode: ImportanceMode | null;
    readonly importanceSamplingClipMin: number | null;
    readonly importanceSamplingClipMax: number;
  },
): SamplerCorrection | null {
  if (options.importanceSamplingMode === null) return null;
  const { logProbs, samplerLogProbs, counted, items } = rollout;
  const { weights, limitedFraction } = importanceWeights({
    logProbs,
    samplerLogProbs,
    counted,
    sequences: items.length,
    mode: options.importanceSamplingMode,
    low: options.importanceSamplingClipMin ?? 0,
    high: options.importanceSamplingClipMax,
  });
  const used = weights.filter((_, i) => counted[i] === 1);
  return {
    weights,
    metrics: {
      'sampling/importance_sampling_ratio/min': used.reduce(
        (a, b) => Math.min(a, b),
        Number.POSITIVE_INFINITY,
      ),
      'sampling/importance_sampling_ratio/mean': used.reduce((a, b) => a + b, 0) / used.length,
      'sampling/importance_sampling_ratio/max': used.reduce((a, b) => Math.max(a, b), 0),
      'sampling/limited_fraction': limitedFraction,
    },
  };
}
