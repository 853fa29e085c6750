/** What screening costs: time by call, and beside the time that a model takes to write. */
import { sampleQuantile } from '../../objective/index.ts';
import type { GuardExample } from '../data/guard-example.ts';
import type { GuardModel } from '../screen.ts';

export interface Quantiles {
  readonly calls: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface GuardLatency {
  /** One conversation. NaN where none was timed, here and below. */
  readonly input: Quantiles;
  /** One word of an answer that streams. */
  readonly word: Quantiles;
  /** Characters of answers screened in a second while they stream; 0 without answers. */
  readonly charactersPerSecond: number;
}

/** Streams answers word by word, as a model writes them; the first few calls warm up and do not count. */
export async function measureLatency(
  guard: GuardModel,
  examples: readonly GuardExample[],
  { answers = 30 }: { readonly answers?: number } = {},
): Promise<GuardLatency> {
  const inputs: number[] = [];
  const words: number[] = [];
  let characters = 0;
  const timed = async (into: number[], call: () => Promise<unknown>): Promise<void> => {
    const start = performance.now();
    await call();
    into.push(performance.now() - start);
  };
  // Those with answers first; of the others the conversations alone are timed.
  const byUse = examples.toSorted((a, b) => Number(a.answer === null) - Number(b.answer === null));
  for (const { prompt, answer } of byUse.slice(0, answers)) {
    await timed(inputs, () => guard.screenInput(prompt));
    if (answer === null) continue;
    const screen = await guard.openOutput(prompt);
    for (const word of answer.match(/\s*\S+/g) ?? []) {
      characters += word.length;
      await timed(words, () => screen.push(word));
    }
    await timed(words, () => screen.end());
    screen.close();
  }
  const total = words.reduce((sum, ms) => sum + ms, 0);
  return {
    input: quantilesOf(inputs),
    word: quantilesOf(words),
    charactersPerSecond: (1000 * characters) / Math.max(total, 1e-9),
  };
}

function quantilesOf(times: readonly number[]): Quantiles {
  const counted = times.slice(Math.min(3, times.length - 1));
  const sorted = Float64Array.from(counted).sort();
  const at = (q: number): number => (sorted.length === 0 ? Number.NaN : sampleQuantile(sorted, q));
  return { calls: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99) };
}
