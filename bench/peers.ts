/** Speed beside that of TRL, in tokens per second. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Benchmark, BenchmarkSettings, Row } from './benchmark.ts';
import { dpo, generate, grpo, reward, rloo, sft, type Work } from './works.ts';
import { Yardsticks } from './yardsticks.ts';

/** bfloat16 is left out where the processor only emulates it, which takes twenty times as long. */
const figure = z.object({ float32: z.number(), bfloat16: z.number().optional() });
const figures = z.object({
  '5m': z.record(z.string(), figure).optional(),
  '135m': z.record(z.string(), figure).optional(),
  versions: z.record(z.string(), z.string()),
});

/**
 * TRL's figures where none are given: TRL 1.13.0, transformers 5.18.0, PyTorch 2.13.0, 2 threads, on a 2-core Zen 5
 * machine with AVX-512 and bfloat16 instructions, whose float32 peak through this engine was 400 GFLOP/s.
 */
const elsewhere: z.infer<typeof figures> = {
  '5m': {
    sft: { bfloat16: 9906, float32: 4606 },
    reward: { bfloat16: 7704, float32: 3409 },
    dpo: { bfloat16: 3145, float32: 1471 },
    'generate 1': { bfloat16: 507, float32: 309 },
    'generate 32': { bfloat16: 4150, float32: 3380 },
    'generate 128': { bfloat16: 5100, float32: 4236 },
    rloo: { bfloat16: 1374, float32: 1212 },
    grpo: { bfloat16: 1665, float32: 1398 },
  },
  '135m': {
    sft: { bfloat16: 236, float32: 148 },
    'generate 1': { bfloat16: 36, float32: 22 },
    'generate 32': { bfloat16: 284, float32: 180 },
  },
  versions: { trl: '1.13.0', transformers: '5.18.0', torch: '2.13.0' },
};

/** What a kind of work is to reach of TRL's faster precision. */
const works: Readonly<Record<string, { readonly work: Work; readonly target?: number }>> = {
  sft: { work: sft, target: 1.2 },
  reward: { work: reward, target: 1.2 },
  dpo: { work: dpo, target: 2 },
  rloo: { work: rloo, target: 2.5 },
  grpo: { work: grpo, target: 2.5 },
  'generate 1': { work: generate(1) },
  'generate 32': { work: generate(32), target: 2 },
  'generate 128': { work: generate(128) },
};

async function measure(settings: BenchmarkSettings, size: '5m' | '135m'): Promise<Row[]> {
  const trl = settings.trl ? figures.parse(JSON.parse(await readFile(settings.trl, 'utf8'))) : elsewhere;
  const yardsticks = await Yardsticks.create(settings);
  const rows: Row[] = [];
  for (const [name, theirs] of Object.entries(trl[size] ?? {})) {
    const { work, target } = works[name];
    const [{ result, speed }] = await yardsticks.beside(1, () => work(size, settings));
    const { float32, bfloat16 = 0 } = theirs;
    const best = Math.max(bfloat16, float32);
    rows.push({
      what: `${size}, ${name}`,
      ratio: result / best,
      of: `TRL's ${bfloat16 >= float32 ? 'bfloat16' : 'float32'}${settings.trl ? '' : ' on another machine'}`,
      ...(settings.trl && target !== undefined && { target: { atLeast: target } }),
      measured: {
        'tokens/s': result,
        ...(bfloat16 > 0 && { 'TRL bfloat16 tokens/s': bfloat16 }),
        'TRL float32 tokens/s': float32,
        'of its float32': result / float32,
        'peak GFLOP/s': speed.gigaflops,
      },
    });
  }
  await yardsticks.release();
  return rows;
}

export const peers: Benchmark = {
  name: 'peers',
  title: 'Beside TRL',
  note: 'The same work on the same shapes, all in float32 here. With --trl FILE the figures are those that bench/peers/measure_trl.py measured on this machine; without, those of another, faster one, where no target holds.',
  cases: {
    '5m': (settings) => measure(settings, '5m'),
    '135m': (settings) => measure(settings, '135m'),
  },
};
