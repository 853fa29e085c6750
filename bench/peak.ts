/** The machine's matmul peak and memory bandwidth, which the other ratios are to. */
import type { Benchmark, Row } from './benchmark.ts';
import { medianOf, Yardsticks } from './yardsticks.ts';

export const peak: Benchmark = {
  name: 'peak',
  title: 'The machine',
  note: 'Float32 products and reads of 256 MB through the engine. The ratios show how steady the machine is: 1 = the slowest of the repeats was as fast as the fastest.',
  cases: {
    async machine(settings) {
      const yardsticks = await Yardsticks.create(settings, { bandwidth: true });
      const results = await yardsticks.beside(settings.quick ? 2 : 10, () =>
        yardsticks.products1024And2048(),
      );
      await yardsticks.release();
      const row = (what: string, unit: string, of: string, values: readonly number[]): Row => ({
        what,
        ratio: Math.min(...values) / Math.max(...values),
        of,
        measured: {
          [`best ${unit}`]: Math.max(...values),
          [`median ${unit}`]: medianOf(values, (value) => value),
        },
      });
      return [
        row(
          'matmul 1024³',
          'GFLOP/s',
          'its best',
          results.map(({ result }) => result[0]),
        ),
        row(
          'matmul 2048³',
          'GFLOP/s',
          'its best',
          results.map(({ result }) => result[1]),
        ),
        row(
          'reading memory',
          'GB/s',
          'its best',
          results.map(({ speed }) => speed.gigabytes),
        ),
      ];
    },
  },
};
