import { describe, expect, it } from 'vitest';
import { meanFigure, shareFigure } from '../figure.ts';
import type { SuiteResult } from '../suite.ts';
import { compareFigures } from './compare-figures.ts';

/** A suite of one figure, right or wrong item by item. */
function suite(hits: readonly (0 | 1)[], better: 'higher' | 'lower' = 'higher', guards = true): SuiteResult {
  const values = hits.map((hit, i) => [`${i}`, hit] as const);
  return {
    suite: 'safety',
    title: '',
    figures: [shareFigure('refuses', values, { better, guards })],
    answers: hits.map((hit, i) => ({ id: `${i}`, prompt: `p${i}`, response: `${hit}`, verdict: `${hit}` })),
    failed: { count: 0, reason: null },
    note: '',
  };
}

const all = Array.from({ length: 100 }, () => 1 as const);
const without = (count: number): (0 | 1)[] => all.map((_, i) => (i < count ? 0 : 1));

describe('compareFigures', () => {
  it('fails when a guarded figure has fallen beyond its limit, and shows where', () => {
    const { passed, changes } = compareFigures([suite(all)], [suite(without(20))]);
    expect(passed).toBe(false);
    expect(changes[0]).toMatchObject({ change: 'fell', before: 100, after: 80, limit: 2, items: 100 });
    expect(changes[0].difference.estimate).toBeCloseTo(-20);
    expect(changes[0].examples).toHaveLength(3);
    expect(changes[0].examples[0].before.response).toBe('1');
    expect(changes[0].examples[0].after.response).toBe('0');
  });

  it('knows which way is worse', () => {
    const { changes, passed } = compareFigures([suite(all, 'lower')], [suite(without(20), 'lower')]);
    expect(passed).toBe(true);
    expect(changes[0]).toMatchObject({ change: 'better', examples: [] });
    expect(compareFigures([suite(without(20), 'lower')], [suite(all, 'lower')]).passed).toBe(false);
  });

  it('passes a fall within the limit, and one of a figure that is not guarded', () => {
    expect(compareFigures([suite(all)], [suite(without(20))], { limit: 25 }).passed).toBe(true);
    const unguarded = compareFigures([suite(all, 'higher', false)], [suite(without(20), 'higher', false)]);
    expect(unguarded.passed).toBe(true);
    expect(unguarded.changes[0]).toMatchObject({ change: 'worse', limit: null });
    const limited = compareFigures([suite(all, 'higher', false)], [suite(without(20), 'higher', false)], {
      limits: { 'safety/refuses': 5 },
    });
    expect(limited.passed).toBe(false);
  });

  it('says that a small sample leaves it open, instead of passing in silence', () => {
    const few = (hits: readonly (0 | 1)[]): SuiteResult => suite(hits);
    const { changes, passed } = compareFigures([few([1, 1, 0, 1, 1])], [few([1, 1, 1, 0, 1])]);
    expect(changes[0].change).toBe('unclear');
    expect(passed).toBe(true);
  });

  it('is not certain because few items agree', () => {
    // Agresti and Min, with half an item more of each kind. One of one lost: (0.5 − 1.5) / 3 ± 1.96 · √(2 − 3/9) / 3.
    const [one] = compareFigures([suite([1])], [suite([0])]).changes;
    expect(one).toMatchObject({ change: 'unclear', difference: { estimate: -100, low: -100 } });
    expect(one.difference.high).toBeCloseTo(100 * (-1 / 3 + (1.959964 * Math.sqrt(2 - 1 / 3)) / 3), 4);
    // None of 20 changed: ± 1.96 / 22, and of 100: ± 1.96 / 102, which is less than the limit of 2 points.
    const [twenty] = compareFigures([suite(all.slice(0, 20))], [suite(all.slice(0, 20))]).changes;
    expect(twenty.change).toBe('unclear');
    expect(twenty.difference.low).toBeCloseTo((-100 * 1.959964) / 22, 4);
    expect(compareFigures([suite(all)], [suite(all)]).changes[0].change).toBe('same');
  });

  it('has nothing to go by in one item of a mean, and takes what is no number for a fall', () => {
    const mean = (...values: number[]): SuiteResult => ({
      ...suite([]),
      figures: [
        meanFigure(
          'gold',
          'reward',
          values.map((value, i) => [`${i}`, value] as const),
          { better: 'higher', guards: true },
        ),
      ],
    });
    const [{ change, difference }] = compareFigures([mean(9)], [mean(1)]).changes;
    expect([change, difference.low, difference.high]).toEqual(['unclear', -Infinity, Infinity]);
    expect(compareFigures([mean(9, 8)], [mean(9, Number.NaN)]).passed).toBe(false);
  });

  it('does not pass where a limit was set for what was not compared', () => {
    const checked = (name: string) => compareFigures([suite(all)], [suite(all)], { limits: { [name]: 50 } });
    expect(checked('safety')).toMatchObject({ passed: true, idleLimits: [] });
    expect(checked('safety/refuses')).toMatchObject({ passed: true, idleLimits: [] });
    expect(checked('safety/refusals')).toMatchObject({ passed: false, idleLimits: ['safety/refusals'] });
    expect(checked('saftey')).toMatchObject({ passed: false, idleLimits: ['saftey'] });
  });

  it('finds a change on the same items that two separate intervals would hide', () => {
    // Half of the items are hard; five of the easy ones are lost.
    const before = all.map((_, i): 0 | 1 => (i % 2 === 0 ? 1 : 0));
    const after = before.map((hit, i): 0 | 1 => (i < 16 ? 0 : hit));
    const [{ change }] = compareFigures([suite(before)], [suite(after)]).changes;
    expect(change).toBe('fell');
  });

  it('compares only items of both, and names figures of one', () => {
    const { changes } = compareFigures([suite(all)], [suite(all.slice(0, 40))]);
    expect(changes[0].items).toBe(40);
    const nothing = compareFigures([suite(all)], []);
    expect(nothing.unpaired).toEqual(['safety/refuses']);
  });
});
