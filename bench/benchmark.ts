/** What a benchmark is, and what it reports. */

export interface BenchmarkSettings {
  /** Threads of the engine. */
  readonly threads: number;
  /** True: as few repeats as possible, to see that everything runs. */
  readonly quick: boolean;
  /** File with TRL's figures, as `bench/peers/measure_trl.py` writes it. */
  readonly trl?: string;
}

/** One ratio, what it is a ratio to, and the numbers behind it. */
export interface Row {
  readonly what: string;
  readonly ratio: number;
  /** What the ratio is to, e.g. `matmul peak`. */
  readonly of: string;
  readonly target?: { readonly atLeast: number } | { readonly below: number };
  /** Numbers behind the ratio; the names carry the units. */
  readonly measured: Readonly<Record<string, number>>;
}

/** Each case runs in a process of its own, so that one's memory and heat say nothing about another's. */
export interface Benchmark {
  readonly name: string;
  readonly title: string;
  /** How to read the ratios, in a sentence or two. */
  readonly note: string;
  readonly cases: Readonly<Record<string, (settings: BenchmarkSettings) => Promise<Row[]>>>;
}

/** The middle value; the mean of the two middle ones of an even number. */
export function median(values: readonly number[]): number {
  const sorted = values.slice().sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Milliseconds that a piece of work takes. */
export async function timeOf(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** The most memory this process has held, in megabytes. */
export function peakResidentMegabytes(): number {
  return process.resourceUsage().maxRSS / 1024;
}

export function isMet({ ratio, target }: Row): boolean {
  if (!target) return true;
  return 'atLeast' in target ? ratio >= target.atLeast : ratio < target.below;
}
