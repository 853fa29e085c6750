import { describe, expect, it } from 'vitest';
import { addMetrics, averageMetrics } from './metrics.ts';

describe('addMetrics', () => {
  it('adds up, but keeps the smallest of Min and the largest of Max', () => {
    const totals: Record<string, number> = {};
    addMetrics(totals, { loss: 0.25, clipRatioLowMin: 0.4, gapMax: 1 });
    addMetrics(totals, { loss: 0.5, clipRatioLowMin: 0.3, gapMax: 0.5 });
    expect(totals).toEqual({ loss: 0.75, clipRatioLowMin: 0.3, gapMax: 1 });
  });
});

describe('averageMetrics', () => {
  it('averages over the steps that have a metric, under its name', () => {
    const steps: Record<string, number>[] = [
      { kl: 1, lowMin: 3, highMax: 1 },
      { kl: 2, lowMin: 2, highMax: 4, gap: 5 },
    ];
    const names = { kl: 'kl', lowMin: 'low/min', highMax: 'high/max', gap: 'gap', absent: 'absent' };
    expect(averageMetrics(steps, names)).toEqual({ kl: 1.5, 'low/min': 2, 'high/max': 4, gap: 5 });
  });
});
