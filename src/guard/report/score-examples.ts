/** Puts examples before a guard, and keeps what it says. */
import { TenetError } from '../../base/index.ts';
import type { GuardExample } from '../data/guard-example.ts';
import type { GuardModel } from '../screen.ts';

/** What a guard thinks of one example. */
export interface ScoredExample {
  readonly example: GuardExample;
  /** Of the conversation. */
  readonly input: number;
  /** Largest score while the answer is read; null without an answer. */
  readonly output: number | null;
  /** What spoke loudest: of the conversation, and of the answer. */
  readonly principles: { readonly input: string | null; readonly output: string | null };
}

export interface ScoreOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** One after the other: a guard on this machine is not made faster by asking it more at once. */
export async function scoreExamples(
  guard: GuardModel,
  examples: readonly GuardExample[],
  { signal, onProgress }: ScoreOptions = {},
): Promise<ScoredExample[]> {
  const scored: ScoredExample[] = [];
  for (const example of examples) {
    if (signal?.aborted) throw new TenetError('interrupted', 'Stopped; nothing is written.');
    const input = await guard.screenInput(example.prompt, signal);
    const output = example.answer === null ? null : await screenAnswer(guard, example);
    scored.push({
      example,
      input: input.score,
      output: output?.score ?? null,
      principles: { input: loudest(input.byPrinciple), output: loudest(output?.byPrinciple) },
    });
    onProgress?.(scored.length, examples.length);
  }
  return scored;
}

async function screenAnswer(guard: GuardModel, { prompt, answer }: GuardExample) {
  const screen = await guard.openOutput(prompt);
  try {
    await screen.push(answer!);
    return await screen.end();
  } finally {
    screen.close();
  }
}

function loudest(byPrinciple: Readonly<Record<string, number>> = {}): string | null {
  const [first] = Object.entries(byPrinciple).sort(([, a], [, b]) => b - a);
  return first?.[0] ?? null;
}
