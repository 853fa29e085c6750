/** Generation of random responses, with the time of the prompts told from that of the tokens after them. */
import type { Generator } from '../src/model/index.ts';
import { randomTokens, type sizes } from './sizes.ts';

export interface GenerationShape {
  readonly batch: number;
  readonly promptTokens: number;
  readonly newTokens: number;
}

export interface GenerationTime {
  /** From the call to the end. */
  readonly totalMs: number;
  /** From the moment every sequence could have its first token to the end: `newTokens − 1` steps. */
  readonly decodeMs: number;
}

/** Samples at temperature 1 from distinct prompts; nothing ends a response early. */
export async function timeGeneration(
  generator: Generator,
  config: (typeof sizes)[keyof typeof sizes],
  shape: GenerationShape,
): Promise<GenerationTime> {
  const { batch, promptTokens, newTokens } = shape;
  const requests = Array.from({ length: batch }, (_, i) => ({
    prompt: randomTokens(config, promptTokens, i),
    maxNewTokens: newTokens,
    temperature: 1,
    seed: i,
  }));
  let first = 0;
  const start = performance.now();
  await generator.generate(requests, {
    onToken: () => {
      first ||= performance.now();
    },
  });
  const end = performance.now();
  return { totalMs: end - start, decodeMs: end - first };
}
