import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type SampleOrder, Sampler } from './sampler.ts';

const ORDERS: SampleOrder[] = ['shuffled', 'sequential', 'length-grouped', 'longest-first'];
const lengthsOf = (size: number) => Array.from({ length: size }, (_, i) => (i * 7919) % 101);
const epochOf = (sampler: Sampler) => Array.from({ length: sampler.batchesPerEpoch }, () => sampler.next());

describe('Sampler', () => {
  it('gives every example once per epoch, in every order', () => {
    const arbitrary = fc.record({
      size: fc.integer({ min: 1, max: 300 }),
      batchSize: fc.integer({ min: 1, max: 9 }),
      order: fc.constantFrom(...ORDERS),
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(arbitrary, (options) => {
        const sampler = new Sampler({ ...options, lengths: lengthsOf(options.size) });
        for (let epoch = 0; epoch < 2; epoch++) {
          const indices = epochOf(sampler)
            .flat()
            .sort((a, b) => a - b);
          expect(indices).toEqual(Array.from({ length: options.size }, (_, i) => i));
        }
      }),
    );
  });

  it('continues from a stored position exactly', () => {
    fc.assert(
      fc.property(fc.constantFrom(...ORDERS), fc.nat(40), fc.boolean(), (order, steps, dropLast) => {
        const options = { size: 23, batchSize: 4, seed: 5, order, dropLast, lengths: lengthsOf(23) };
        const [original, resumed] = [new Sampler(options), new Sampler(options)];
        for (let i = 0; i < steps; i++) original.next();
        resumed.restore(JSON.parse(JSON.stringify(original.position)));
        for (let i = 0; i < 12; i++) expect(resumed.next()).toEqual(original.next());
      }),
    );
  });

  it('orders epochs differently, and by the seed', () => {
    const sampler = new Sampler({ size: 50, batchSize: 50, seed: 1 });
    const [first, second] = [sampler.next(), sampler.next()];
    expect(first).not.toEqual(second);
    expect(new Sampler({ size: 50, batchSize: 50, seed: 1 }).next()).toEqual(first);
    expect(new Sampler({ size: 50, batchSize: 50, seed: 2 }).next()).not.toEqual(first);
  });

  it('puts the longest first, and only in the first epoch', () => {
    const lengths = [3, 9, 1, 8, 2, 7, 7];
    const sampler = new Sampler({ size: 7, batchSize: 3, seed: 0, order: 'longest-first', lengths });
    expect(sampler.next()).toEqual([1, 3, 5]);
  });

  it('groups similar lengths: less padding than a shuffle, the longest batch first', () => {
    const size = 1000;
    const lengths = lengthsOf(size);
    const padded = (order: SampleOrder) =>
      epochOf(new Sampler({ size, batchSize: 8, seed: 3, order, lengths }))
        .map((batch) => batch.length * Math.max(...batch.map((i) => lengths[i])))
        .reduce((a, b) => a + b);
    const needed = lengths.reduce((a, b) => a + b);
    expect(padded('length-grouped')).toBeLessThan(needed * 1.1);
    expect(padded('shuffled')).toBeGreaterThan(needed * 1.5);
    const first = new Sampler({ size, batchSize: 8, seed: 3, order: 'length-grouped', lengths }).next();
    expect(Math.max(...first.map((i) => lengths[i]))).toBe(100);
  });

  it('leaves out the unfilled batch when asked to', () => {
    const sampler = new Sampler({ size: 10, batchSize: 4, seed: 0, dropLast: true });
    expect(epochOf(sampler).map((batch) => batch.length)).toEqual([4, 4]);
    expect(sampler.position).toEqual({ seed: 0, epoch: 0, index: 8 });
    sampler.next();
    expect(sampler.position).toEqual({ seed: 0, epoch: 1, index: 4 });
  });

  it('refuses wrong use when built', () => {
    expect(() => new Sampler({ size: 0, batchSize: 1, seed: 0 })).toThrow('at least one example');
    expect(() => new Sampler({ size: 2, batchSize: 1, seed: 0, order: 'longest-first' })).toThrow(
      'needs the 2 lengths',
    );
    expect(() => new Sampler({ size: 2, batchSize: 3, seed: 0, dropLast: true })).toThrow(
      'do not fill a batch',
    );
    const sampler = new Sampler({ size: 2, batchSize: 1, seed: 0 });
    expect(() => sampler.restore({ seed: 1, epoch: 0, index: 0 })).toThrow('belongs to seed 1');
  });
});
