import { describe, expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import {
  divide,
  gatherElements,
  log,
  logSoftmax,
  multiply,
  negate,
  reshape,
  softmax,
  split,
  square,
  sum,
  type Tensor,
} from '../tensor/index.ts';
import { type DpoOptions, dpoLoss } from './dpo.ts';
import { type DpoLossType, pairLosses } from './dpo-losses.ts';
import { divergenceScores, type FDivergence } from './f-divergence.ts';
import { trlMetricNames } from './metric-names.ts';
import { lengthDesensitisedWeights, onPolicyWeights } from './pair-weights.ts';
import { sortAscending } from './sort.ts';
import { type EvaluateOptions, evaluate, gradientGap, input } from './testing/evaluate.ts';
import { goldenPreferenceLosses } from './testing/golden.ts';
import { gridLayout } from './token-layout.ts';

type Settings = Partial<DpoOptions>;

describe.skipIf(!goldenPreferenceLosses)('DPO against TRL 1.13.0', () => {
  const golden = goldenPreferenceLosses ?? {
    logits: [],
    input_ids: [],
    completion_mask: [],
    ref_chosen_logps: [],
    ref_rejected_logps: [],
  };
  const [rows, width, vocabulary] = [4, 5, 5]; // chosen, chosen, rejected, rejected; positions that predict a token
  const mask = golden.completion_mask.map((row) => row.slice(1));

  const inputs = (weights: number[][]): EvaluateOptions['inputs'] => ({
    logits: input(golden.logits.map((row) => row.slice(0, -1))),
    targets: input(
      golden.input_ids.map((row) => row.slice(1)),
      'int64',
    ),
    counted: input(mask),
    weights: input(weights),
    referenceChosenLogProbs: input(golden.ref_chosen_logps),
    referenceRejectedLogProbs: input(golden.ref_rejected_logps),
  });

  const build =
    (settings: Settings, useOnPolicyWeights = false) =>
    (t: Record<string, Tensor>): Record<string, Tensor> => {
      const tokens = gridLayout(t.counted);
      const flat = reshape(t.logits, [rows * width, vocabulary]);
      const chosenOf = gatherElements(logSoftmax(flat), reshape(t.targets, [rows * width, 1]), 1);
      const logProbs = reshape(chosenOf, [rows, width]);
      const halves = (values: Tensor): Tensor[] => split(values, 0, [rows / 2, rows / 2]);
      const [chosenLogProbs, rejectedLogProbs] = halves(tokens.sumPerSequence(multiply(logProbs, t.weights)));
      const [chosenLengths, rejectedLengths] = halves(tokens.lengths);
      const [chosenSums] = halves(tokens.sumPerSequence(logProbs));
      let pairWeights: Tensor | undefined;
      if (useOnPolicyWeights) {
        const logSquaredSum = reshape(log(sum(square(softmax(flat)), { axes: [-1] })), [rows, width]);
        const [chosen, rejected] = halves(onPolicyWeights({ tokens, logProbs, logSquaredSum }));
        pairWeights = multiply(chosen, rejected);
      }
      const { loss, metrics } = dpoLoss({
        chosenLogProbs,
        rejectedLogProbs,
        referenceChosenLogProbs: t.referenceChosenLogProbs,
        referenceRejectedLogProbs: t.referenceRejectedLogProbs,
        chosenLengths,
        rejectedLengths,
        chosenCrossEntropy: negate(divide(sum(chosenSums), sum(chosenLengths))),
        pairWeights,
        ...settings,
      });
      return { loss, ...(metrics as object as Record<string, Tensor>) };
    };

  // The settings behind the golden cases: β 0.1; smoothing 1e-3 for exo_pair, 0.1 where else it is used.
  const one = (type: DpoLossType, labelSmoothing = 0): Settings => ({
    losses: [{ type, weight: 1 }],
    labelSmoothing,
  });
  const divergence = (fDivergenceType: FDivergence): Settings => ({ fDivergenceType });
  const cases: [string, Settings][] = [
    ...(
      [
        'sigmoid',
        'hinge',
        'ipo',
        'nca_pair',
        'bco_pair',
        'sppo_hard',
        'apo_zero',
        'apo_down',
        'discopop',
        'sft',
        'sigmoid_norm',
      ] as const
    ).map((type): [string, Settings] => [type, one(type)]),
    ['exo_pair', one('exo_pair', 1e-3)],
    ...(['robust', 'aot', 'aot_unpaired'] as const).map((type): [string, Settings] => [type, one(type, 0.1)]),
    ['sigmoid/forward_kl', divergence('forward_kl')],
    ['sigmoid/js_divergence', divergence('js_divergence')],
    ['sigmoid/alpha_divergence', divergence('alpha_divergence')],
    ['sigmoid/ld0.5', {}],
    ['sigmoid/wpo', {}],
    [
      'mpo',
      {
        losses: [
          { type: 'sigmoid', weight: 0.8 },
          { type: 'bco_pair', weight: 0.2 },
          { type: 'sft', weight: 1 },
        ],
      },
    ],
  ];
  it.each(cases)('%s', async (name, settings) => {
    let weights = mask;
    if (name === 'sigmoid/ld0.5') {
      const { chosen, rejected } = lengthDesensitisedWeights({
        chosenCounted: Uint8Array.from(mask.slice(0, 2).flat()),
        rejectedCounted: Uint8Array.from(mask.slice(2).flat()),
        pairs: 2,
        alpha: 0.5,
      });
      const flat = [...chosen, ...rejected];
      weights = mask.map((_, row) => flat.slice(row * width, (row + 1) * width));
    }
    const { loss, grad_norm, metrics } = goldenPreferenceLosses!.cases[name];
    for (const precision of ['float32', 'float64'] as const) {
      const { scalars, gradients } = await evaluate({
        inputs: inputs(weights),
        build: build(settings, name === 'sigmoid/wpo'),
        by: ['logits'],
        precision,
      });
      // Losses range up to 52: 1e-5 relative there, absolute below 1.
      expect(Math.abs(scalars.loss - loss) / Math.max(1, loss), 'loss').toBeLessThan(1e-5);
      const norm = Math.hypot(...gradients.logits);
      expect(Math.abs(norm - grad_norm!) / Math.max(1, grad_norm!), 'gradient').toBeLessThan(1e-5);
      for (const [ours, theirs] of Object.entries(trlMetricNames.preference)) {
        if (!(theirs in metrics)) continue;
        expect(Math.abs(scalars[ours] - metrics[theirs]), ours).toBeLessThan(1e-5);
      }
    }
  });

  it('knows every golden case of the file', () => {
    expect(cases.map(([name]) => name).sort()).toEqual(Object.keys(goldenPreferenceLosses!.cases).sort());
  });
});

const random = new Random(5);
const draw = (): number[] => Array.from({ length: 3 }, () => -4 + random.normal());
const pairs = {
  chosenLogProbs: input(draw()),
  rejectedLogProbs: input(draw()),
  referenceChosenLogProbs: input(draw()),
  referenceRejectedLogProbs: input(draw()),
  chosenLengths: input([3, 5, 2]),
  rejectedLengths: input([4, 1, 2]),
} satisfies EvaluateOptions['inputs'];

const buildPairs =
  (settings: Settings) =>
  (t: Record<string, Tensor>): Record<string, Tensor> => ({
    loss: dpoLoss({ ...(t as never as DpoOptions), ...settings }).loss,
  });

describe('dpoLoss', () => {
  it('is by hand: β 0.5, Δ = 2', async () => {
    const { scalars, gradients } = await evaluate({
      inputs: {
        chosenLogProbs: input([-3]),
        rejectedLogProbs: input([-6]),
        referenceChosenLogProbs: input([-4]),
        referenceRejectedLogProbs: input([-5]),
      },
      build: (t) => {
        const { loss, metrics } = dpoLoss({ ...(t as never as DpoOptions), beta: 0.5 });
        return { loss, ...(metrics as object as Record<string, Tensor>) };
      },
      by: ['chosenLogProbs', 'rejectedLogProbs'],
    });
    expect(scalars.loss).toBeCloseTo(Math.log(1 + Math.exp(-1)), 9);
    expect(gradients.chosenLogProbs[0]).toBeCloseTo(-0.5 / (1 + Math.E), 9);
    expect(gradients.rejectedLogProbs[0]).toBeCloseTo(0.5 / (1 + Math.E), 9);
    expect(scalars).toMatchObject({ rewardsChosen: 0.5, rewardsRejected: -0.5, rewardsMargins: 1 });
  });

  it('cdpo is the expected loss under labels flipped with probability ε, by hand', async () => {
    const sigmoid = (await evaluate({ inputs: pairs, build: buildPairs({}) })).scalars.loss;
    const swapped = {
      ...pairs,
      chosenLogProbs: pairs.rejectedLogProbs,
      rejectedLogProbs: pairs.chosenLogProbs,
      referenceChosenLogProbs: pairs.referenceRejectedLogProbs,
      referenceRejectedLogProbs: pairs.referenceChosenLogProbs,
    };
    const flipped = (await evaluate({ inputs: swapped, build: buildPairs({}) })).scalars.loss;
    const settings: Settings = { losses: [{ type: 'cdpo', weight: 1 }], labelSmoothing: 0.2 };
    const { scalars } = await evaluate({ inputs: pairs, build: buildPairs(settings) });
    expect(scalars.loss).toBeCloseTo(0.8 * sigmoid + 0.2 * flipped, 9);
  });

  const types = Object.keys(pairLosses) as (keyof typeof pairLosses)[];
  it.each(types)('%s has the gradients of finite differences', async (type) => {
    const settings: Settings = { losses: [{ type, weight: 0.7 }], labelSmoothing: 0.1, beta: 0.4 };
    const by = ['chosenLogProbs', 'rejectedLogProbs'];
    expect(await gradientGap({ inputs: pairs, build: buildPairs(settings), by })).toBeLessThan(1e-6);
  });

  it.each(types.filter((type) => !type.startsWith('aot')))(
    '%s adds up over micro-batches when given the number of pairs',
    async (type) => {
      const settings: Settings = { losses: [{ type, weight: 1 }], labelSmoothing: 0.1 };
      const whole = await evaluate({ inputs: pairs, build: buildPairs(settings) });
      let total = 0;
      for (let i = 0; i < 3; i++) {
        const one = Object.fromEntries(
          Object.entries(pairs).map(([name, { data }]) => [name, input([data[i]])]),
        );
        const inputs = { ...one, pairTotal: input(3) };
        const shapes = Object.fromEntries(Object.keys(one).map((name) => [name, ['P']]));
        total += (await evaluate({ inputs, build: buildPairs(settings), shapes })).scalars.loss;
      }
      expect(total).toBeCloseTo(whole.scalars.loss, 9);
    },
  );

  it.each(types)('%s stays finite in float32 however far a pair is from its label', async (type) => {
    const far = {
      ...pairs,
      chosenLogProbs: input([-2500, -500, -1000]),
      rejectedLogProbs: input([-500, -2500, -1000]),
    };
    const { scalars, gradients } = await evaluate({
      inputs: far,
      build: buildPairs({ losses: [{ type, weight: 1 }], labelSmoothing: 0.1 }),
      by: ['chosenLogProbs', 'rejectedLogProbs'],
      precision: 'float32',
    });
    expect(scalars.loss).toBeLessThan(1e9);
    expect(Object.values(gradients).flat().every(Number.isFinite)).toBe(true);
  });

  it('names everything that is missing', () => {
    const losses: DpoOptions['losses'] = [
      { type: 'ipo', weight: 1 },
      { type: 'exo_pair', weight: 1 },
      { type: 'sft', weight: 1 },
    ];
    expect(() => dpoLoss({ losses, beta: 0 } as DpoOptions)).toThrow(
      /beta 0 must be above 0; exo_pair.*labelSmoothing.*ipo need chosenLengths.*sft needs chosenCrossEntropy/,
    );
  });
});

describe('divergenceScores', () => {
  // f′ by its definition at u = 2 and u = ½.
  it.each([
    ['reverse_kl', 0.5, [Math.log(2), -Math.log(2)]],
    ['forward_kl', 0.5, [1 - 1 / 2, 1 - 2]],
    ['js_divergence', 0.5, [Math.log(4 / 3), Math.log(2 / 3)]],
    ['alpha_divergence', 0.5, [(2 ** -0.5 - 1) / -0.5, (0.5 ** -0.5 - 1) / -0.5]],
    ['alpha_divergence', 1, [Math.log(2), -Math.log(2)]],
  ] as const)('%s (alpha %f) is by hand', async (type, alpha, expected) => {
    const { values } = await evaluate({
      inputs: { x: input([Math.log(2), -Math.log(2)]) },
      build: ({ x }) => ({ scores: divergenceScores(x, type, alpha) }),
    });
    expected.forEach((value, i) => void expect(values.scores[i]).toBeCloseTo(value, 6));
  });

  it.each(['forward_kl', 'alpha_divergence'] as const)('%s stays finite in float32', async (type) => {
    const { values } = await evaluate({
      inputs: { x: input([-500, 500]) },
      build: ({ x }) => ({ scores: divergenceScores(x, type, 0.5) }),
      precision: 'float32',
    });
    expect(values.scores.every(Number.isFinite)).toBe(true);
  });
});

describe('lengthDesensitisedWeights', () => {
  it('weighs what lies beyond the shorter response, wherever the responses stand', () => {
    const { chosen, rejected } = lengthDesensitisedWeights({
      chosenCounted: Uint8Array.of(0, 1, 1, 1, /* */ 1, 0, 0, 0),
      rejectedCounted: Uint8Array.of(1, 1, /* */ 1, 1),
      pairs: 2,
      alpha: 0.25,
    });
    expect([...chosen]).toEqual([0, 1, 1, 0.25, /* */ 1, 0, 0, 0]);
    expect([...rejected]).toEqual([1, 1, /* */ 1, 0.25]);
  });
});

describe('sortAscending', () => {
  it('sorts, and sends each gradient back to where its value came from', async () => {
    const { values, gradients } = await evaluate({
      inputs: { x: input([3, -1, 2]), weights: input([10, 20, 30]) },
      build: ({ x, weights }) => {
        const sorted = sortAscending(x);
        return { sorted, loss: sum(multiply(sorted, weights)) };
      },
      by: ['x'],
      shapes: { x: ['P'], weights: ['P'] },
    });
    expect(values.sorted).toEqual([-1, 2, 3]);
    expect(gradients.x).toEqual([30, 10, 20]);
  });
});
