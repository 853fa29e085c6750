/** Decoding as a share of the fastest that memory and arithmetic allow. */
import { Generator } from '../src/model/index.ts';
import { type Benchmark, type BenchmarkSettings, peakResidentMegabytes, type Row } from './benchmark.ts';
import { timeGeneration } from './generation.ts';
import { freshParameters, sizes } from './sizes.ts';
import { medianOf, type Speed, Yardsticks } from './yardsticks.ts';

const promptTokens = 32;

async function measure(
  settings: BenchmarkSettings,
  size: '5m' | '135m',
  plan: { readonly newTokens: number; readonly repeats: number },
): Promise<Row[]> {
  const config = sizes[size];
  const parameters = freshParameters(config);
  const newTokens = settings.quick ? 4 : plan.newTokens;
  const yardsticks = await Yardsticks.create(settings, { bandwidth: true });
  const rows: Row[] = [];
  for (const batch of [1, 32, 128]) {
    const generator = await Generator.create(config, parameters, {
      threads: settings.threads,
      batchSize: batch,
    });
    const work = () => timeGeneration(generator, config, { batch, promptTokens, newTokens });
    await work();
    const results = await yardsticks.beside(settings.quick ? 1 : plan.repeats, work);
    await generator.release();
    const reading = ({ gigabytes }: Speed): number => (parameters.count * 4) / 1e6 / gigabytes; // ms
    const multiplying = ({ gigaflops }: Speed): number => (2 * parameters.count * batch) / 1e6 / gigaflops; // ms
    const step = ({ result }: (typeof results)[number]): number => result.decodeMs / (newTokens - 1);
    rows.push({
      what: `${size}, batch ${batch}`,
      ratio: medianOf(results, (each) => Math.max(reading(each.speed), multiplying(each.speed)) / step(each)),
      of: 'the floor',
      ...(size === '135m' && batch === 32 ? { target: { atLeast: 0.5 } } : {}),
      measured: {
        'ms per step': medianOf(results, step),
        'ms to read the weights': medianOf(results, ({ speed }) => reading(speed)),
        'ms to multiply': medianOf(results, ({ speed }) => multiplying(speed)),
        'tokens/s': medianOf(results, (each) => (1000 * batch) / step(each)),
        'peak resident MB': peakResidentMegabytes(),
      },
    });
  }
  await yardsticks.release();
  return rows;
}

export const decode: Benchmark = {
  name: 'decode',
  title: 'Decoding',
  note: 'The floor of a step is the longer of reading all weights once and multiplying all sequences with them. Sampling is part of the step; prompts of 32 tokens are not.',
  cases: {
    '5m': (settings) => measure(settings, '5m', { newTokens: 64, repeats: 7 }),
    '135m': (settings) => measure(settings, '135m', { newTokens: 24, repeats: 3 }),
  },
};
