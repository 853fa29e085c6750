/** Speed beside that of TRL, in tokens per second. */
import { Generator } from '../src/model/index.ts';
import { type Benchmark, type BenchmarkSettings, type Row, timeOf } from './benchmark.ts';
import { timeGeneration } from './generation.ts';
import { createSftStep } from './sft-step.ts';
import { freshParameters, sizes } from './sizes.ts';
import { medianOf, Yardsticks } from './yardsticks.ts';

/**
 * Tokens per second of TRL 1.13.0 (transformers 5.18.0, PyTorch 2.13.0, CPU, 2 threads) on the same model shapes,
 * on a 2-core Zen 5 machine with AVX-512 whose float32 peak through this engine was 400 GFLOP/s.
 */
const trl = {
  peakGigaflops: 400,
  '5m': {
    sft: { bfloat16: 9906, float32: 4606 },
    generate: { bfloat16: 4150, float32: 3380 },
  },
  '135m': {
    sft: { bfloat16: 236, float32: 148 },
    generate: { bfloat16: 284, float32: 180 },
  },
} as const;

async function measure(
  settings: BenchmarkSettings,
  size: '5m' | '135m',
  plan: { readonly rows: number; readonly newTokens: number; readonly repeats: number },
): Promise<Row[]> {
  const config = sizes[size];
  const parameters = freshParameters(config);
  const repeats = settings.quick ? 1 : plan.repeats;
  const yardsticks = await Yardsticks.create(settings);
  const row = (
    what: string,
    theirs: { readonly bfloat16: number; readonly float32: number },
    results: readonly { readonly result: number; readonly speed: { readonly gigaflops: number } }[],
  ): Row => {
    const tokensPerSecond = medianOf(results, ({ result }) => result);
    const peak = medianOf(results, ({ speed }) => speed.gigaflops);
    return {
      what,
      ratio: tokensPerSecond / theirs.bfloat16,
      of: "TRL's bfloat16",
      target: { atLeast: 1 },
      measured: {
        'of its float32': tokensPerSecond / theirs.float32,
        'of its bfloat16, both per GFLOP/s of their machine':
          tokensPerSecond / peak / (theirs.bfloat16 / trl.peakGigaflops),
        'tokens/s': tokensPerSecond,
        'TRL bfloat16 tokens/s': theirs.bfloat16,
        'peak GFLOP/s': peak,
      },
    };
  };

  const shape = { batch: 32, promptTokens: 32, newTokens: settings.quick ? 4 : plan.newTokens };
  const generator = await Generator.create(config, parameters, {
    threads: settings.threads,
    batchSize: shape.batch,
  });
  const generate = async (): Promise<number> =>
    (1000 * shape.batch * shape.newTokens) / (await timeGeneration(generator, config, shape)).totalMs;
  await generate();
  const generated = await yardsticks.beside(repeats, generate);
  await generator.release();

  const batch = { rows: plan.rows, length: 256 };
  const training = await createSftStep(config, parameters, batch, settings);
  await training.step();
  const trained = await yardsticks.beside(
    repeats,
    async () => (1000 * batch.rows * batch.length) / (await timeOf(training.step)),
  );
  await training.release();
  await yardsticks.release();
  return [
    row(`${size}, SFT step, ${batch.rows}×${batch.length}`, trl[size].sft, trained),
    row(`${size}, generate, batch ${shape.batch}, prompts included`, trl[size].generate, generated),
  ];
}

export const peers: Benchmark = {
  name: 'peers',
  title: 'Beside TRL',
  note: "TRL's figures were measured on another day and another machine (2-core Zen 5 with AVX-512 and bfloat16 instructions), so the ratios hold only as far as this machine is like it.",
  cases: {
    '5m': (settings) => measure(settings, '5m', { rows: 16, newTokens: 64, repeats: 5 }),
    '135m': (settings) => measure(settings, '135m', { rows: 4, newTokens: 24, repeats: 3 }),
  },
};
