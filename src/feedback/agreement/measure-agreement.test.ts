import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgedTask } from '../testing/judged-task.ts';
import type { JudgedTask } from './judgements.ts';
import { placesInSessions } from './judgements.ts';
import { agreementBy, byLabel, measureAgreement } from './measure-agreement.ts';
import { agreementAmong, outcomeOf } from './outcome.ts';

const pandaPath = '../shared/data/agreement/pandalm-three-annotators.json';
const few = { resamples: 100 };
const byPair = ({ first, second }: Parameters<Parameters<typeof agreementBy>[1]>[0]) => [
  [first.annotator, second.annotator].sort().join(' × '),
];

describe.skipIf(!existsSync(pandaPath))(
  'agreement of the three annotators of PandaLM (Wang et al. 2023)',
  () => {
    const tasks = (): JudgedTask[] => {
      const rows = JSON.parse(readFileSync(pandaPath, 'utf8')) as Record<string, number>[];
      const ranksOf = (said: number) =>
        [
          [1, 1],
          [1, 2],
          [2, 1],
        ][said];
      return rows.map((row) =>
        judgedTask(String(row.idx), {
          one: ranksOf(row.annotator1),
          two: ranksOf(row.annotator2),
          three: ranksOf(row.annotator3),
        }),
      );
    };

    it('is what other code finds over all', () => {
      const found = measureAgreement(tasks(), { resamples: 300 })!;
      expect(found).toMatchObject({ tasks: 999, annotators: 3, pairs: 999, comparisons: 2997 });
      // From a plain implementation in Python over the data both ways round: κ 0.8645069686, and its ordinal twin 0.8775739423;
      // α takes 2997 values into account: 1 − 2996 / 2997 · (1 − κ).
      expect(found.same).toBeCloseTo(0.91991992, 8);
      expect(found.fleissKappa).toBeCloseTo(0.8645069686, 8);
      expect(found.alphaNominal!.estimate).toBeCloseTo(1 - (2996 / 2997) * (1 - 0.8645069686), 8);
      expect(found.alphaOrdinal!.estimate).toBeCloseTo(1 - (2996 / 2997) * (1 - 0.8775739423), 8);
      expect(found.alphaNominal!.low).toBeGreaterThan(0.83);
      expect(found.alphaNominal!.high).toBeLessThan(0.9);
    });

    it("is by pair what their paper says: Cohen's kappa 0.85, 0.86 and 0.88", () => {
      const pairs = agreementBy(tasks(), byPair, few);
      const kappas = Object.fromEntries([...pairs].map(([key, { cohenKappa }]) => [key, cohenKappa]));
      expect(kappas['one × two']).toBeCloseTo(0.8523183737, 8);
      expect(kappas['one × three']).toBeCloseTo(0.8792603335, 8);
      expect(kappas['three × two']).toBeCloseTo(0.8620268003, 8);
    });
  },
);

const ranks = fc.array(fc.option(fc.integer({ min: 1, max: 3 })), { minLength: 3, maxLength: 3 });
const someTasks = fc.array(
  fc.record({ ann: ranks, bob: ranks, eve: ranks }).map((labels) => labels),
  { minLength: 4, maxLength: 12 },
);
const tasksOf = (all: readonly Record<string, (number | null)[]>[]): JudgedTask[] =>
  all.map((labels, i) => judgedTask(`task ${i}`, labels));

