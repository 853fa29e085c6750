/** Principles that say the same twice, and so count twice when one is drawn at random. */
import { type Principle, placeOfPrinciple } from '../constitution.ts';
import { contentStems, overlapOf } from '../words.ts';
import type { Rule } from './finding.ts';

/**
 * Share of common content words from which two principles are the same. Among the prompts of Bai et al. 2022 it finds
 * three pairs, which differ in wording alone; the next pair shares 0.41.
 */
const same = 0.5;

export const duplicates: Rule = {
  name: 'duplicate',
  about: 'Two principles that say the same double their weight without anybody deciding it.',
  english: false,
  check: (constitution) => {
    const { principles } = constitution;
    const stems = principles.map((principle) => contentStems(comparedText(principle)));
    return principles.flatMap((principle, i) =>
      principles.slice(0, i).flatMap((earlier, j) => {
        if (!earlier.uses.some((use) => principle.uses.includes(use))) return [];
        const overlap = overlapOf(stems[i], stems[j]);
        if (overlap < same) return [];
        return {
          severity: 'warning' as const,
          place: placeOfPrinciple(constitution, principle.id),
          principles: [earlier.id, principle.id],
          message: `says nearly the same as "${earlier.id}" (${Math.round(100 * overlap)} % of their words are common)`,
          suggestion: `merge the two, and set "weight" if what they say is to count more`,
        };
      }),
    );
  },
};

function comparedText({ text, critiqueRequest, comparisonQuestion }: Principle): string {
  return [text, critiqueRequest, comparisonQuestion].filter(Boolean).join(' ');
}
