import { describe, expect, it } from 'vitest';
import type { Tensor } from '../tensor/index.ts';
import { type BradleyTerryOptions, bradleyTerryLoss } from './bradley-terry.ts';
import { trlMetricNames } from './metric-names.ts';
import { plackettLuceLoss, rankingChoices } from './plackett-luce.ts';
import { type Ranks, rankingPairs } from './ranking-pairs.ts';
import { type EvaluateOptions, evaluate, gradientGap, input } from './testing/evaluate.ts';
import { goldenPolicyLosses } from './testing/golden.ts';

type Settings = Pick<BradleyTerryOptions, 'labelSmoothing' | 'centreCoefficient'>;

const build =
  (settings: Settings = {}) =>
  (tensors: Record<string, Tensor>): Record<string, Tensor> => {
    const { loss, metrics } = bradleyTerryLoss({ ...(tensors as never as BradleyTerryOptions), ...settings });
    return { loss, ...metrics };
  };

function rankedInputs(scores: readonly number[], rankings: readonly Ranks[], ties?: 'half' | 'skip') {
  const pairs = rankingPairs(rankings, { ties });
  return {
    scores: input(scores),
    better: input([...pairs.better], 'int32'),
    worse: input([...pairs.worse], 'int32'),
    weights: input([...pairs.weights]),
    targets: input([...pairs.targets]),
    normaliser: input(pairs.rankings),
  } satisfies EvaluateOptions['inputs'];
}

/** −log σ(x), by its plain definition. */
const cost = (x: number): number => Math.log(1 + Math.exp(-x));

describe('bradleyTerryLoss against TRL 1.13.0', () => {
  // The scores behind the golden cases, as their gradients and metrics determine them: chosen 1 and 0.2,
  // rejected 0.3 and 0.9; margins 0.1 and 0.5.
  const inputs = {
    scores: input([1, 0.2, 0.3, 0.9]),
    better: input([0, 1], 'int32'),
    worse: input([2, 3], 'int32'),
  };
  const cases = [
    { name: 'reward/plain', inputs, settings: {} },
    { name: 'reward/margin', inputs: { ...inputs, margins: input([0.1, 0.5]) }, settings: {} },
    { name: 'reward/center0.01', inputs, settings: { centreCoefficient: 0.01 } },
  ];

  it.skipIf(!goldenPolicyLosses).each(cases)('$name', async ({ name, inputs, settings }) => {
    const golden = goldenPolicyLosses!.cases[name];
    for (const precision of ['float32', 'float64'] as const) {
      const options = { inputs, build: build(settings), by: ['scores'], precision };
      const { scalars, gradients } = await evaluate(options);
      expect(Math.abs(scalars.loss - golden.loss)).toBeLessThan(1e-5);
      golden.grad!.flat().forEach((value, i) => {
        expect(Math.abs(gradients.scores[i] - value)).toBeLessThan(1e-5);
      });
      for (const [ours, theirs] of Object.entries(trlMetricNames.reward)) {
        expect(scalars[ours], ours).toBeCloseTo(golden.metrics[theirs], 5);
      }
    }
  });
});

