import { describe, expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import { fitGold, fittedGain, type GoldForm } from './goodhart.ts';

const kls = [0.1, 0.5, 1, 2, 4, 7, 10, 15];

describe.each<[GoldForm, (d: number) => number, number]>([
  // d (2 − 0.5 d): highest at d = 2, KL 4, gain 2
  ['best-of-n', (d) => d * (2 - 0.5 * d), 4],
  // d (2 − 1 ln d): derivative 2 − ln d − 1 = 0 at d = e, KL e², gain e
  ['rl', (d) => d * (2 - Math.log(d)), Math.E ** 2],
])('%s', (form, gainOf, peakKl) => {
  it('finds the coefficients that points were made with, and the peak', () => {
    const fit = fitGold(
      kls.map((kl) => ({ kl, gain: gainOf(Math.sqrt(kl)) })),
      form,
    );
    expect(fit?.alpha).toBeCloseTo(2, 9);
    expect(fit?.beta).toBeCloseTo(form === 'rl' ? 1 : 0.5, 9);
    expect(fit?.explained).toBeCloseTo(1, 9);
    expect(fit?.peak?.kl).toBeCloseTo(peakKl, 6);
    expect(fit?.peak?.gain).toBeCloseTo(form === 'rl' ? Math.E : 2, 6);
  });

  it('says how sure it is: nine in ten intervals of two errors hold the truth', () => {
    const random = new Random(11);
    let held = 0;
    for (let i = 0; i < 200; i++) {
      const fit = fitGold(
        kls.map((kl) => ({ kl, gain: gainOf(Math.sqrt(kl)) + 0.1 * random.normal() })),
        form,
      );
      if (fit && Math.abs(fit.alpha - 2) < 2 * fit.alphaError) held++;
    }
    // Student with 6 degrees of freedom: |t| < 2 with probability 0.908.
    expect(held).toBeGreaterThan(165);
    expect(held).toBeLessThan(197);
  });
});

it('a reward that only rises has no peak', () => {
  const fit = fitGold(
    kls.map((kl) => ({ kl, gain: kl })),
    'best-of-n',
  );
  expect(fit?.beta).toBeCloseTo(-1, 9);
  expect(fit?.peak).toBeNull();
  expect(fit && fittedGain(fit, 9)).toBeCloseTo(9, 9);
});

it('too few points, or all at one place, give no fit', () => {
  expect(
    fitGold(
      kls.slice(0, 4).map((kl) => ({ kl, gain: kl })),
      'rl',
    ),
  ).toBeNull();
  expect(fitGold(new Array(9).fill({ kl: 2, gain: 1 }), 'rl')).toBeNull();
  expect(
    fitGold(
      kls.map((kl) => ({ kl: -kl, gain: 1 })),
      'rl',
    ),
  ).toBeNull();
});
