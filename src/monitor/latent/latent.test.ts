import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { type BatchSummary, summariseBatch } from '../batch-summary.ts';
import type { Entry } from '../history.ts';
import { type Alarm, Monitor } from '../monitor.ts';
import { monitorOptions } from '../options.ts';
import { fitLatentReference, isOutlying } from './latent-reference.ts';
import { LatentWatch } from './latent-watch.ts';
import { choleskyFactor, shrunkCovariance, squaredDistance } from './shrunk-covariance.ts';

const normals = (random: Random, count: number, width: number): number[][] =>
  Array.from({ length: count }, () => Array.from({ length: width }, () => random.normal()));

/** Ledoit and Wolf's definitions, line by line, with every matrix written out. */
function slowly(rows: readonly (readonly number[])[]): { covariance: number[]; shrinkage: number } {
  const [n, k] = [rows.length, rows[0].length];
  const mean = rows[0].map((_, i) => rows.reduce((sum, row) => sum + row[i], 0) / n);
  const outer = rows.map((row) =>
    row.flatMap((_, i) => row.map((__, j) => (row[i] - mean[i]) * (row[j] - mean[j]))),
  );
  const sample = outer[0].map((_, e) => outer.reduce((sum, one) => sum + one[e], 0) / n);
  const identity = sample.map((_, e) => (Math.floor(e / k) === e % k ? 1 : 0));
  const level = sample.reduce((sum, value, e) => sum + value * identity[e], 0) / k;
  const gap = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((sum, value, e) => sum + (value - b[e]) ** 2, 0);
  const target = identity.map((value) => level * value);
  const d = gap(sample, target);
  const b = Math.min(d, outer.reduce((sum, one) => sum + gap(one, sample), 0) / n ** 2);
  return { shrinkage: b / d, covariance: sample.map((s, e) => (b / d) * target[e] + (1 - b / d) * s) };
}

describe('shrunkCovariance', () => {
  it('is that of the definition', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 2, max: 12 }),
        fc.integer({ min: 2, max: 5 }),
        (seed, n, k) => {
          const rows = normals(new Random(seed), n, k).map((row) =>
            row.map((value, i) => 3 + value * 2 ** i),
          );
          const { covariance, shrinkage } = shrunkCovariance(rows);
          const slow = slowly(rows);
          expect(shrinkage).toBeCloseTo(slow.shrinkage, 8);
          covariance.forEach((value, e) => {
            expect(value).toBeCloseTo(slow.covariance[e], 6);
          });
        },
      ),
    );
  });

  it('is the sample’s where rows are many, and can be inverted where they are fewer than dimensions', () => {
    const many = normals(new Random(1), 20_000, 2).map(([a, b]) => [a, a + 2 * b]);
    const { covariance, shrinkage } = shrunkCovariance(many);
    expect(shrinkage).toBeLessThan(0.01);
    // Var a = 1, Cov(a, a + 2b) = 1, Var(a + 2b) = 1 + 4.
    [1, 1, 1, 5].forEach((value, e) => {
      expect(covariance[e]).toBeCloseTo(value, 0);
    });
    expect(choleskyFactor(shrunkCovariance(normals(new Random(2), 10, 40)).covariance)).not.toBeNull();
  });

  it('has no factor where nothing varies', () => {
    expect(
      choleskyFactor(
        shrunkCovariance([
          [1, 2],
          [1, 2],
        ]).covariance,
      ),
    ).toBeNull();
  });
});

it('squaredDistance is Mahalanobis’', () => {
  // Σ = [[2, 1], [1, 2]], Σ⁻¹ = [[2, −1], [−1, 2]] / 3; x − μ = (1, 3): (2·1 − 2·3 + 2·9) / 3 = 14 / 3.
  const factor = choleskyFactor(Float64Array.of(2, 1, 1, 2));
  expect(squaredDistance([2, 2], Float64Array.of(1, -1), factor!)).toBeCloseTo(14 / 3, 12);
});

