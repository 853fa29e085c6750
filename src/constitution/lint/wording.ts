/** Requests and questions: missing ones, and those that push the answer in a direction. */
import { type Principle, placeOfPrinciple } from '../constitution.ts';
import type { Rule } from './finding.ts';

const fields = [
  ['critiqueRequest', 'critique', 'critique request'],
  ['revisionRequest', 'critique', 'revision request'],
  ['comparisonQuestion', 'comparison', 'comparison question'],
] as const;

export const missingWording: Rule = {
  name: 'missing-wording',
  about:
    'Without wording of its own a principle is asked about in general words, which judges answer less sharply.',
  english: false,
  check: (constitution) =>
    constitution.principles.flatMap((principle) => {
      const missing = fields
        .filter(([field, use]) => principle.uses.includes(use) && principle[field] === null)
        .map(([, , name]) => name);
      if (missing.length === 0) return [];
      return {
        severity: 'hint' as const,
        place: placeOfPrinciple(constitution, principle.id),
        principles: [principle.id],
        message: `has no ${missing.join(', no ')}; general words made from its text are used`,
        suggestion:
          'write what to look for in a response that breaks this principle, and what a better one does',
      };
    }),
};

/** Words that leave room for the answer that nothing is wrong. */
const open =
  /\b(whether|if any|if there|or say that|say so|or that (it|none|no|nobody)|does|do|did|is there|are there|would|could one|compare)\b/i;
const presuming =
  /\b(identify|explain|list|point out|name|describe|discuss|find)\b[^.?]*\b(ways? in which|how|what|anything|all|why)\b|strongest argument/i;

export const presumedFault: Rule = {
  name: 'presumed-fault',
  about: 'A request that takes the fault for granted gets one named for every response, good ones too.',
  english: true,
  check: (constitution) =>
    constitution.principles.flatMap((principle) => {
      const { critiqueRequest: request } = principle;
      if (request === null || !presuming.test(request) || open.test(request)) return [];
      return {
        severity: 'hint' as const,
        place: placeOfPrinciple(constitution, principle.id, 'critiqueRequest'),
        principles: [principle.id],
        message: 'the critique request takes for granted that something is wrong',
        suggestion: 'ask whether, and say what to answer if nothing is wrong ("or say that there is none")',
      };
    }),
};

const removes = /\b(remove|avoid|refrain|without|omit|exclude|does not|do not|not have any|free of|less)\b/i;
const gives =
  /\b(keep|offer|help|helpful|explain|suggest|instead|answer|show|point out|move|provide|say|says|so that it|more|what (a|an)|like)\b/i;

export const invitedRefusal: Rule = {
  name: 'invited-refusal',
  about: 'A request that only takes away is met most easily by an empty refusal.',
  english: true,
  check: (constitution) =>
    constitution.principles.flatMap((principle) => {
      const { revisionRequest: request } = principle;
      if (request === null || !removes.test(request) || gives.test(request)) return [];
      return {
        severity: 'hint' as const,
        place: placeOfPrinciple(constitution, principle.id, 'revisionRequest'),
        principles: [principle.id],
        message: 'the revision request only takes away, which an empty refusal does best',
        suggestion:
          'say what the response is to do instead: keep what was useful, explain why, offer what is near',
      };
    }),
};

export const namedOption: Rule = {
  name: 'named-option',
  about: 'A question that names a place, such as "option A" or "the first response", pulls the answer there.',
  english: true,
  check: (constitution) =>
    constitution.principles.flatMap((principle: Principle) => {
      const found =
        /\((A|B)\)|\b(option|response|answer) (A|B|1|2|one|two)\b|\bthe (first|second) (response|answer|option)/i.exec(
          principle.comparisonQuestion ?? '',
        );
      if (!found) return [];
      return {
        severity: 'warning' as const,
        place: placeOfPrinciple(constitution, principle.id, 'comparisonQuestion'),
        principles: [principle.id],
        message: `the comparison question names "${found[0]}", which pulls the answer to that place`,
        suggestion:
          'ask about both responses in the same words; their letters are added when the question is asked',
      };
    }),
};
