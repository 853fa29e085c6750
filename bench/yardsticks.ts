/**
 * What the machine can do: float32 products per second and bytes read per second, through Tenet's own graphs.
 *
 * Shared machines drift by the minute, so a benchmark measures both again just before and just after every
 * piece of work and relates the work to the mean of the two.
 */
import { type Feeds, Graph, matmul, max, Session } from '../src/tensor/index.ts';
import { type BenchmarkSettings, median, timeOf } from './benchmark.ts';

/** The machine's speed at one moment. */
export interface Speed {
  /** Billion float32 operations per second, the best of several products. */
  readonly gigaflops: number;
  /** Billion bytes per second read by all threads, the best of several passes over 256 MB. */
  readonly gigabytes: number;
}

interface Probe {
  readonly session: Session<'out'>;
  readonly feeds: Feeds;
  /** Billions of operations, or of bytes, per run. */
  readonly amount: number;
}

/** Repeats per measurement; the first one after other work also wakes the threads. */
const repeats = 4;

export class Yardsticks {
  private readonly products: readonly Probe[];
  private readonly reads: readonly Probe[];

  private constructor(products: readonly Probe[], reads: readonly Probe[]) {
    this.products = products;
    this.reads = reads;
  }

  /** @param what leave out the memory probes (256 MB) where only the peak is asked for */
  static async create(
    settings: BenchmarkSettings,
    what: { readonly bandwidth: boolean } = { bandwidth: false },
  ): Promise<Yardsticks> {
    const products = [
      await productProbe(1024, 4, settings.threads),
      await productProbe(2048, 1, settings.threads),
    ];
    return new Yardsticks(products, what.bandwidth ? await readProbes(settings.threads) : []);
  }

  /** Billions of operations per second of each product, by its size. */
  async products1024And2048(): Promise<[number, number]> {
    return [await best(this.products[0]), await best(this.products[1])];
  }

  async speed(): Promise<Speed> {
    const gigaflops = Math.max(...(await this.products1024And2048()));
    let gigabytes = 0;
    for (const probe of this.reads) gigabytes = Math.max(gigabytes, await best(probe));
    return { gigaflops, gigabytes };
  }

  /**
   * Does the work several times, measuring the machine before, between and after.
   * @returns each repeat's result with the machine's mean speed around it
   */
  async beside<T>(count: number, work: () => Promise<T>): Promise<{ result: T; speed: Speed }[]> {
    const results: { result: T; speed: Speed }[] = [];
    let before = await this.speed();
    for (let i = 0; i < count; i++) {
      const result = await work();
      const after = await this.speed();
      results.push({
        result,
        speed: {
          gigaflops: (before.gigaflops + after.gigaflops) / 2,
          gigabytes: (before.gigabytes + after.gigabytes) / 2,
        },
      });
      before = after;
    }
    return results;
  }

  async release(): Promise<void> {
    for (const { session } of [...this.products, ...this.reads]) await session.release();
  }
}

/** Median over repeats of one number of each. */
export function medianOf<T>(results: readonly T[], value: (result: T) => number): number {
  return median(results.map(value));
}

async function best({ session, feeds, amount }: Probe): Promise<number> {
  let shortest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < repeats; i++) shortest = Math.min(shortest, await timeOf(() => session.run(feeds)));
  return amount / (shortest / 1000);
}

/** A chain of `count` products of [size, size] by a constant matrix; only row maxima are fetched. */
async function productProbe(size: number, count: number, threads: number): Promise<Probe> {
  const graph = new Graph();
  // Entries of 0 and ±√(2 / size) keep the values' scale through the chain.
  const scale = Math.sqrt(2 / size);
  const matrix = Float32Array.from({ length: size * size }, (_, i) => scale * (((i * 7919) % 4) - 1.5));
  const weight = graph.constant(matrix, [size, size]);
  let x = graph.input('x', 'real', [size, size]);
  for (let i = 0; i < count; i++) x = matmul(x, weight);
  const session = await Session.create(graph, { out: max(x, { axes: [1] }) }, { threads });
  const feeds = { x: matrix.map((value) => value / scale) };
  return { session, feeds, amount: (count * 2 * size ** 3) / 1e9 };
}

/** Two ways to read 256 MB once: largest value of each row, and a vector times a matrix. */
async function readProbes(threads: number): Promise<Probe[]> {
  const [rows, columns] = [4096, 16_384];
  const data = new Float32Array(rows * columns).fill(0.5);
  const amount = data.byteLength / 1e9;
  const probes: Probe[] = [];
  for (const kind of ['maximum', 'product'] as const) {
    const graph = new Graph();
    const x = graph.input('x', 'real', [rows, columns]);
    const vector = graph.constant(new Float32Array(columns).fill(1), [1, columns]);
    const out = kind === 'maximum' ? max(x, { axes: [1] }) : matmul(vector, x, { transposeB: true });
    probes.push({ session: await Session.create(graph, { out }, { threads }), feeds: { x: data }, amount });
  }
  return probes;
}
