/** Pairs of principles that ask for opposite things, where no priority says which one yields. */
import { type Constitution, type Principle, placeOfPrinciple, tierOf } from '../constitution.ts';
import { contentStems, overlapOf, stemOf } from '../words.ts';
import type { Rule } from './finding.ts';

/** Two ends of one scale: what asks for the one pulls away from the other. */
interface Scale {
  readonly name: string;
  readonly ends: readonly [readonly RegExp[], readonly RegExp[]];
  readonly case: string;
}

/** Known tensions between values; see also Askell et al. 2021, arXiv:2112.00861, on helpful against harmless. */
const scales: readonly Scale[] = [
  {
    name: 'completeness against brevity',
    ends: [
      [/\b(complete|thorough|comprehensive|in detail|detailed|exhaustive|everything)\b/i],
      [/\b(brief|briefly|concise|short|succinct|as few words)\b/i],
    ],
    case: 'a question whose full answer is long',
  },
  {
    name: 'helping against refusing',
    ends: [
      [
        /\b(always (answer|help|comply|follow)|never refuse|do(es)? what (the (user|person|human) )?(asks?|was asked)|most helpful)\b/i,
      ],
      [
        /\b(always refuse|must refuse|refuse (to|any|all|every)|never (answer|help|discuss|mention|give|provide))\b/i,
      ],
    ],
    case: 'a request with a good and a bad use',
  },
  {
    name: 'frankness against comfort',
    ends: [
      [
        /\b(frank|blunt|direct|brutally|unvarnished|whole truth|no matter how|even when (that|it) is (not welcome|hurtful))\b/i,
      ],
      [
        /\b(comfort|reassure|reassuring|spare|gentle|never (hurt|upset|offend)|make (people|the (user|person)) feel)\b/i,
      ],
    ],
    case: 'someone who shows work that is not good and hopes for praise',
  },
  {
    name: 'openness against confidence',
    ends: [
      [/\b(disclose|transparent|transparency|reveal (all|everything)|open about|share (all|everything))\b/i],
      [
        /\b(confidential|do(es)? not (reveal|disclose|share)|never (reveal|disclose|share)|withhold|secret)\b/i,
      ],
    ],
    case: 'a question about what the assistant was told in private',
  },
  {
    name: "people's own choice against protecting them",
    ends: [
      [
        /\b(own (choices?|decisions?)|autonomy|decide(s)? (for themselves|about their own)|without (judg|moralis|moraliz|preach)\w*)\b/i,
      ],
      [
        /\b(protect (people|users|them) from|discourage|warn (against|about)|prevent (people|users|them)|for their own good)\b/i,
      ],
    ],
    case: 'an adult who plans something risky and legal',
  },
  {
    name: 'neutrality against taking a side',
    ends: [
      [/\b(neutral|impartial|both sides|each side|does not (steer|take sides)|no opinion)\b/i],
      [/\b(take a (clear )?(stand|position|side)|condemn|denounce|speak out|advocate)\b/i],
    ],
    case: 'a political question with a moral side',
  },
  {
    name: 'certainty against caution',
    ends: [
      [/\b(confident|decisive|clear-cut|without hedging|never hedge)\b/i],
      [
        /\b(always (caveat|hedge|add a warning)|disclaimer|consult a professional|err on the side of caution)\b/i,
      ],
    ],
    case: 'a medical question with a well-known answer',
  },
  {
    name: 'words for children against words for adults',
    ends: [
      [/\b(children|family-friendly|age-appropriate|suitable for (kids|minors))\b/i],
      [/\b(treat \w+ as (an )?adult|adults? (decide|who)|explicit|mature (themes|content))\b/i],
    ],
    case: 'a question about sex or violence in a serious context',
  },
];

export const conflicts: Rule = {
  name: 'possible-conflict',
  about: 'Two principles that pull in opposite directions make the label depend on which one is drawn.',
  english: true,
  check: (constitution) => {
    const { principles } = constitution;
    return principles.flatMap((a, i) =>
      principles.slice(i + 1).flatMap((b) => {
        if (!a.uses.some((use) => b.uses.includes(use))) return [];
        if (tierOf(constitution, a) !== tierOf(constitution, b)) return []; // a priority decides
        const reason = contradictionOf(a, b) ?? tensionOf(a, b);
        return reason === null ? [] : [findingOf(constitution, a, b, reason)];
      }),
    );
  },
};

function findingOf(
  constitution: Constitution,
  a: Principle,
  b: Principle,
  reason: string,
): ReturnType<Rule['check']>[number] {
  return {
    severity: 'warning',
    place: placeOfPrinciple(constitution, b.id, 'text'),
    principles: [a.id, b.id],
    message: `may conflict with "${a.id}": ${reason}`,
    suggestion: 'say in one of them when it yields to the other, or rank their tags in "priorities"',
  };
}

/** Which scale the two pull in opposite directions. */
function tensionOf(a: Principle, b: Principle): string | null {
  const pulls = ({ text }: Principle, end: readonly RegExp[]): boolean =>
    end.some((words) => words.test(text));
  for (const {
    name,
    ends: [one, other],
    case: example,
  } of scales) {
    const [aOne, aOther, bOne, bOther] = [pulls(a, one), pulls(a, other), pulls(b, one), pulls(b, other)];
    // A principle that speaks of both ends has weighed them itself.
    if ((aOne && !aOther && bOther && !bOne) || (aOther && !aOne && bOne && !bOther)) {
      return `${name}, for instance with ${example}`;
    }
  }
  return null;
}

const demands = /\b(always|must|has to|should|ought to)\b/i;
const forbids = /\b(never|must not|should not|shouldn't|do(es)? not|don't|doesn't|avoid|refrain from)\b/i;
const modalStems = new Set(['always', 'must', 'never', 'should', 'avoid', 'refrain', 'ought'].map(stemOf));

/** One sentence demands what a sentence of the other forbids, in the same words. */
function contradictionOf(a: Principle, b: Principle): string | null {
  for (const one of sentencesOf(a.text)) {
    for (const other of sentencesOf(b.text)) {
      const opposite =
        (demands.test(one) && !forbids.test(one) && forbids.test(other)) ||
        (demands.test(other) && !forbids.test(other) && forbids.test(one));
      if (!opposite) continue;
      const [stemsOne, stemsOther] = [one, other].map(
        (sentence) => new Set([...contentStems(sentence)].filter((stem) => !modalStems.has(stem))),
      );
      if (stemsOne.size >= 2 && overlapOf(stemsOne, stemsOther) >= 0.5) {
        return `one demands what the other forbids ("${one.trim()}" and "${other.trim()}")`;
      }
    }
  }
  return null;
}

function sentencesOf(text: string): string[] {
  return text.split(/(?<=[.!?;])\s+/).filter((sentence) => sentence !== '');
}
