/** Training prompts in the disguises of attacks, harmful and harmless ones alike, so that no disguise is a sign of harm. */
import { Random } from '../../base/index.ts';
import { builtInTechniques, type Technique } from '../../evaluate/index.ts';
import type { GuardExample } from './guard-example.ts';

/**
 * The examples, and after each whose prompt is judged `count` copies of the prompt alone, put by techniques drawn with the
 * seed. What is disguised already stays as it is.
 */
export function disguised(
  examples: readonly GuardExample[],
  {
    count,
    seed,
    techniques = builtInTechniques,
  }: {
    readonly count: number;
    readonly seed: number;
    readonly techniques?: readonly Technique[];
  },
): GuardExample[] {
  const usable = techniques.filter(({ name }) => name !== 'direct');
  return examples.flatMap((example): GuardExample[] => {
    const isPlain = example.technique === 'direct' || example.technique.startsWith('look-alike');
    if (example.harmfulPrompt === null || !isPlain) return [example];
    const random = new Random(seed).fork(`disguise ${example.id}`);
    const copies = random
      .shuffled(usable)
      .slice(0, count)
      .map((technique): GuardExample => {
        const wrapped = technique.wrap(example.request, random);
        return {
          ...example,
          id: `${example.id}/${technique.name}`,
          // The beginning of an answer that an attack puts into the model's mouth is no turn of the conversation.
          prompt: wrapped.at(-1)!.role === 'assistant' ? wrapped.slice(0, -1) : wrapped,
          answer: null,
          harmfulAnswer: null,
          technique: technique.name,
        };
      });
    return [example, ...copies];
  });
}
