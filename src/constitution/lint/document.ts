/** Rules about the document as a whole. */
import { placeOfPrinciple } from '../constitution.ts';
import type { Rule } from './finding.ts';

export const noVersion: Rule = {
  name: 'no-version',
  about: 'Labels record the version; without one people cannot tell which text they were made under.',
  english: false,
  check: ({ version, origin }) =>
    version !== null
      ? []
      : [
          {
            severity: 'hint',
            place: origin.file,
            principles: [],
            message: 'has no version, so that labels name it by its hash alone',
            suggestion:
              'add "version: 1.0.0", and raise it with every change ("tenet constitution diff" says by how much)',
          },
        ],
};

export const neverUsed: Rule = {
  name: 'never-used',
  about: 'A principle of weight 0 is never drawn and never counts.',
  english: false,
  check: (constitution) =>
    constitution.principles
      .filter(({ weight }) => weight === 0)
      .map(({ id }) => ({
        severity: 'hint',
        place: placeOfPrinciple(constitution, id, 'weight'),
        principles: [id],
        message: 'has weight 0 and is never used',
        suggestion: 'give it a weight, or take it out of the document',
      })),
};
