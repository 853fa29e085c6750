import { describe, expect, it } from 'vitest';
import type { StreamScorer } from '../probe/probe-scorer.ts';
import { RunningScores, screeningOf } from './classifier-screen.ts';

/** A model of one score, which is the token itself; it reads eight tokens at once. */
const scorer: StreamScorer = {
  contextLength: 8,
  numbers: 1,
  open() {
    let length = 0;
    return {
      get length() {
        return length;
      },
      async read(ids) {
        length += ids.length;
        return { scores: Float32Array.from(ids) };
      },
    };
  },
  release: async () => {},
};
const readout = { head: 0, scaling: { slope: 1, intercept: 0 }, categories: [], stage: 'classifier' };

describe('scores that run', () => {
  it('keep the largest, over windows too', async () => {
    const scores = new RunningScores(scorer, 4);
    await scores.read([-3, -1, -2, -5, -4, -6, -2], 'all');
    expect(scores.largest[0]).toBe(-1);
    const ends = new RunningScores(scorer, 4);
    // Windows of four that overlap by half, judged at their ends: -5, then -6, then the last token.
    await ends.read([-3, -1, -2, -5, -4, -6, -7], 'last');
    expect(ends.largest[0]).toBe(-5);
  });

  it('are not harmless where one of them is not a number', async () => {
    for (const ids of [[Number.NaN], [1, Number.NaN, 2], [Number.NaN, 1]]) {
      const scores = new RunningScores(scorer, 4);
      await scores.read(ids, 'all');
      expect(screeningOf(scores.largest, readout).score).toBeNaN();
    }
  });
});
