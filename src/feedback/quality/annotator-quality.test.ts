import { describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import type { JudgedTask } from '../agreement/judgements.ts';
import { judgedTask } from '../testing/judged-task.ts';
import { annotatorQuality } from './annotator-quality.ts';
import { goldAccuracy } from './gold-accuracy.ts';
import { labelHabits, leastTimeFor } from './habits.ts';
import { estimateReliability, labelWeights } from './reliability.ts';
import { selfAgreement } from './self-agreement.ts';
import { shareRight } from './share-right.ts';

describe('gold tasks', () => {
  it('count pairs that are right, with ties as half, and what was not judged as wrong', () => {
    expect(shareRight([1, 2, 3], [1, 2, 3])).toBe(1);
    expect(shareRight([1, 2, 3], [3, 2, 1])).toBe(0);
    expect(shareRight([1, 2, 3], [1, 1, 2])).toBeCloseTo(2.5 / 3, 12);
    expect(shareRight([1, 2, null], [1, 3, 2])).toBe(1);
    expect(shareRight([1, 2, 3], [1, 2, null])).toBeCloseTo(1 / 3, 12);
    expect(shareRight([1, null], [1, 2])).toBeNull();
  });

  it("give each annotator Wilson's interval", () => {
    const tasks = Array.from({ length: 10 }, (_, n) =>
      judgedTask(
        String(n),
        { ann: n < 9 ? [1, 2] : [2, 1], bob: [1, 1] },
        { gold: n < 8 || n > 8 ? [1, 2] : null },
      ),
    );
    const found = goldAccuracy(tasks);
    // 8 of 9 are right: Wilson's interval of Agresti and Coull's formula, z = 1.959964.
    const { tasks: count, accuracy } = found.get('ann')!;
    expect(count).toBe(9);
    expect(accuracy.estimate).toBeCloseTo(8 / 9, 12);
    const z2 = 3.841458821;
    const centre = (8 / 9 + z2 / 18) / (1 + z2 / 9);
    const half = (Math.sqrt(z2) / (1 + z2 / 9)) * Math.sqrt(8 / 81 / 9 + z2 / (4 * 81));
    expect(accuracy.low).toBeCloseTo(centre - half, 8);
    expect(accuracy.high).toBeCloseTo(centre + half, 8);
    expect(found.get('bob')!.accuracy.estimate).toBe(0.5);
    expect(goldAccuracy([judgedTask('a', { ann: [1, 2] })]).size).toBe(0);
  });
});

/** Tasks whose first response is better as often as the second, with annotators who are right with a known probability. */
function simulated(right: Readonly<Record<string, number>>, count: number, seed: number): JudgedTask[] {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, n) => {
    const truth = random.int(2) === 0 ? [1, 2] : [2, 1];
    const labels = Object.entries(right).map(([name, p]) => [
      name,
      random.uniform() < p ? truth : [...truth].reverse(),
    ]);
    return judgedTask(String(n), Object.fromEntries(labels));
  });
}

describe('estimateReliability', () => {
  it('finds how often annotators are right, and weighs them by the log odds', () => {
    const right = { ann: 0.9, bob: 0.75, eve: 0.5, joe: 0.85 };
    const found = estimateReliability(simulated(right, 1500, 3));
    for (const { annotator, accuracy, pairs, shared } of found) {
      expect(Math.abs(accuracy - right[annotator as keyof typeof right])).toBeLessThan(0.04);
      expect([pairs, shared]).toEqual([1500, 1500]);
    }
    expect(found.map(({ annotator }) => annotator)).toEqual(['ann', 'joe', 'bob', 'eve']);
    const weight = Object.fromEntries(found.map((one) => [one.annotator, one.weight]));
    // ln(0.9 / 0.1) / ln(0.75 / 0.25) = 2.
    expect(weight.ann / weight.bob).toBeGreaterThan(1.7);
    expect(weight.ann / weight.bob).toBeLessThan(2.3);
    expect(weight.eve).toBeLessThan(0.25);
    expect(found.reduce((sum, one) => sum + one.weight, 0) / 4).toBeCloseTo(1, 12);
  });

  it('does not care which response stands first in the data', () => {
    // The first is better in all tasks, and all but eve know: she always prefers the second.
    const tasks = Array.from({ length: 40 }, (_, n) =>
      judgedTask(String(n), { ann: [1, 2], bob: [1, 2], eve: [2, 1] }),
    );
    const turned = tasks.map((task, n) =>
      n % 2 === 0 ? task : judgedTask(task.id, { ann: [2, 1], bob: [2, 1], eve: [1, 2] }),
    );
    const [before, after] = [estimateReliability(tasks), estimateReliability(turned)];
    expect(before.at(-1)).toMatchObject({ annotator: 'eve', weight: 0 });
    for (const [i, { accuracy }] of before.entries()) expect(after[i].accuracy).toBeCloseTo(accuracy, 9);
  });

  it('calls nobody perfect after one label, and knows nothing without others', () => {
    const [first] = estimateReliability([judgedTask('a', { ann: [1, 2], bob: [1, 2] })]);
    expect(first.accuracy).toBeLessThan(0.85);
    expect(estimateReliability([judgedTask('a', { ann: [1, 2] })])).toEqual([]);
    expect(labelWeights([]).size).toBe(0);
  });
});

