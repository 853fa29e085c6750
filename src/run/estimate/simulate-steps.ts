/** What optimizer steps look like in tokens: drawn from a sample of rows, cut as training cuts them. */
import { Random } from '../../base/index.ts';
import { planMicroBatches } from '../../train/sequences.ts';
import type { BatchSize } from './memory.ts';
import type { PassSize } from './work.ts';

/** One row of a batch: an example, or several packed. */
export interface RowSize {
  readonly length: number;
  readonly counted: number;
}

export interface StepSize extends PassSize {
  /** Micro-batches of a step, on average. */
  readonly microBatches: number;
  /** The micro-batch that needs most memory. */
  readonly largest: BatchSize;
}

const simulatedSteps = 16;

/**
 * @param rows        a sample of the data; of a ranking or pair, each response is a row
 * @param batchSize   rows per step
 * @param tokenBudget most padded tokens of a micro-batch
 * @returns averages over simulated steps
 */
export function simulateSteps(
  rows: readonly RowSize[],
  { batchSize, tokenBudget, seed }: { batchSize: number; tokenBudget: number; seed: number },
): StepSize {
  const random = new Random(seed).fork('estimate');
  let [tokens, pairs, counted, microBatches] = [0, 0, 0, 0];
  let largest: BatchSize = { tokens: 0, length: 0, counted: 0 };
  for (let step = 0; step < simulatedSteps; step++) {
    const batch = Array.from({ length: batchSize }, () => random.choice(rows));
    for (const group of planMicroBatches(
      batch.map(({ length }) => length),
      tokenBudget,
    )) {
      const length = Math.ceil(Math.max(...group.map((index) => batch[index].length)) / 8) * 8;
      const size = { tokens: group.length * length, length, counted: sum(group, (i) => batch[i].counted) };
      tokens += size.tokens;
      pairs += size.tokens * length;
      counted += size.counted;
      microBatches++;
      if (size.tokens * length > largest.tokens * largest.length) largest = size;
    }
  }
  const mean = (total: number): number => total / simulatedSteps;
  return {
    tokens: mean(tokens),
    pairs: mean(pairs),
    counted: mean(counted),
    microBatches: mean(microBatches),
    largest,
  };
}

function sum(group: readonly number[], of: (index: number) => number): number {
  return group.reduce((total, index) => total + of(index), 0);
}
