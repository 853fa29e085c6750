import { describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { Graph, reshape } from '../../tensor/index.ts';
import { evaluate } from '../../tensor/testing/index.ts';
import { adapterDropout } from './dropout.ts';

/** Ones behind dropout: [32 tokens, 40 inputs] of two layers. */
async function masks(rate: number, seed: number): Promise<{ first: number[]; second: number[] }> {
  const graph = new Graph();
  const dropout = adapterDropout(graph, rate);
  const x = reshape(graph.input('x', 'real', ['B', 'T', 40]), [-1, 40]);
  const outputs = { first: dropout.apply(x, 'first'), second: dropout.apply(x, 'second') };
  const feeds = dropout.feeds([4, 8], new Random(seed));
  return evaluate(graph, outputs, {
    ...feeds,
    x: { data: new Float32Array(1280).fill(1), shape: [4, 8, 40] },
  });
}

describe('adapterDropout', () => {
  it('keeps the share that it should, scaled up, and the same for the same draws only', async () => {
    const { first, second } = await masks(0.25, 1);
    expect([...new Set(first)].sort()).toEqual([0, Math.fround(4 / 3)]);
    // 1280 draws: the standard deviation of the share is √(0.25 · 0.75 / 1280) = 0.012.
    const share = (mask: number[]): number => mask.filter((value) => value === 0).length / mask.length;
    expect(Math.abs(share(first) - 0.25)).toBeLessThan(0.05);
    expect(Math.abs(share(second) - 0.25)).toBeLessThan(0.05);
    expect((await masks(0.25, 1)).first).toEqual(first);
    expect((await masks(0.25, 2)).first).not.toEqual(first);
    expect(second).not.toEqual(first);
  });

  it('draws rows, columns and layers independently', async () => {
    const { first, second } = await masks(0.5, 3);
    const agreement = (a: (i: number) => number, b: (i: number) => number, count: number): number => {
      let same = 0;
      for (let i = 0; i < count; i++) if (a(i) === b(i)) same += 1;
      return same / count;
    };
    // Fair coins agree half the time; the standard deviations are 0.014 for layers and 0.08 for rows and columns.
    expect(
      Math.abs(
        agreement(
          (i) => first[i],
          (i) => second[i],
          1280,
        ) - 0.5,
      ),
    ).toBeLessThan(0.07);
    for (let other = 1; other < 32; other++) {
      const rows = agreement(
        (i) => first[i],
        (i) => first[other * 40 + i],
        40,
      );
      expect(Math.abs(rows - 0.5), `rows 0 and ${other}`).toBeLessThan(0.35);
    }
    for (let other = 1; other < 40; other++) {
      const columns = agreement(
        (i) => first[i * 40],
        (i) => first[i * 40 + other],
        32,
      );
      expect(Math.abs(columns - 0.5), `columns 0 and ${other}`).toBeLessThan(0.4);
    }
  });
});