it('selfAgreement compares what an annotator says of the same responses in several tasks', () => {
  const again = { itemHash: 'same' };
  const found = selfAgreement([
    judgedTask('a', { ann: [1, 2, 3], bob: [1, 2, 3] }, again),
    judgedTask('b', { ann: [1, 3, 2], bob: [1, 2, 3] }, again),
    judgedTask('c', { eve: [1, 2, 3] }),
  ]);
  // Two of Ann's three pairs are the same again.
  expect(found.get('ann')!.agree).toBeCloseTo(2 / 3, 12);
  expect(found.get('bob')).toEqual({ items: 1, agree: 1 });
  expect(found.has('eve')).toBe(false);
});

describe('labelHabits', () => {
  const labelled = (count: number, label: (n: number, random: Random) => object): JudgedTask[] => {
    const random = new Random(8);
    return Array.from({ length: count }, (_, n) =>
      judgedTask(
        String(n),
        { ann: label(n, random) as { ranks: number[] } },
        { words: 60, lengths: [10, 20, 30, 40] },
      ),
    );
  };
  const order = (random: Random): number[] => random.shuffled([0, 1, 2, 3]);

  it('suspects nobody who ranks honestly, whatever the right order is', () => {
    const [habits] = labelHabits(
      labelled(200, (_, random) => ({ ranks: [1, 2, 3, 4], shownOrder: order(random), activeMs: 9000 })),
    );
    expect(habits).toMatchObject({ suspicions: [], tooFast: 0, medianMs: 9000, allTies: 0 });
    expect(habits.earlierPreferred!.low).toBeLessThan(0.5);
    expect(habits.earlierPreferred!.high).toBeGreaterThan(0.5);
    // The first response is best and shortest in all of them.
    expect(habits.longerPreferred!.estimate).toBe(0);
  });

  it('sees who ranks the cards as they stand', () => {
    const [habits] = labelHabits(
      labelled(20, (_, random) => {
        const shownOrder = order(random);
        return { ranks: shownOrder.map((_, response) => shownOrder.indexOf(response) + 1), shownOrder };
      }),
    );
    expect(habits.suspicions).toEqual(['straight-lining']);
    expect(habits.usualOrder).toEqual({ order: 'A > B > C > D', labels: 20, of: 20 });
    expect(habits.earlierPreferred!.estimate).toBe(1);
    expect(habits.tooFast).toBeNull();
  });

  it('sees ties in everything, and labels faster than reading', () => {
    // 60 words at 900 words a minute take 4 seconds.
    expect(leastTimeFor(60)).toBe(4000);
    expect(leastTimeFor(1)).toBe(1000);
    const [habits] = labelHabits(
      labelled(20, (n) => ({ ranks: [1, 1, 1, 1], activeMs: n < 5 ? 3999 : 4000 })),
    );
    expect(habits).toMatchObject({ suspicions: ['too-fast', 'all-ties'], tooFast: 0.25, allTies: 1 });
    expect(habits).toMatchObject({ usualOrder: null, earlierPreferred: null });
    expect(labelHabits(labelled(9, () => ({ ranks: [1, 1, 1, 1] })))[0].suspicions).toEqual([]);
  });
});

it('annotatorQuality puts together what is known of each', () => {
  const all = annotatorQuality([
    judgedTask('a', { bob: [1, 2], ann: [1, 2] }, { gold: [1, 2] }),
    judgedTask('b', { eve: [1, 2] }),
  ]);
  expect(all.map(({ annotator }) => annotator)).toEqual(['ann', 'bob', 'eve']);
  expect(all[0]).toMatchObject({ labels: 1, gold: { tasks: 1 }, reliability: { shared: 1 }, self: null });
  expect(all[2]).toMatchObject({ labels: 1, gold: null, reliability: null });
});
