/** What optimizer steps look like in tokens: drawn from a sample of rows, cut as training cuts them. */
import { Random } from '../../base/index.ts';
import type { Feeds } from '../../tensor/index.ts';
import { sequenceBatches } from '../../train/sequence-batches.ts';
import { chunksOf, type Sequence } from '../../train/sequences.ts';
import type { BatchSize } from './memory.ts';
import type { PassSize } from './work.ts';

/** One row of a batch: an example, or several packed. */
export interface RowSize {
  readonly length: number;
  readonly counted: number;
  /** What of the row is not prompt. Default: what is counted */
  readonly response?: number;
}

export interface StepSize extends PassSize {
  /** Micro-batches of a step, on average. */
  readonly microBatches: number;
  /** The micro-batch that needs most memory. */
  readonly largest: BatchSize;
}

const simulatedSteps = 16;

export interface SimulateOptions {
  /** Rows per step. */
  readonly batchSize: number;
  /** Most padded tokens of a micro-batch. */
  readonly tokenBudget: number;
  readonly seed: number;
  /** Rows of each prompt, where training computes a prompt once for several. Default 1 */
  readonly perPrompt?: number;
  /** True: those of a prompt stay in one micro-batch. Default false */
  readonly together?: boolean;
}

/**
 * @param rows a sample of the data; of a ranking or pair, each response is a row
 * @returns averages over simulated steps
 */
export function simulateSteps(rows: readonly RowSize[], options: SimulateOptions): StepSize {
  const { batchSize, tokenBudget, seed, perPrompt = 1 } = options;
  const random = new Random(seed).fork('estimate');
  const sharedPrompts = perPrompt > 1;
  let [tokens, pairs, counted, microBatches] = [0, 0, 0, 0];
  let largest: BatchSize = { tokens: 0, length: 0, counted: 0 };
  for (let step = 0; step < simulatedSteps; step++) {
    const batch = Array.from({ length: Math.ceil(batchSize / perPrompt) }, () => random.choice(rows)).flatMap(
      (row) => new Array<RowSize>(perPrompt).fill(row),
    );
    const together = options.together ? chunksOf(batch.length, perPrompt) : undefined;
    for (const { feeds, members } of sequenceBatches(sequencesOf(batch, perPrompt), {
      ...{ tokenBudget, sharedPrompts, together },
    })) {
      const size = { ...shapeOf(feeds), counted: sum(members, (i) => batch[i].counted) };
      tokens += size.tokens;
      pairs += size.tokens * size.length;
      counted += size.counted;
      microBatches++;
      if (size.tokens * size.length > largest.tokens * largest.length) largest = size;
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

/** @param perPrompt rows that stand together have one prompt */
function sequencesOf(batch: readonly RowSize[], perPrompt: number): Sequence[] {
  let prompt = new Int32Array(0);
  return batch.map(({ length, counted, response = counted }, i) => {
    if (i % perPrompt === 0) prompt = new Int32Array(Math.max(1, length - response));
    return { prompt, response: new Int32Array(length - prompt.length) };
  });
}

/** Tokens, and how many of them each sees at most, on average. */
function shapeOf(feeds: Feeds): Omit<BatchSize, 'counted'> {
  const shape = (name: string): readonly number[] => (feeds[name] as { shape: readonly number[] }).shape;
  const [rows, length] = shape('ids');
  if (!('responseSegments' in feeds)) return { tokens: rows * length, length };
  const [, prompt] = shape('promptSegments');
  const [, responses, response] = shape('responseSegments');
  const seen = prompt * prompt + responses * response * (prompt + response);
  return { tokens: rows * length, length: seen / length };
}

function sum(group: readonly number[], of: (index: number) => number): number {
  return group.reduce((total, index) => total + of(index), 0);
}
