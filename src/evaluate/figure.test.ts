import { describe, expect, it } from 'vitest';
import { groupBy, meanFigure, shareFigure } from './figure.ts';

describe('figures', () => {
  it('tells a share in per cent, with Wilson’s interval', () => {
    // Wilson for 8 of 10: centre (0.8 + 3.8415/20) / (1 + 3.8415/10) = 0.71673, half-width
    // 1.95996/1.38415 · √(0.016 + 3.8415/400) = 0.22656.
    const values = Array.from({ length: 10 }, (_, i) => [`${i}`, i < 8 ? 1 : 0] as const);
    const { interval, items } = shareFigure('right', values, { better: 'higher' });
    expect(interval?.estimate).toBeCloseTo(80);
    expect(interval?.low).toBeCloseTo(49.02, 1);
    expect(interval?.high).toBeCloseTo(94.33, 1);
    expect(items['0']).toBe(100);
    expect(items['9']).toBe(0);
  });

  it('tells a mean with Student’s interval', () => {
    // 1, 2, 3: mean 2, deviation 1, t(0.975, 2) = 4.3027, half-width 4.3027/√3 = 2.4841.
    const { interval } = meanFigure(
      'length',
      'tokens',
      [
        ['a', 1],
        ['b', 2],
        ['c', 3],
      ],
      { better: null },
    );
    expect(interval?.high).toBeCloseTo(4.4841, 3);
  });

  it('has no interval where nothing was measured, and none but infinity for one item', () => {
    expect(shareFigure('none', [], { better: 'higher' }).interval).toBeNull();
    expect(meanFigure('one', '', [['a', 3]], { better: null }).interval).toEqual({
      estimate: 3,
      low: Number.NEGATIVE_INFINITY,
      high: Number.POSITIVE_INFINITY,
    });
  });

  it('refuses two items of one id, which could not be paired', () => {
    const twice = [
      ['a', 1],
      ['a', 0],
    ] as const;
    expect(() => shareFigure('twice', twice, { better: 'higher' })).toThrow(/same id/);
  });

  it('groups in the order of first appearance', () => {
    expect([...groupBy(['b1', 'a1', 'b2'], (text) => text[0])]).toEqual([
      ['b', ['b1', 'b2']],
      ['a', ['a1']],
    ]);
  });
});