describe('measureAgreement', () => {
  it('counts exact agreement and ties as half by hand', () => {
    // Pairs of a task with three responses: 12, 13, 23. Ann and Bob agree on 13 and 23, and Bob has 12 level.
    const found = measureAgreement([judgedTask('a', { ann: [1, 2, 3], bob: [1, 1, 2] })], few)!;
    expect(found).toMatchObject({ tasks: 1, pairs: 3, comparisons: 3 });
    expect(found.same).toBeCloseTo(2 / 3, 12);
    expect(found.agree.estimate).toBeCloseTo(2.5 / 3, 12);
    // τ-b: 2 concordant pairs of 3 and 2 decided: 2 / √6.
    expect(found.tauB).toBeCloseTo(2 / Math.sqrt(6), 12);
    // κ: ties 0 and 1/3; by chance 0 · 1/3 + 1 · 2/3 / 2 = 1/3; (2/3 − 1/3) / (1 − 1/3).
    expect(found.cohenKappa).toBeCloseTo(0.5, 12);
  });

  it('compares what two have judged, and says so when there is nothing', () => {
    const apart = [
      judgedTask('a', { ann: [1, 2, null], bob: [null, 1, 2] }),
      judgedTask('b', { ann: [1, 2] }),
    ];
    expect(measureAgreement(apart)).toBeNull();
    expect(measureAgreement([])).toBeNull();
    const found = measureAgreement([...apart, judgedTask('c', { ann: [1, null, 2], bob: [2, 3, 1] })], few)!;
    expect(found).toMatchObject({ tasks: 1, pairs: 1, comparisons: 1, same: 0 });
  });

  it('does not depend on the order of responses, nor on that of labels', () => {
    fc.assert(
      fc.property(someTasks, fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }), (all, flips) => {
        const before = measureAgreement(tasksOf(all), { resamples: 10 });
        const turned = all.map((labels, i) =>
          Object.fromEntries(
            Object.entries(labels)
              .reverse()
              .map(([name, own]) => [name, flips[i] ? [...own].reverse() : own]),
          ),
        );
        const after = measureAgreement(tasksOf(turned), { resamples: 10 });
        if (before === null || after === null) return expect(after).toBe(before);
        const values = ({
          same,
          alphaNominal,
          alphaOrdinal,
          fleissKappa,
          cohenKappa,
          tauB,
          concordance,
        }: typeof before) => [
          same,
          alphaNominal?.estimate,
          alphaOrdinal?.estimate,
          fleissKappa,
          cohenKappa,
          tauB,
          concordance,
        ];
        values(before).forEach((value, i) => {
          const other = values(after)[i];
          if (typeof value === 'number') expect(other).toBeCloseTo(value, 9);
          else expect(other).toBe(value);
        });
      }),
      { numRuns: 50 },
    );
  });

  it('finds for two people what it finds when only they have labelled', () => {
    fc.assert(
      fc.property(someTasks, (all) => {
        const pair = agreementBy(tasksOf(all), byPair, { resamples: 10 }).get('ann × bob');
        const alone = measureAgreement(tasksOf(all.map(({ ann, bob }) => ({ ann, bob }))), { resamples: 10 });
        expect(pair?.alphaOrdinal?.estimate).toBe(alone?.alphaOrdinal?.estimate);
        expect(pair?.fleissKappa).toBe(alone?.fleissKappa);
        expect(pair?.concordance).toBe(alone?.concordance);
      }),
      { numRuns: 50 },
    );
  });

  it('is none for people who rank by chance, and tells by slice who does', () => {
    const tasks = Array.from({ length: 600 }, (_, n) => {
      const right = n % 2 === 0 ? [1, 2] : [2, 1];
      const wild = (n * 7919) % 13 < 6.5 ? [1, 2] : [2, 1];
      return judgedTask(String(n), { ann: right, bob: right, eve: wild });
    });
    const who = agreementBy(
      tasks,
      byLabel(({ annotator }) => annotator),
      few,
    );
    expect(who.get('ann')!.alphaNominal!.estimate).toBeGreaterThan(0.4);
    expect(Math.abs(who.get('eve')!.alphaNominal!.estimate)).toBeLessThan(0.1);
    expect(who.get('eve')!.alphaNominal!.low).toBeLessThan(who.get('eve')!.alphaNominal!.high);
    const pairs = agreementBy(tasks, byPair, few);
    expect(pairs.get('ann × bob')!.alphaNominal!.estimate).toBe(1);
  });
});

it('outcomeOf reads ranks', () => {
  expect(outcomeOf([1, 2], 0, 1)).toBe(0);
  expect(outcomeOf([2, 2], 0, 1)).toBe(1);
  expect(outcomeOf([3, 1], 0, 1)).toBe(2);
  expect(outcomeOf([null, 1], 0, 1)).toBeNull();
});

it('a session ends with a break of half an hour', () => {
  const at = (annotator: string, minute: number) => ({
    ...{ eventId: `${annotator} ${minute}`, annotator, judgedAt: minute * 60_000 },
  });
  const places = placesInSessions([at('ann', 29), at('ann', 0), at('bob', 5), at('ann', 60), at('ann', 61)]);
  expect(Object.fromEntries(places)).toEqual({
    ...{ 'ann 0': 0, 'bob 5': 0, 'ann 29': 1, 'ann 60': 0, 'ann 61': 1 },
  });
});

it('agreementAmong counts pairs of responses, by hand', () => {
  // Of the pairs (0,1), (0,2), (1,2): the same, the same, a tie against a decision.
  expect(
    agreementAmong([
      [1, 2, 3],
      [1, 2, 2],
    ]),
  ).toBeCloseTo(2.5 / 3, 12);
  // Two against one on one pair: of three comparisons, one agrees.
  expect(
    agreementAmong([
      [1, 2],
      [1, 2],
      [2, 1],
    ]),
  ).toBeCloseTo(1 / 3, 12);
  expect(
    agreementAmong([
      [1, 2, null],
      [null, 1, 2],
    ]),
  ).toBeNull();
  expect(agreementAmong([[1, 2]])).toBeNull();
});