describe('bradleyTerryLoss', () => {
  it('averages all pairs of a ranking and then rankings, by hand', async () => {
    // Scores 2, 1, 0 in the right order: gaps 1, 2, 1. Scores 0, 3 in the wrong order: gap −3.
    const inputs = rankedInputs(
      [2, 1, 0, 0, 3],
      [
        [1, 2, 3],
        [1, 2],
      ],
    );
    const { scalars } = await evaluate({ inputs, build: build() });
    expect(scalars.loss).toBeCloseTo(((cost(1) + cost(2) + cost(1)) / 3 + cost(-3)) / 2, 6);
    expect(scalars.margin).toBeCloseTo((4 / 3 - 3) / 2, 6);
    expect(scalars).toMatchObject({ correct: 3, decided: 4, accuracy: 0.75 });
  });

  it('pulls tied responses together, or skips them', async () => {
    const half = await evaluate({ inputs: rankedInputs([2, 0.5], [[1, 1]]), build: build(), by: ['scores'] });
    expect(half.scalars.loss).toBeCloseTo(0.5 * cost(1.5) + 0.5 * cost(-1.5), 6);
    expect(half.gradients.scores[0]).toBeGreaterThan(0);
    expect(half.gradients.scores[1]).toBeLessThan(0);
    expect(half.scalars.decided).toBe(0);
    expect(rankingPairs([[1, 1]], { ties: 'skip' }).empty).toEqual([0]);
  });

  it('takes soft labels, label smoothing and margins, by hand', async () => {
    // d = 1.2 − 0.2 = 1; target 0.8 smoothed by 0.1: 0.8 · 0.9 + 0.2 · 0.1 = 0.74
    const { scalars } = await evaluate({
      inputs: {
        scores: input([1.2, 0]),
        better: input([0], 'int32'),
        worse: input([1], 'int32'),
        targets: input([0.8]),
        margins: input([0.2]),
      },
      build: build({ labelSmoothing: 0.1 }),
    });
    expect(scalars.loss).toBeCloseTo(0.74 * cost(1) + 0.26 * cost(-1), 6);
  });

  it('neither overflows nor loses its gradient at huge gaps, also in float32', async () => {
    const inputs = rankedInputs([-20_000, 20_000], [[1, 2]]);
    const options = { inputs, build: build(), by: ['scores'], precision: 'float32' } as const;
    const { scalars, gradients } = await evaluate(options);
    expect(scalars.loss).toBeCloseTo(40_000, 0);
    expect(gradients.scores).toEqual([-1, 1]);
  });

  it('has the gradients of finite differences with every option on', async () => {
    const inputs = {
      ...rankedInputs(
        [0.3, -1, 0.8, 0.1, 2, -0.4],
        [
          [2, 1, 2],
          [null, 3, 1],
        ],
      ),
      margins: input([0.1, 0, 0.5, 0.2]),
    };
    const options = {
      inputs,
      build: build({ labelSmoothing: 0.1, centreCoefficient: 0.05 }),
      by: ['scores'],
    };
    expect(await gradientGap(options)).toBeLessThan(1e-6);
  });

  it('does not depend on how rankings are batched', async () => {
    const scores = [0.3, -1, 0.8, 0.1, 2, -0.4, 1];
    const rankings = [
      [1, 2, 3],
      [2, 1],
      [1, 1],
    ];
    const whole = await evaluate({ inputs: rankedInputs(scores, rankings), build: build() });
    let total = 0;
    let offset = 0;
    for (const ranks of rankings) {
      const own = scores.slice(offset, (offset += ranks.length));
      const inputs = { ...rankedInputs(own, [ranks]), normaliser: input(rankings.length) };
      total += (await evaluate({ inputs, build: build() })).scalars.loss;
    }
    expect(total).toBeCloseTo(whole.scalars.loss, 7);
  });

  it('refuses settings that cannot be meant', () => {
    expect(() => bradleyTerryLoss({ labelSmoothing: 0.5 } as never)).toThrow(
      /labelSmoothing 0.5 must lie in/,
    );
  });
});

