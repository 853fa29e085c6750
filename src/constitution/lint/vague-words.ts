/** Words that two judges read differently, where the principle says nowhere how to tell. */
import { placeOfPrinciple } from '../constitution.ts';
import { wordsOf } from '../words.ts';
import { listOf, type Rule } from './finding.ts';

const vague: ReadonlySet<string> = new Set([
  ...['appropriate', 'inappropriate', 'good', 'bad', 'best', 'proper', 'right', 'wrong', 'nice', 'positive'],
  ...['negative', 'harmful', 'harmless', 'safe', 'unsafe', 'dangerous', 'ethical', 'unethical', 'moral'],
  ...['immoral', 'toxic', 'offensive', 'objectionable', 'controversial', 'controversal', 'problematic'],
  ...['questionable', 'sensitive', 'insensitive', 'reasonable', 'acceptable', 'unacceptable', 'wise'],
  ...['thoughtful', 'respectful', 'desirable', 'undesirable', 'suitable', 'high-quality', 'age-appropriate'],
  ...[
    'appropriately',
    'ethically',
    'morally',
    'safely',
    'properly',
    'positively',
    'harmfulness',
    'reasonably',
  ],
]);

/** Words that begin to say how one could tell. */
const test =
  /\b(for example|for instance|such as|e\.g\.|including|include|examples? of|the test|would it|suppose|imagine|would nearly|that is,|namely)\b/i;

export const vagueWords: Rule = {
  name: 'vague-words',
  about:
    'Words such as "appropriate" mean something else to every judge unless the principle says how to tell.',
  english: true,
  check: (constitution) =>
    constitution.principles.flatMap((principle) => {
      const { id, text, examples } = principle;
      const found = [...new Set(wordsOf(text).filter((word) => vague.has(word)))];
      if (found.length === 0 || examples.length > 0 || test.test(text)) return [];
      return {
        severity: 'warning' as const,
        place: placeOfPrinciple(constitution, id, 'text'),
        principles: [id],
        message: `${listOf(found)} can be read in many ways, and nothing says how to tell`,
        suggestion:
          'add an example of a response that breaks the principle and a better one, or say what has to be true of a ' +
          'response ("nobody who follows it is injured" instead of "safe")',
      };
    }),
};
