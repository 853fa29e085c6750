import { describe, expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import type { Tensor } from '../tensor/index.ts';
import { type GrpoLossType, type GrpoOptions, grpoLoss } from './grpo.ts';
import { trlMetricNames } from './metric-names.ts';
import { rlooLoss } from './rloo.ts';
import { type EvaluateOptions, type Evaluation, evaluate, gradientGap, input } from './testing/evaluate.ts';
import { goldenPolicyLosses } from './testing/golden.ts';
import { gridLayout, packedLayout } from './token-layout.ts';

type Settings = Omit<
  GrpoOptions,
  'tokens' | 'logProbs' | 'oldLogProbs' | 'advantages' | 'referenceLogProbs' | 'entropy'
>;
type Inputs = EvaluateOptions['inputs'];

const gridBuild =
  (settings: Settings, use: readonly ('importanceWeights' | 'keepTokens')[] = []) =>
  (t: Record<string, Tensor>): Record<string, Tensor> => {
    const { loss, metrics } = grpoLoss({
      ...settings,
      tokens: gridLayout(t.counted),
      logProbs: t.logProbs,
      oldLogProbs: t.oldLogProbs,
      referenceLogProbs: t.referenceLogProbs,
      advantages: t.advantages,
      entropy: t.entropy,
      ...Object.fromEntries(use.map((name) => [name, t[name]])),
    });
    return { loss, ...(metrics as object as Record<string, Tensor>) };
  };

function expectGolden(result: Evaluation, name: string): void {
  const golden = goldenPolicyLosses!.cases[name];
  expect(Math.abs(result.scalars.loss - golden.loss), 'loss').toBeLessThan(1e-5);
  golden.grad!.flat().forEach((value, i) => {
    expect(Math.abs(result.gradients.logProbs[i] - value), `gradient ${i}`).toBeLessThan(1e-5);
  });
  let shared = 0;
  for (const [ours, theirs] of Object.entries(trlMetricNames.groupPolicy)) {
    if (!(theirs in golden.metrics)) continue;
    expect(Math.abs(result.scalars[ours] - golden.metrics[theirs]), ours).toBeLessThan(1e-5);
    shared++;
  }
  expect(shared).toBe(Object.keys(golden.metrics).length);
}

describe.skipIf(!goldenPolicyLosses)('GRPO against TRL 1.13.0', () => {
  const golden = goldenPolicyLosses ?? { lp: [], old: [], ref: [], ent: [], mask: [], adv: [], isr: [] };
  const inputs = (): Inputs => ({
    logProbs: input(golden.lp),
    oldLogProbs: input(golden.old),
    referenceLogProbs: input(golden.ref),
    entropy: input(golden.ent),
    counted: input(golden.mask),
    advantages: input(golden.adv),
    importanceWeights: input(golden.isr),
  });
  // The settings behind the golden cases: β 0.04, ε 0.2, at most 8 tokens, cispo's cap 5.
  const usual = { beta: 0.04, epsilon: 0.2, maxCompletionLength: 8 };
  const lossTypes: GrpoLossType[] = ['grpo', 'bnpo', 'dr_grpo', 'dapo', 'cispo', 'sapo', 'vespo'];
  const cases: [string, Settings, ('importanceWeights' | 'keepTokens')[]?][] = [
    ...lossTypes.map((lossType): [string, Settings] => [`grpo/${lossType}`, { ...usual, lossType }]),
    ['grpo/luspo', { ...usual, lossType: 'luspo', importanceSamplingLevel: 'sequence' }],
    ['grpo/grpo+seq(GSPO)', { ...usual, lossType: 'grpo', importanceSamplingLevel: 'sequence' }],
    ['grpo/dapo_cliphigher0.28_beta0', { lossType: 'dapo', epsilonHigh: 0.28 }],
    ['grpo/grpo_delta1.05', { ...usual, lossType: 'grpo', epsilonHigh: 0.02, delta: 1.05 }],
    ['grpo/dapo_vllmIS', { ...usual, lossType: 'dapo' }, ['importanceWeights']],
    ['grpo/dapo_offpolicy-0.1', { ...usual, lossType: 'dapo', offPolicyMaskThreshold: -0.1 }],
    ['grpo/grpo_nobias_kl', { ...usual, lossType: 'grpo', useBiasCorrectionKl: false }],
  ];

  it.each(cases)('%s', async (name, settings, use = []) => {
    for (const precision of ['float32', 'float64'] as const) {
      const build = gridBuild(settings, use);
      expectGolden(await evaluate({ inputs: inputs(), build, by: ['logProbs'], precision }), name);
    }
  });

  it('rloo', async () => {
    const build = (t: Record<string, Tensor>): Record<string, Tensor> => {
      const tokens = gridLayout(t.counted);
      const { logProbs, oldLogProbs, advantages, entropy } = t;
      const { loss, metrics } = rlooLoss({ tokens, logProbs, oldLogProbs, advantages, entropy });
      return { loss, ...(metrics as object as Record<string, Tensor>) };
    };
    expectGolden(await evaluate({ inputs: inputs(), build, by: ['logProbs'] }), 'rloo');
  });

  it('knows every golden case of the file', () => {
    const known = [
      ...cases.map(([name]) => name),
      'rloo',
      'reward/plain',
      'reward/margin',
      'reward/center0.01',
    ];
    expect(known.sort()).toEqual(Object.keys(goldenPolicyLosses!.cases).sort());
  });
});

describe('GRPO losses', () => {
  const random = new Random(11);
  const [rows, width] = [3, 4];
  const lengths = [4, 2, 3];
  const draw = (shift: number): number[][] =>
    Array.from({ length: rows }, () => Array.from({ length: width }, () => shift + 0.4 * random.normal()));
  const mask = lengths.map((length) => Array.from({ length: width }, (_, t) => Number(t < length)));
  const grid: Inputs = {
    logProbs: input(draw(-1)),
    oldLogProbs: input(draw(-1)),
    referenceLogProbs: input(draw(-1)),
    entropy: input(draw(1)),
    counted: input(mask),
    advantages: input([0.7, -1.1, 0.4]),
    importanceWeights: input(draw(1)),
    keepTokens: input([
      [1, 0, 1, 1],
      [1, 1, 0, 0],
      [0, 1, 1, 0],
    ]),
  };
  const every = {
    beta: 0.1,
    epsilon: 0.2,
    epsilonHigh: 0.3,
    delta: 2,
    maxCompletionLength: 6,
    entropyCoefficient: 0.01,
    offPolicyMaskThreshold: 0.5,
  };
  const lossTypes: GrpoLossType[] = ['grpo', 'bnpo', 'dr_grpo', 'dapo', 'luspo', 'cispo', 'sapo', 'vespo'];
  const both = lossTypes.flatMap((lossType) =>
    (['token', 'sequence'] as const).map((importanceSamplingLevel) => ({
      lossType,
      importanceSamplingLevel,
    })),
  );

  // cispo and vespo hold their weights constant, which finite differences cannot know; their gradients are pinned
  // by the golden cases.
  it.each(both.filter(({ lossType }) => lossType !== 'cispo' && lossType !== 'vespo'))(
    '$lossType with one ratio per $importanceSamplingLevel has the gradients of finite differences',
    async (settings) => {
      const build = gridBuild({ ...every, ...settings }, ['importanceWeights', 'keepTokens']);
      expect(await gradientGap({ inputs: grid, build, by: ['logProbs', 'entropy'] })).toBeLessThan(1e-6);
    },
  );

  it.each(both)('$lossType ($importanceSamplingLevel) is the same packed as in a grid', async (settings) => {
    const flat = (name: string): number[] => grid[name].data.filter((_, i) => grid.counted.data[i] === 1);
    const packed: Inputs = {
      ...Object.fromEntries(
        ['logProbs', 'oldLogProbs', 'referenceLogProbs', 'entropy', 'importanceWeights', 'keepTokens'].map(
          (name) => [name, input([...flat(name), 0.3])], // one filling token at the end
        ),
      ),
      counted: input([...flat('counted'), 0]),
      sequence: input([...lengths.flatMap((length, row) => new Array(length).fill(row)), 0], 'int32'),
      advantages: grid.advantages,
    };
    const wanted = await evaluate({
      inputs: grid,
      build: gridBuild({ ...every, ...settings }, ['importanceWeights', 'keepTokens']),
      by: ['logProbs'],
    });
    const result = await evaluate({
      inputs: packed,
      build: (t) => {
        const { loss, metrics } = grpoLoss({
          ...every,
          ...settings,
          ...(t as never as GrpoOptions),
          tokens: packedLayout({ sequence: t.sequence, counted: t.counted, like: t.advantages }),
        });
        return { loss, ...(metrics as object as Record<string, Tensor>) };
      },
      by: ['logProbs'],
      shapes: { ...Object.fromEntries(Object.keys(packed).map((name) => [name, ['N']])), advantages: ['B'] },
    });
    for (const [name, value] of Object.entries(wanted.scalars)) {
      expect(result.scalars[name], name).toBeCloseTo(value, 9);
    }
    const kept = wanted.gradients.logProbs.filter((_, i) => grid.counted.data[i] === 1);
    [...kept, 0].forEach((value, i) => void expect(result.gradients.logProbs[i]).toBeCloseTo(value, 9));
  });

  it.each(lossTypes)('%s adds up over micro-batches when given the batch’s totals', async (lossType) => {
    const settings = { lossType, beta: 0.1, maxCompletionLength: 6, entropyCoefficient: 0.01 };
    const whole = await evaluate({ inputs: grid, build: gridBuild(settings, ['keepTokens']) });
    let total = 0;
    for (let row = 0; row < rows; row++) {
      const one: Inputs = Object.fromEntries(
        Object.entries(grid).map(([name, { data, shape, dtype }]) => {
          const size = shape.length === 2 ? width : 1;
          return [
            name,
            { data: data.slice(row * size, (row + 1) * size), shape: [1, ...shape.slice(1)], dtype },
          ];
        }),
      );
      const result = await evaluate({
        inputs: { ...one, tokenTotal: input(9), sequenceTotal: input(3), keepTotal: input(7) },
        build: (t) => {
          const { tokenTotal, sequenceTotal, keepTotal } = t;
          return gridBuild({ ...settings, tokenTotal, sequenceTotal, keepTotal }, ['keepTokens'])(t);
        },
      });
      total += result.scalars.loss;
    }
    expect(total).toBeCloseTo(whole.scalars.loss, 9);
  });

  it.each(['grid', 'packed'] as const)(
    'rloo has the gradients of finite differences in a %s',
    async (kind) => {
      const sequence = input(
        lengths.flatMap((_, row) => new Array(width).fill(row)),
        'int32',
      );
      const flat = ({ data, dtype }: Inputs[string]): Inputs[string] => ({
        data,
        shape: [data.length],
        dtype,
      });
      const tokensOf = (name: string): Inputs[string] => (kind === 'grid' ? grid[name] : flat(grid[name]));
      const inputs = {
        logProbs: tokensOf('logProbs'),
        oldLogProbs: tokensOf('oldLogProbs'),
        counted: tokensOf('counted'),
        advantages: grid.advantages,
        sequence,
      };
      const build = ({ logProbs, oldLogProbs, counted, advantages, sequence }: Record<string, Tensor>) => {
        const tokens =
          kind === 'grid' ? gridLayout(counted) : packedLayout({ sequence, counted, like: advantages });
        return { loss: rlooLoss({ tokens, logProbs, oldLogProbs, advantages, epsilon: 0.9 }).loss };
      };
      expect(await gradientGap({ inputs, build, by: ['logProbs'] })).toBeLessThan(1e-6);
    },
  );

  it('takes an unreported sampler log-probability as no evidence of drift', async () => {
    // Sequence 1 has a negative advantage: its mean drift decides whether it is left out.
    const run = async (first: number): Promise<number> => {
      const samplingLogProbs = {
        ...grid.logProbs,
        data: grid.logProbs.data.map((value, i) => (i === 4 ? first : i === 5 ? value + 1 : value)),
      };
      const { scalars } = await evaluate({
        inputs: { ...grid, samplingLogProbs },
        build: (t) => gridBuild({ offPolicyMaskThreshold: 0.3, samplingLogProbs: t.samplingLogProbs })(t),
      });
      return scalars.loss;
    };
    // Drifts (0 + 1) / 2 = 0.5 and (0 reported, 1) both exceed 0.3; a drift of −1 + 1 does not.
    expect(await run(Number.NaN)).toBe(await run(grid.logProbs.data[4]));
    expect(await run(grid.logProbs.data[4] - 1)).not.toBe(await run(Number.NaN));
  });

  it('does not read what is not counted', async () => {
    const dirty = (name: string): Inputs[string] => ({
      ...grid[name],
      data: grid[name].data.map((value, i) => (grid.counted.data[i] ? value : Number.NaN)),
    });
    const inputs = {
      ...grid,
      ...Object.fromEntries(
        ['logProbs', 'oldLogProbs', 'referenceLogProbs', 'entropy'].map((name) => [name, dirty(name)]),
      ),
    };
    for (const lossType of lossTypes) {
      const build = gridBuild({ lossType, beta: 0.1, maxCompletionLength: 6 });
      const clean = await evaluate({ inputs: grid, build, by: ['logProbs'] });
      expect(await evaluate({ inputs, build, by: ['logProbs'] })).toEqual(clean);
    }
  });

  it('names everything that is missing', () => {
    const options = { lossType: 'dr_grpo', beta: 0.1, epsilon: 2, delta: 0.5 } as GrpoOptions;
    expect(() => grpoLoss(options)).toThrow(
      /epsilon 2 must lie.*delta 0.5 must be.*beta needs referenceLogProbs.*maxCompletionLength/,
    );
  });
});
