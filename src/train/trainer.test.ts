import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  buildModelGraph,
  countedLogProbs,
  countedTargets,
  type ModelGraph,
  type ParameterStore,
} from '../model/index.ts';
import { tinyModel } from '../model/testing/tiny-model.ts';
import { crossEntropyLoss } from '../objective/index.ts';
import { add, type Feeds, multiply, sqrt, square, sum, type Tensor } from '../tensor/index.ts';
import { padSequences, type Sequence, tokenFeeds } from './sequences.ts';
import { temporaryFolder } from './testing/context.ts';
import { scalarFeed, Trainer, type TrainerOptions } from './trainer.ts';

const sequences: Sequence[] = [
  { prompt: [1, 2, 3], response: [4, 5] },
  { prompt: [6], response: [7, 8, 9, 10, 11, 12, 13, 14, 15] },
  { prompt: [16, 17], response: [18, 19, 20, 21] },
];
const total = 2 + 9 + 4;

function feedsOf(rows: readonly Sequence[], normaliser = total): Feeds {
  const batch = padSequences(rows);
  const { rows: hidden, targets } = countedTargets(batch);
  return {
    ...tokenFeeds(batch),
    rows: hidden,
    targets,
    counted: new Float32Array(targets.length).fill(1),
    normaliser: scalarFeed(normaliser),
  };
}

async function makeTrainer(
  options: Partial<TrainerOptions> = {},
  extra: (model: ModelGraph, loss: Tensor) => Tensor = (_, loss) => loss,
): Promise<{ trainer: Trainer; parameters: ParameterStore; folder: string }> {
  const { config, parameters } = tinyModel();
  const model = buildModelGraph(config, parameters);
  const { loss, metrics } = crossEntropyLoss({
    logProbs: countedLogProbs(model).logProbs,
    counted: model.graph.input('counted', 'real', ['N']),
    normaliser: model.graph.input('normaliser', 'real', []),
  });
  const folder = temporaryFolder();
  const all = { threads: 1, folder, ...options };
  const trainer = await Trainer.create(model, extra(model, loss), metrics, parameters, all);
  return { trainer, parameters, folder };
}

/** Nearly plain gradient descent, lr · gradient, so that updates are proportional to gradients. */
const descent = { betas: [0, 0], eps: 1e6, maxGradNorm: null } as const;
const descentRate = 1e6 * 0.1;

function movement(before: Float32Array, after: Float32Array): number {
  return Math.sqrt(after.reduce((all, value, i) => all + (value - before[i]) ** 2, 0));
}

describe('Trainer', () => {
  it('updates the same whether a batch comes whole or in micro-batches', async () => {
    const whole = await makeTrainer(descent);
    const cut = await makeTrainer(descent);
    const before = whole.parameters.values.slice();
    const a = await whole.trainer.step([feedsOf(sequences)], descentRate);
    const b = await cut.trainer.step(
      sequences.map((sequence) => feedsOf([sequence])),
      descentRate,
    );
    expect(b.loss).toBeCloseTo(a.loss, 5);
    expect(b.crossEntropy).toBeCloseTo(a.crossEntropy, 5);
    expect(b.gradNorm / a.gradNorm).toBeCloseTo(1, 5);
    const moved = movement(before, whole.parameters.values);
    expect(moved).toBeGreaterThan(0.01);
    expect(movement(whole.parameters.values, cut.parameters.values) / moved).toBeLessThan(1e-5);
  });

  it('lowers the loss', async () => {
    const { trainer } = await makeTrainer();
    const losses: number[] = [];
    for (let i = 0; i < 12; i++) losses.push((await trainer.step([feedsOf(sequences)], 0.02)).loss);
    expect(losses[11]).toBeLessThan(losses[0] - 1);
  });

  it('scales gradients down to maxGradNorm and reports their norm before', async () => {
    const free = await makeTrainer(descent);
    const before = free.parameters.values.slice();
    const { gradNorm } = await free.trainer.step([feedsOf(sequences)], descentRate);
    // Plain descent moves by 0.1 · ‖gradient‖, so the reported norm can be checked against the parameters.
    expect(movement(before, free.parameters.values) / (0.1 * gradNorm)).toBeCloseTo(1, 3);

    const clipped = await makeTrainer({ ...descent, maxGradNorm: gradNorm / 4 });
    const result = await clipped.trainer.step([feedsOf(sequences)], descentRate);
    expect(result.gradNorm).toBeCloseTo(gradNorm, 4);
    expect(movement(before, clipped.parameters.values) / (0.1 * gradNorm)).toBeCloseTo(1 / 4, 3);
  });

  it('stops on a loss that is not finite: parameters stay, the batch is saved, the next step is unspoilt', async () => {
    const { trainer, parameters, folder } = await makeTrainer(descent);
    const before = parameters.values.slice();
    const broken = feedsOf(sequences, 0); // divided by 0 tokens
    const path = join(folder, 'broken-batch.json');
    await expect(trainer.step([feedsOf(sequences), broken], descentRate)).rejects.toThrow(
      `Training broke down: the loss is Infinity. The parameters are as before this step and the batch is in ${path}.`,
    );
    expect(parameters.values).toEqual(before);
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({
      ids: {
        shape: [3, 16],
        data: [1, 2, 3, 4, 5, ...new Array(11).fill(0), 6, 7, ...new Array(30).fill(expect.anything())],
      },
      normaliser: { data: [0] },
    });

    const fresh = await makeTrainer(descent);
    await fresh.trainer.step([feedsOf(sequences)], descentRate);
    await trainer.step([feedsOf(sequences)], descentRate);
    expect(parameters.values).toEqual(fresh.parameters.values);
  });

  it('stops on a gradient that is not finite and names its tensor', async () => {
    // √(0 · ‖w‖²) is 0, but its derivative is ∞ · 0.
    const { trainer, parameters, folder } = await makeTrainer({}, (model, loss) =>
      add(loss, sqrt(multiply(sum(square(model.weights.tensor('model.norm.weight'))), 0))),
    );
    const before = parameters.values.slice();
    await expect(trainer.step([feedsOf(sequences)], 0.1)).rejects.toThrow(
      'the gradient of model.norm.weight has 16 values that are NaN or infinite. The parameters are',
    );
    expect(parameters.values).toEqual(before);
    expect(trainer.state.step).toBe(0);
    const [batch] = JSON.parse(await readFile(join(folder, 'broken-batch.json'), 'utf8'));
    expect(batch.targets).toHaveLength(total);
  });

  it('decays matrices and spares vectors', async () => {
    const { trainer, parameters } = await makeTrainer({ ...descent, eps: 1e30, weightDecay: 0.5 });
    const before = parameters.clone();
    await trainer.step([feedsOf(sequences)], 0.1); // eps leaves nothing of the gradient; decay 0.5 · 0.1 = 5 %
    for (const name of parameters.names) {
      const factor = parameters.shapeOf(name).length < 2 ? 1 : 0.95;
      const expected = before.view(name).map((value) => value * factor);
      for (const [i, value] of parameters.view(name).entries()) expect(value).toBeCloseTo(expected[i], 6);
    }
  });
});
