/** What a guard adds to the work of the model that it guards. */
import { type StateProbe, TextGenerator } from '../../model/index.ts';
import type { GuardExample } from '../data/guard-example.ts';

export interface GenerationCost {
  readonly model: string;
  /** Characters that it writes in a second, one answer at a time. */
  readonly charactersPerSecond: number;
  /** Time that a probe adds in the model's own pass, as a part of the time for writing; null where none was given. */
  readonly sharedProbe: number | null;
}

export interface GenerationCostOptions {
  readonly answers?: number;
  readonly maxNewTokens?: number;
  /** On this very model. */
  readonly probe?: StateProbe;
}

/** Lets a model write a few answers, one at a time, as one user sees it. */
export async function measureGeneration(
  folder: string,
  examples: readonly GuardExample[],
  { answers = 6, maxNewTokens = 64, probe }: GenerationCostOptions = {},
): Promise<GenerationCost> {
  const generator = await TextGenerator.load(folder, { probe });
  try {
    let [characters, seconds, added] = [0, 0, 0];
    const asked = examples.filter(({ prompt }) => prompt.at(-1)!.content.length < 400).slice(0, answers + 1);
    for (const [i, { prompt }] of asked.entries()) {
      const text = prompt.at(-1)!.content;
      const form = generator.template ? { messages: [{ role: 'user', content: text }] } : { prompt: text };
      const request = { ...form, options: { maxNewTokens, seed: i } };
      const plain = await timed(() => generator.generate([request]));
      const watched = probe && (await timed(() => generator.generate([request], { onPrompt, onRead })));
      if (i === 0) continue; // warms up
      seconds += plain.seconds;
      characters += plain.result[0].text.length;
      added += watched ? watched.seconds - plain.seconds : 0;
    }
    return {
      model: folder,
      charactersPerSecond: characters / Math.max(seconds, 1e-9),
      // What other work takes can make it less than nothing.
      sharedProbe: probe ? Math.max(0, added) / Math.max(seconds, 1e-9) : null,
    };
  } finally {
    await generator.release();
  }
}

/** Asked for, so that the probe's numbers are fetched; nobody looks at them. */
const onPrompt = (): void => {};
const onRead = (): void => {};

async function timed<Result>(
  work: () => Promise<Result>,
): Promise<{ readonly result: Result; readonly seconds: number }> {
  const start = performance.now();
  const result = await work();
  return { result, seconds: (performance.now() - start) / 1000 };
}

/** Time for screening an answer as a part of the time for writing it. */
export function addedShare(
  guardCharactersPerSecond: number,
  { charactersPerSecond }: GenerationCost,
): number {
  return charactersPerSecond / guardCharactersPerSecond;
}
