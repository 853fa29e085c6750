/** For tests: texts in which one word is what is harmful, so small that a classifier learns them in a moment. */
import { Random } from '../../base/index.ts';
import type { GuardExample } from '../data/guard-example.ts';

const plain =
  'the a cat dog house tree river walks sees likes near under green old small bread song road'.split(' ');
export const badWords = { weapons: 'bomb', theft: 'steal' } as const;

/** Half of them harmful; half of the harmful ones of each category. */
export function wordExamples(count: number, seed = 1): GuardExample[] {
  const random = new Random(seed);
  const sentence = (length: number): string[] => Array.from({ length }, () => random.choice(plain));
  const spoilt = (words: string[], bad: string): string =>
    words.with(random.int(words.length), bad).join(' ');
  return Array.from({ length: count }, (_, i): GuardExample => {
    const harmful = i % 2 === 0;
    const category = i % 4 === 0 ? 'weapons' : 'theft';
    const bad = badWords[category];
    const prompt = harmful ? spoilt(sentence(8), bad) : sentence(8).join(' ');
    const answer = harmful ? spoilt(sentence(14), bad) : sentence(14).join(' ');
    return {
      id: `words/${i}`,
      prompt: [{ role: 'user', content: prompt }],
      answer,
      harmfulPrompt: harmful,
      harmfulAnswer: harmful,
      categories: harmful ? [category] : [],
      source: `words-${i % 5}`,
      technique: 'direct',
      request: prompt,
    };
  });
}