describe('fitLatentReference', () => {
  /** Far from normal: one direction has heavy tails, and dimensions hang together. */
  const heavy = (random: Random, count: number): number[][] =>
    normals(random, count, 8).map((row) => row.map((value, i) => (i === 0 ? value ** 3 : value + row[0])));
  const apart = (rows: readonly unknown[]): number[] => rows.map((_, i) => i);

  it.each([128, 400])(
    'puts no more than one in a hundred new states of the reference outside, from %d',
    (count) => {
      const random = new Random(5);
      // Over several references: the limit itself is drawn. Heavy tails make it careful: extremes that are left out of a fit
      // lie further from it than they would from one that has seen others like them.
      const shares = Array.from({ length: 10 }, () => {
        const rows = heavy(random, count);
        const reference = fitLatentReference(rows, apart(rows))!;
        return heavy(random, 2000).filter((row) => isOutlying(reference, row)).length / 2000;
      });
      const mean = shares.reduce((a, b) => a + b) / shares.length;
      expect(mean).toBeGreaterThan(0.001);
      expect(mean).toBeLessThan(0.015);
    },
  );

  it('finds states that are unlike in a combination, though each number alone is usual', () => {
    const random = new Random(6);
    const draw = (sign: number): number[] => {
      const [a, b] = [random.normal(), random.normal()];
      return [a, sign * a + 0.1 * b];
    };
    const rows = Array.from({ length: 200 }, () => draw(1));
    const reference = fitLatentReference(rows, apart(rows))!;
    const unlike = Array.from({ length: 1000 }, () => draw(-1));
    // |a − (−a)| = 2 |a| over deviations of about 0.1: beyond 3.5 of them unless |a| < 0.18, which is one in seven;
    // shrinking widens the narrow direction, and lets more pass.
    expect(unlike.filter((row) => isOutlying(reference, row)).length).toBeGreaterThan(600);
  });

  it('leaves prompts out together: a prompt’s own responses do not make it usual', () => {
    const random = new Random(7);
    // Each prompt has its place, and its eight responses are all but the same.
    const draw = (prompts: number): number[][] =>
      normals(random, prompts, 4).flatMap((place) =>
        normals(random, 8, 4).map((row) => row.map((value, i) => place[i] + 0.01 * value)),
      );
    const rows = draw(12);
    const reference = fitLatentReference(
      rows,
      rows.map((_, i) => Math.floor(i / 8)),
    )!;
    const careless = fitLatentReference(rows, apart(rows))!;
    expect(reference.limit).toBeGreaterThan(1.2 * careless.limit);
  });

  it('says nothing of too few responses or prompts, of states that do not vary, or that are not finite', () => {
    const rows = normals(new Random(8), 40, 3);
    expect(fitLatentReference(rows.slice(0, 15), apart(rows))).toBeNull();
    expect(
      fitLatentReference(
        rows,
        rows.map((_, i) => i % 3),
      ),
    ).toBeNull();
    expect(
      fitLatentReference(
        rows.map(() => [1, 2, 3]),
        apart(rows),
      ),
    ).toBeNull();
    expect(
      fitLatentReference(
        rows.map(() => [Number.NaN, 2, 3]),
        apart(rows),
      ),
    ).toBeNull();
  });
});

describe('LatentWatch', () => {
  it('collects the first iterations until they are enough, and then judges', () => {
    const random = new Random(9);
    const watch = new LatentWatch();
    const next = (shift: number) =>
      watch.describe(
        normals(random, 50, 200).map((row) => row.map((value) => value + shift)),
        Array.from({ length: 50 }, (_, i) => `prompt ${Math.floor(i / 2)}`),
      );
    for (let i = 0; i < 3; i++) {
      expect(watch.collects).toBe(true);
      const described = next(0);
      expect(described.states[0]).toHaveLength(64);
      expect(watch.judge(described)).toBeNull();
      watch.add(described);
    }
    expect(watch.collects).toBe(false);
    const shareOf = (values: readonly number[] | null): number =>
      values!.reduce((a, b) => a + b, 0) / values!.length;
    expect(shareOf(watch.judge(next(0)))).toBeLessThan(0.1);
    expect(shareOf(watch.judge(next(2)))).toBe(1);
    expect(watch.judge({ states: [new Array(64).fill(Number.NaN)] })).toEqual([Number.NaN]);
  });
});

describe('latent-outliers', () => {
  const iterations = 24;
  /** What is shown to a monitor of a policy whose states move away from iteration 10 on, one in three of them. */
  function show(monitor: Monitor, from = 0, moves = true): Alarm[][] {
    return Array.from({ length: iterations }, (_, i) => {
      const random = new Random(i); // whatever was drawn before
      const step = i + 1;
      if (i < from) return [];
      const states = normals(random, 64, 12).map((row, r) =>
        row.map((value) => value + (moves && step >= 10 && r % 3 === 0 ? 6 : 0)),
      );
      const prompts = states.map((_, r) => `prompt ${r >> 1}`);
      const described = monitor.latent.describe(states, prompts);
      const judged = monitor.latent.judge(described);
      const batch: BatchSummary = summariseBatch(
        prompts.map((prompt, r) => ({
          ...{ prompt, response: `Answer ${i} ${r}`, ended: true, reward: random.normal() },
          ...(judged && { outlying: judged[r] }),
        })),
      );
      const entries: Entry[] = [
        ...(monitor.latent.collects ? [{ step, latent: described }] : []),
        { step, batch },
      ];
      seen.push(...entries);
      return entries.flatMap((entry) => monitor.observe(entry));
    });
  }
  const seen: Entry[] = [];
  const fresh = (): Monitor => new Monitor(monitorOptions.parse({}));

  it('is silent while nothing moves, and found soon after it does, once', () => {
    expect(show(fresh(), 0, false).flat()).toEqual([]);
    const alarms = show(fresh()).flat();
    expect(alarms.map(({ detector }) => detector)).toEqual(['latent-outliers']);
    // One in three of the newest three iterations: above a fifth once two of them are in, and twice in a row.
    expect(alarms[0].step).toBe(12);
    expect(alarms[0].what).toMatch(/reward model 3[3-7]/);
  });

  it('is found alike after a resume, in the midst of collecting and later', () => {
    const whole = show(fresh());
    for (const cut of [1, 2, 10, 11, 15]) {
      seen.length = 0;
      show(fresh());
      const kept = seen.filter(({ step }) => step <= cut);
      const resumed = fresh();
      for (const entry of kept) resumed.observe(JSON.parse(JSON.stringify(entry)) as Entry);
      expect(show(resumed, cut).slice(cut)).toEqual(whole.slice(cut));
    }
  });
});