describe('rankingPairs', () => {
  it('makes K (K − 1) / 2 pairs that add up to one ranking', () => {
    const { better, worse, weights, rankings } = rankingPairs([[4, 3, 2, 1]]);
    expect(better).toHaveLength(6);
    better.forEach((b, i) => void expect(b).toBeGreaterThan(worse[i])); // later responses are ranked better here
    expect(weights.reduce((a, b) => a + b)).toBeCloseTo(1, 6);
    expect(rankings).toBe(1);
  });

  it('leaves out what was not judged but keeps its place', () => {
    const pairs = rankingPairs([
      [null, 2],
      [2, null, 1],
    ]);
    expect([...pairs.better]).toEqual([4]);
    expect([...pairs.worse]).toEqual([2]);
    expect(pairs).toMatchObject({ rankings: 1, empty: [0] });
  });

  it('lets soft labels count instead of the ranks', () => {
    const soft = [
      [null, 0.9, null],
      [0.1, null, 0.5],
      [null, 0.5, null],
    ];
    const both = rankingPairs(
      [
        [2, 1, 1],
        [1, 2],
      ],
      { preferences: [soft] },
    );
    expect(Array.from(both.better)).toEqual([0, 1, 3]);
    expect(Array.from(both.worse)).toEqual([1, 2, 4]);
    // 0.9 for (0, 1), nothing for (0, 2), level for (1, 2); the second ranking has no soft labels.
    expect(both.targets).toEqual(Float32Array.from([0.9, 0.5, 1]));
    const decided = rankingPairs([[2, 1, 1]], { preferences: [soft], ties: 'skip' });
    expect([Array.from(decided.better), decided.targets]).toEqual([[0], Float32Array.from([0.9])]);
    expect(
      rankingPairs([[1, 2]], {
        preferences: [
          [
            [null, 0.25],
            [0.75, null],
          ],
        ],
      }),
    ).toMatchObject({
      better: Int32Array.from([1]),
      targets: Float32Array.from([0.75]),
    });
    expect(() =>
      rankingPairs([[1, 2]], {
        preferences: [
          [
            [null, 2],
            [-1, null],
          ],
        ],
      }),
    ).toThrow('ranking 0 must be 2 × 2');
  });

  it('names every bad rank at once', () => {
    expect(() =>
      rankingPairs([
        [1, 0],
        [1.5, 2],
      ]),
    ).toThrow(/ranking 0, response 1: 0; ranking 1, response 0: 1.5/);
  });
});

describe('plackettLuceLoss', () => {
  const run = (scores: readonly number[], rankings: readonly Ranks[], by: string[] = []) => {
    const choices = rankingChoices(rankings);
    const cells = (values: ArrayLike<number>): number[][] =>
      Array.from(choices.chosen, (_, s) =>
        Array.from(values).slice(s * choices.width, (s + 1) * choices.width),
      );
    const options = {
      inputs: {
        scores: input(scores),
        chosen: input([...choices.chosen], 'int32'),
        candidates: input(cells(choices.candidates), 'int32'),
        isCandidate: input(cells(choices.isCandidate)),
        weights: input([...choices.weights]),
      },
      build: (tensors: Record<string, Tensor>) => ({ loss: plackettLuceLoss(tensors as never) }),
      by,
    } satisfies EvaluateOptions;
    return options;
  };

  it('is by hand for three responses', async () => {
    // First among all three, second among the last two; averaged over the two choices.
    const [a, b, c] = [0.5, 1.5, -1].map(Math.exp);
    const { scalars } = await evaluate(run([0.5, 1.5, -1], [[1, 2, 3]]));
    expect(scalars.loss).toBeCloseTo((-Math.log(a / (a + b + c)) - Math.log(b / (b + c))) / 2, 9);
  });

  it('is Bradley–Terry for two responses', async () => {
    const { scalars } = await evaluate(
      run(
        [0.7, -0.4, 3, 1],
        [
          [2, 1],
          [1, 2],
        ],
      ),
    );
    expect(scalars.loss).toBeCloseTo((cost(-1.1) + cost(2)) / 2, 9);
  });

  it('chooses tied responses from the same set', () => {
    const { chosen, candidates, isCandidate, width } = rankingChoices([[1, 1, null, 2]]);
    expect(width).toBe(3);
    expect([...chosen]).toEqual([0, 1]);
    expect([...candidates]).toEqual([0, 1, 3, 0, 1, 3]);
    expect([...isCandidate]).toEqual([1, 1, 1, 1, 1, 1]);
  });

  it('has the gradients of finite differences, fillings included', async () => {
    const options = run(
      [0.5, 1.5, -1, 0.2, 0.9],
      [
        [1, 2, 3],
        [2, 1],
      ],
      ['scores'],
    );
    expect(await gradientGap(options)).toBeLessThan(1e-6);
  });
});
