/** Training steps as a share of the machine's matmul peak. */
import {
  type Benchmark,
  type BenchmarkSettings,
  peakResidentMegabytes,
  type Row,
  timeOf,
} from './benchmark.ts';
import { createSftStep, type StepBatch } from './sft-step.ts';
import { freshParameters, gigaflopOf, multipliedParameters, sizes } from './sizes.ts';
import { medianOf, Yardsticks } from './yardsticks.ts';

async function measure(
  settings: BenchmarkSettings,
  size: keyof typeof sizes,
  batch: StepBatch,
  plan: { readonly target: number; readonly repeats: number; readonly steps: number },
): Promise<Row[]> {
  const config = sizes[size];
  const parameters = freshParameters(config);
  const multiplied = multipliedParameters(config, parameters);
  const training = await createSftStep(config, parameters, batch, settings);
  const first = await training.step();
  await training.step(); // memory grows until a shape has come twice
  const resident = peakResidentMegabytes(); // before the yardsticks take their own
  const yardsticks = await Yardsticks.create(settings);
  const steps = settings.quick ? 1 : plan.steps;
  let loss = first;
  const results = await yardsticks.beside(settings.quick ? 1 : plan.repeats, () =>
    timeOf(async () => {
      for (let i = 0; i < steps; i++) loss = await training.step();
    }),
  );
  await yardsticks.release();
  await training.release();
  if (!(loss < first)) throw new Error(`the loss did not fall: ${first} to ${loss}`);
  const gigaflop = gigaflopOf(config, multiplied, batch);
  const milliseconds = medianOf(results, ({ result }) => result / steps);
  const share = (operations: number): number =>
    medianOf(results, ({ result, speed }) => operations / (result / steps / 1000) / speed.gigaflops);
  return [
    {
      what: `${size}, ${batch.rows}×${batch.length} tokens`,
      ratio: share(gigaflop),
      of: 'the matmul peak',
      target: { atLeast: plan.target },
      measured: {
        'million parameters': parameters.count / 1e6,
        ...(multiplied === parameters.count
          ? {}
          : {
              'share with the looked-up embedding counted as a product': share(
                gigaflopOf(config, parameters.count, batch),
              ),
            }),
        'ms per step': milliseconds,
        'tokens/s': (batch.rows * batch.length * 1000) / milliseconds,
        'peak GFLOP/s': medianOf(results, ({ speed }) => speed.gigaflops),
        'peak resident MB': resident,
      },
    },
  ];
}

export const train: Benchmark = {
  name: 'train',
  title: 'Training step',
  note: 'Forward, backward and optimizer: 6 · parameters · tokens and attention, over the time of the step. The peak is measured between the steps.',
  cases: {
    '0.15m': (settings) =>
      measure(settings, '0.15m', { rows: 8, length: 64 }, { target: 0.3, repeats: 15, steps: 20 }),
    '5m': (settings) =>
      measure(settings, '5m', { rows: 16, length: 256 }, { target: 0.75, repeats: 9, steps: 1 }),
    '176m': (settings) =>
      measure(settings, '176m', { rows: 4, length: 256 }, { target: 0.75, repeats: 4, steps: 1 }),
  },
};
