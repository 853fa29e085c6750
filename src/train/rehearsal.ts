/**
 * A look at the largest micro-batch before the first step, so that a machine too small for it shows at once and not
 * after an hour. Nothing of it counts.
 */
import { countedTargets } from '../model/index.ts';
import { sequenceIndices } from './policy-batch.ts';
import { padSequences, planMicroBatches, type Sequence, tokenFeeds } from './sequences.ts';
import type { Trainer } from './trainer.ts';

/** A row of a batch, in tokens. */
export interface RowLength {
  /** Not counted. */
  readonly prompt: number;
  readonly response: number;
}

/**
 * Computes the micro-batch that the longest rows make.
 * @param rows              of the data, or the longest that sampling can make
 * @param options.perStep   rows of an optimizer step
 * @param options.tokenBudget as in `planMicroBatches`
 */
export async function rehearse(
  trainer: Pick<Trainer, 'rehearse'>,
  rows: readonly RowLength[],
  options: { readonly perStep: number; readonly tokenBudget: number },
): Promise<void> {
  const total = ({ prompt, response }: RowLength): number => prompt + response;
  const longest = rows.toSorted((a, b) => total(b) - total(a)).slice(0, options.perStep);
  const [largest] = planMicroBatches(longest.map(total), options.tokenBudget);
  const sequences = largest.map((i): Sequence => {
    const { prompt, response } = longest[i];
    return { prompt: new Int32Array(prompt), response: new Int32Array(response) };
  });
  const batch = padSequences(sequences);
  const { rows: hiddenAt, targets } = countedTargets(batch);
  await trainer.rehearse({
    ...tokenFeeds(batch),
    rows: hiddenAt,
    targets,
    sequence: sequenceIndices(sequences.map(({ response }) => response.length)),
    sequenceZeros: new Float32Array(sequences.length),
    desirable: new Float32Array(sequences.length), // what KTO has instead
    counted: new Float32Array(targets.length).fill(1),
  });
}

/** The length of a prompt with its response. */
export function rowLengthOf({ prompt, response }: Sequence): RowLength {
  return { prompt: prompt.length, response: response.length };
}
