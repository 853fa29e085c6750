import { expect, it } from 'vitest';
import { ensembleDisagreement, scoreUncertainty, uncertaintyOf } from './uncertainty.ts';

it('reads soft labels by hand', () => {
  // |2 · 0.75 − 1| = 0.5 and |2 · 1 − 1| = 1, each counted from both sides: 1 − 0.75.
  const preferences = [
    [null, 0.75, null],
    [0.25, null, 1],
    [null, 0, null],
  ];
  expect(uncertaintyOf(preferences)).toBeCloseTo(0.25, 12);
  expect(uncertaintyOf([[null, null], [null, null]])).toBeNull(); // biome-ignore format: a matrix
});

it('tells an ensemble that disagrees from one that is unsure', () => {
  // Nobody knows: each says one half.
  expect(ensembleDisagreement([[0, 0], [5, 5]])).toBeCloseTo(0, 12); // biome-ignore format: members
  // One is sure of the one, the other of the other.
  expect(ensembleDisagreement([[40, 0], [0, 40]])).toBeCloseTo(1, 9); // biome-ignore format: members
  // p = ¼ and ¾ (a gap of ln 3): H(½) − H(¼) = ln 2 − (¼ ln 4 + ¾ ln 4/3) = 0.130812 nats, 0.188722 bits.
  const gap = Math.log(3);
  expect(ensembleDisagreement([[gap, 0], [0, gap]])).toBeCloseTo(0.188722, 6); // biome-ignore format: members
  // Bradley-Terry fixes scores up to a constant only, which is no disagreement.
  expect(ensembleDisagreement([[1, 0], [101, 100]])).toBeCloseTo(0, 12); // biome-ignore format: members
});

it('is the mean over the pairs', () => {
  // Pairs (0,1): p = ½; (0,2) and (1,2): p = ¾, |2p − 1| = ½.
  const gap = Math.log(3);
  expect(scoreUncertainty([gap, gap, 0])).toBeCloseTo((1 + 0.5 + 0.5) / 3, 12);
});
