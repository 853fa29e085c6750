/**
 * What a guard costs: its classifiers for 256 tokens at once and for one token of a stream, in float32 and int8; and linear
 * probes beside the model that they watch.
 */
import { Random } from '../src/base/index.ts';
import {
  decoderSpecs,
  initialiseParameters,
  makeLlamaConfig,
  ParameterStore,
  scalarHeadSpec,
  TokenScorer,
} from '../src/model/index.ts';
import { sampleQuantile } from '../src/objective/index.ts';
import type { Benchmark, BenchmarkSettings, Row } from './benchmark.ts';
import { measureProbes, type ProbedSize } from './probe-pass.ts';

const tokens = 256;
/** Verdicts of three kinds and ten categories. */
const heads = 13;

interface Size {
  readonly width: number;
  readonly layers: number;
  readonly vocabSize: number;
}

async function measure(
  { width, layers, vocabSize }: Size,
  { threads, quick }: BenchmarkSettings,
): Promise<Row[]> {
  const config = makeLlamaConfig({
    ...{ width, layers, vocabSize, heads: width / 32, maxPositions: tokens },
    innerWidth: Math.ceil((width * 8) / 3 / 32) * 32,
  });
  const parameters = new ParameterStore([...decoderSpecs(config), scalarHeadSpec(config, { rows: heads })]);
  initialiseParameters(parameters, new Random(1));
  const ids = Int32Array.from({ length: tokens }, (_, i) => (i * 37) % vocabSize);
  const scorers = {
    float32: await TokenScorer.create(config, parameters, { threads }),
    int8: await TokenScorer.create(config, parameters, { threads, precision: 'int8' }),
  };
  const whole = { float32: [] as number[], int8: [] as number[] };
  const single = { float32: [] as number[], int8: [] as number[] };
  const repeats = quick ? 3 : 120;
  const streams = quick ? 1 : 6;
  // Turn about, so that what else the machine does befalls both alike.
  for (let i = -3; i < repeats; i++) {
    for (const precision of ['float32', 'int8'] as const) {
      const time = await timed(() => scorers[precision].score(ids));
      if (i >= 0) whole[precision].push(time);
    }
  }
  for (let i = 0; i < streams; i++) {
    for (const precision of ['float32', 'int8'] as const) {
      const reader = scorers[precision].open();
      await reader.read(ids.subarray(0, tokens / 2));
      for (let t = tokens / 2; t < tokens; t++) {
        const time = await timed(() => reader.read(ids.subarray(t, t + 1)));
        if (t > tokens / 2 + 3) single[precision].push(time);
      }
    }
  }
  await scorers.float32.release();
  await scorers.int8.release();
  const row = (what: string, times: typeof whole): Row => {
    const at = (list: readonly number[], quantile: number): number =>
      sampleQuantile(Float64Array.from(list).sort(), quantile);
    return {
      what: `${what}, ${(parameters.count / 1e6).toFixed(1)} M parameters`,
      ratio: at(times.float32, 0.5) / at(times.int8, 0.5),
      of: 'speed of float32',
      measured: {
        'float32 p50 ms': at(times.float32, 0.5),
        'float32 p99 ms': at(times.float32, 0.99),
        'int8 p50 ms': at(times.int8, 0.5),
        'int8 p99 ms': at(times.int8, 0.99),
      },
    };
  };
  return [row(`${tokens} tokens at once`, whole), row('one token of a stream', single)];
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

const larger: ProbedSize = { width: 320, layers: 6, vocabSize: 8192 };

export const guardClassifier: Benchmark = {
  name: 'guard-classifier',
  title: 'Classifiers and probes of a guard',
  note: 'Classifiers: speed of int8 beside float32 on the same model; above 1 int8 is faster, and it takes a quarter of the memory for the matrices in any case. Probes: speed of generation with them beside the same without.',
  cases: {
    '1m': (settings) => measure({ width: 128, layers: 4, vocabSize: 2048 }, settings),
    '10m': (settings) => measure(larger, settings),
    'probe-10m': (settings) => measureProbes(larger, 1, settings),
    'probe-10m-16': (settings) => measureProbes(larger, 16, settings),
  },
};
