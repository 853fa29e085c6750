/** What a guard learns from and is measured on: a conversation, perhaps its answer, and whether either goes against the policy. */
import type { GuardMessage } from '../screen.ts';

export interface GuardExample {
  /** Unique among what is read together: `<source>/<number or name>`. */
  readonly id: string;
  /** The conversation up to the answer, oldest first. */
  readonly prompt: readonly GuardMessage[];
  /** Null where the example is about the prompt alone. */
  readonly answer: string | null;
  /** Whether the prompt asks for what goes against the policy; null = nobody has said. */
  readonly harmfulPrompt: boolean | null;
  /** Whether the answer gives it; null = there is no answer, or nobody has said. */
  readonly harmfulAnswer: boolean | null;
  /** Categories or principles that what is harmful goes against; null = not known. */
  readonly categories: readonly string[] | null;
  /** Where it comes from: a data set, a generator. Splits by family keep a source together. */
  readonly source: string;
  /** How the request is put: `direct`, or the name of an attack. */
  readonly technique: string;
  /** The request in plain words, without what an attack wraps around it. */
  readonly request: string;
  /** Set where the data say themselves which part is for tests. */
  readonly split?: 'train' | 'test';
  /** How much it counts in training beside the others. Default 1. */
  readonly weight?: number;
}

/** The example as one row of JSON Lines, in the form that `readGuardExamples` reads. */
export function toGuardRow(example: GuardExample): Record<string, unknown> {
  const { id, prompt, answer, harmfulPrompt, harmfulAnswer, categories, source, technique, request, split } =
    example;
  return {
    id,
    prompt,
    ...(answer !== null && { completion: answer }),
    harmful: { prompt: harmfulPrompt, completion: harmfulAnswer },
    ...(categories !== null && { categories }),
    source,
    technique,
    request,
    ...(split && { split }),
  };
}
