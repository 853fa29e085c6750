/** What a guard adds to the work of the model that it guards. */
import { TextGenerator } from '../../model/index.ts';
import type { GuardExample } from '../data/guard-example.ts';

export interface GenerationCost {
  readonly model: string;
  /** Characters that it writes in a second, one answer at a time. */
  readonly charactersPerSecond: number;
}

/** Lets a model write a few answers, one at a time, as one user sees it. */
export async function measureGeneration(
  folder: string,
  examples: readonly GuardExample[],
  { answers = 6, maxNewTokens = 64 }: { readonly answers?: number; readonly maxNewTokens?: number } = {},
): Promise<GenerationCost> {
  const generator = await TextGenerator.load(folder);
  try {
    let [characters, seconds] = [0, 0];
    const asked = examples.filter(({ prompt }) => prompt.at(-1)!.content.length < 400).slice(0, answers + 1);
    for (const [i, { prompt }] of asked.entries()) {
      const start = performance.now();
      const text = prompt.at(-1)!.content;
      const request = generator.template ? { messages: [{ role: 'user', content: text }] } : { prompt: text };
      const [answer] = await generator.generate([{ ...request, options: { maxNewTokens, seed: i } }]);
      if (i === 0) continue; // warms up
      seconds += (performance.now() - start) / 1000;
      characters += answer.text.length;
    }
    return { model: folder, charactersPerSecond: characters / Math.max(seconds, 1e-9) };
  } finally {
    await generator.release();
  }
}

/** Time for screening an answer as a part of the time for writing it. */
export function addedShare(
  guardCharactersPerSecond: number,
  { charactersPerSecond }: GenerationCost,
): number {
  return charactersPerSecond / guardCharactersPerSecond;
}
