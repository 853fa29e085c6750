import { describe, expect, it } from 'vitest';
import type { Rollout } from './rollout.ts';
import { correctForSampler } from './sampler-correction.ts';

describe('correctForSampler', () => {
  // Two responses of two and one tokens. Ratios of trainer to sampler: 2 and ½, together 1; and 5.
  const rollout = {
    items: [{}, {}],
    counted: Uint8Array.of(1, 1, 1, 0),
    logProbs: Float32Array.of(Math.log(2), Math.log(0.5), Math.log(5), 0),
    samplerLogProbs: new Float32Array(4),
  } as unknown as Rollout;
  const limits = { importanceSamplingClipMin: null, importanceSamplingClipMax: 3 };

  it('weighs tokens or whole responses, and says how far they reach', () => {
    const byToken = correctForSampler(rollout, { ...limits, importanceSamplingMode: 'token_truncate' })!;
    [2, 0.5, 3, 0].forEach((weight, i) => void expect(byToken.weights[i]).toBeCloseTo(weight, 5));
    const ratio = 'sampling/importance_sampling_ratio';
    expect(byToken.metrics[`${ratio}/min`]).toBeCloseTo(0.5, 5);
    expect(byToken.metrics[`${ratio}/mean`]).toBeCloseTo(5.5 / 3, 5);
    expect(byToken.metrics[`${ratio}/max`]).toBeCloseTo(3, 5);
    expect(byToken.metrics['sampling/limited_fraction']).toBeCloseTo(1 / 3, 5);
    const bySequence = correctForSampler(rollout, { ...limits, importanceSamplingMode: 'sequence_mask' })!;
    [1, 1, 0, 0].forEach((weight, i) => void expect(bySequence.weights[i]).toBeCloseTo(weight, 5));
  });

  it('is none where none is wanted', () => {
    expect(correctForSampler(rollout, { ...limits, importanceSamplingMode: null })).toBeNull();
  });
});
