/** Categories about which the document says nothing, above all helpfulness. */
import { type Principle, tierOf } from '../constitution.ts';
import { CATEGORIES, covering } from './categories.ts';
import type { Rule } from './finding.ts';

export const coverage: Rule = {
  name: 'no-coverage',
  about: 'What no principle mentions is decided by the habits of the model that judges.',
  english: true,
  check: (constitution) =>
    CATEGORIES.filter(({ name }) => name !== 'helpfulness')
      .filter((category) => covering(constitution, category).length === 0)
      .map(({ name, about }) => ({
        severity: 'hint' as const,
        place: constitution.origin.file,
        principles: [],
        message: `no principle is about ${name}: ${about}`,
        suggestion: `add a principle, or tag one that covers it with "${name}"; "tenet constitution show default" has wording to start from`,
      })),
};

/** Share of the weight below which helpfulness hardly ever decides. */
const leastShare = 0.1;

export const balance: Rule = {
  name: 'unbalanced',
  about:
    'Where no principle asks for help, a refusal is never worse than an answer, and the model learns to refuse.',
  english: true,
  check: (constitution) => {
    const helpful = covering(constitution, CATEGORIES.find(({ name }) => name === 'helpfulness')!);
    const weightOf = (principles: readonly Principle[]): number =>
      principles.reduce((sum, { weight }) => sum + weight, 0);
    const share = weightOf(helpful) / Math.max(weightOf(constitution.principles), Number.MIN_VALUE);
    const place = constitution.origin.file;
    if (helpful.length === 0) {
      return [
        {
          severity: 'warning',
          place,
          principles: [],
          message: 'no principle asks for helpfulness, so that refusing is free',
          suggestion:
            'add a principle under which an answer that helps wins over a needless refusal, and tag it "helpfulness"',
        },
      ];
    }
    if (share >= leastShare) return [];
    return [
      {
        severity: 'hint',
        place,
        principles: helpful.map(({ id }) => id),
        message: `helpfulness has ${Math.round(100 * share)} % of the weight, so that it hardly ever decides`,
        suggestion:
          'raise the "weight" of these principles, or ask for help in the other questions where no harm is done',
      },
    ];
  },
};

export const lonelyTier: Rule = {
  name: 'unranked',
  about:
    'Where some principles have a priority, those without one yield to all of them, which is easily overlooked.',
  english: false,
  check: (constitution) => {
    const { priorities, principles } = constitution;
    if (priorities.length === 0) return [];
    const unranked = principles.filter((principle) => tierOf(constitution, principle) > priorities.length);
    if (unranked.length === 0) return [];
    return [
      {
        severity: 'hint',
        place: constitution.origin.places.priorities ?? constitution.origin.file,
        principles: unranked.map(({ id }) => id),
        message: `no priority names ${unranked.map(({ id }) => id).join(', ')}, so that every other principle outweighs ${unranked.length === 1 ? 'it' : 'them'}`,
        suggestion: 'add one of their tags or their section to "priorities" if that is not meant',
      },
    ];
  },
};
