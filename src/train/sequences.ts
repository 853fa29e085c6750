/**
 * Prompts with their responses as the engine reads them, and how they are cut into micro-batches.
 *
 * Shapes: B rows, T tokens per row, N counted tokens.
 */
import { padBatch, type TokenBatch } from '../data/index.ts';
import type { Feeds } from '../tensor/index.ts';

/** A prompt and one response to it. */
export interface Sequence {
  /** May be empty where only a head reads the whole; a response's first token has no log-probability then. */
  readonly prompt: ArrayLike<number>;
  /** The end token included if there is one. */
  readonly response: ArrayLike<number>;
}

/** Row lengths are rounded up to this, so that the engine meets few distinct shapes. */
export const lengthStep = 8;

/** Pads sequences on the right; every response token is counted. */
export function padSequences(sequences: readonly Sequence[]): TokenBatch {
  const examples = sequences.map((sequence) => {
    const { prompt, response } = sequence;
    const ids = new Int32Array(lengthOf(sequence));
    ids.set(prompt);
    ids.set(response, prompt.length);
    return { ids, counted: new Uint8Array(ids.length).fill(1, prompt.length) };
  });
  return padBatch(examples, { multipleOf: lengthStep });
}

/** Prompt and response together, in tokens. */
export function lengthOf({ prompt, response }: Sequence): number {
  return prompt.length + response.length;
}

/** The feeds of the token inputs. */
export function tokenFeeds(batch: TokenBatch): Feeds {
  const shape = [batch.rows, batch.length];
  return {
    ids: { data: batch.ids, shape },
    segments: { data: batch.segments, shape },
    positions: { data: batch.positions, shape },
  };
}

/**
 * Groups rows so that each group's rows times its longest row stay within a budget of padded tokens.
 *
 * Rows of like length share a group, which wastes least on padding, and the group that needs most memory
 * comes first: a machine too small for it shows at once, not after an hour.
 * @param lengths tokens per row
 * @param sizes   how many rows each stands for, which stay together. Default: one
 * @returns indices of rows per group
 */
export function planMicroBatches(
  lengths: readonly number[],
  tokenBudget: number,
  sizes?: readonly number[],
): number[][] {
  const order = lengths.map((_, i) => i).sort((a, b) => lengths[b] - lengths[a] || a - b);
  const groups: number[][] = [];
  let current: number[] = [];
  let [longest, rows] = [0, 0];
  for (const index of order) {
    const size = sizes?.[index] ?? 1;
    if (current.length > 0 && (rows + size) * longest > tokenBudget) {
      groups.push(current);
      current = [];
    }
    if (current.length === 0) [longest, rows] = [Math.ceil(lengths[index] / lengthStep) * lengthStep, 0];
    current.push(index);
    rows += size;
  }
  if (current.length) groups.push(current);
  return groups;
}

/** 0, 1, 2 … in groups of `size`. */
export function chunksOf(count: number, size: number): number[][] {
  return Array.from({ length: Math.ceil(count / size) }, (_, group) =>
    Array.from({ length: Math.min(size, count - group * size) }, (_, i) => group * size + i),
  );
}
