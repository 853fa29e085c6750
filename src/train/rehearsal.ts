/**
 * A look at the largest micro-batch before the first step, so that a machine too small for it shows at once and not
 * after an hour. Nothing of it counts.
 */
import { sequenceIndices } from './policy-batch.ts';
import { sequenceBatches } from './sequence-batches.ts';
import type { Sequence } from './sequences.ts';
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
 * @param options.perPrompt rows of one prompt, for graphs whose rows share prompts. Default 1
 * @param options.tokenBudget as in `sequenceBatches`
 */
export async function rehearse(
  trainer: Pick<Trainer, 'rehearse' | 'sharedPrompts'>,
  rows: readonly RowLength[],
  options: { readonly perStep: number; readonly perPrompt?: number; readonly tokenBudget: number },
): Promise<void> {
  const { perStep, perPrompt = 1, tokenBudget } = options;
  const total = ({ prompt, response }: RowLength): number => prompt + response;
  const longest = rows.toSorted((a, b) => total(b) - total(a)).slice(0, perStep);
  const sequences: Sequence[] = [];
  for (let first = 0; first < longest.length; first += perPrompt) {
    const prompt = new Int32Array(longest[first].prompt);
    for (const { response } of longest.slice(first, first + perPrompt)) {
      sequences.push({ prompt, response: new Int32Array(response) });
    }
  }
  const { sharedPrompts } = trainer;
  const [largest] = sequenceBatches(sequences, { tokenBudget, sharedPrompts });
  const members = largest.members.map((i) => sequences[i]);
  await trainer.rehearse({
    ...largest.feeds,
    rows: largest.rows,
    targets: largest.targets,
    sequence: sequenceIndices(members.map(({ response }) => response.length)),
    sequenceZeros: new Float32Array(members.length),
    desirable: new Float32Array(members.length), // what KTO has instead
    counted: new Float32Array(largest.targets.length).fill(1),
  });
}

/** The length of a prompt with its response. */
export function rowLengthOf({ prompt, response }: Sequence): RowLength {
  return { prompt: prompt.length, response: response.length };
}
