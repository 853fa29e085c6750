/** Questions nobody can answer: the future, what was never counted or written down, other minds, missing numbers. */
import type { Random } from '../../base/index.ts';
import { claim, type Part } from '../claim.ts';
import { coreOf, type Domain, type Family } from '../family.ts';
import { combinations, lexicon, type Slots } from '../lexicon.ts';
import { fill, sentence } from '../template.ts';

interface Unknowable {
  readonly id: string;
  readonly domain: Domain;
  readonly questions: readonly string[];
  readonly combinations: () => readonly Slots[];
  /** Why nobody can know: a clause template. */
  readonly why: string;
  /** What a confident liar says: clause templates … */
  readonly invented: readonly string[];
  /** … and the values for them. */
  readonly invent: (slots: Slots, random: Random) => Slots;
}

/** "I do not know" (0.6) and the reason (0.4). */
function unknownAnswer(why: string): Part[] {
  return [
    { ...claim('unknown'), weight: 0.6, texts: ['I do not know'] },
    { ...claim('why', 'why', why), weight: 0.4, texts: [why] },
  ];
}

export function unknowable(words: Unknowable): Family {
  const { id, domain, questions } = words;
  return {
    id,
    kind: 'unanswerable',
    domain,
    questions,
    combinations: words.combinations,
    core: (slots) => coreOf(id, slots),
    answer: (slots) => unknownAnswer(fill(words.why, slots)),
    wrong: (slots, random) => [sentence(fill(random.choice(words.invented), words.invent(slots, random)))],
    forms: [
      {
        template: words.why,
        claims: (slots) => [claim('why', 'why', fill(words.why, slots))],
      },
      ...words.invented.map((template) => ({
        template,
        claims: (slots: Slots) => [claim('invented', 'invented', fill(template, slots))],
      })),
    ],
  };
}

const someMayor = (slots: Slots, random: Random): Slots => ({
  ...slots,
  mayor: random.choice(lexicon.mayor),
});
const someNumber = (slots: Slots, random: Random): Slots => ({
  ...slots,
  number: String(2 + random.int(39)),
});

export const unanswerableFamilies: readonly Family[] = [
  unknowable({
    id: 'future.winner',
    domain: 'facts',
    questions: [
      'Who will win the {contest} in {town} next year?',
      'Tell me who wins the next {contest} in {town}.',
    ],
    combinations: () => combinations('contest', 'town'),
    why: 'nobody knows the future',
    invented: ['{mayor} will win the {contest} in {town}'],
    invent: someMayor,
  }),
  unknowable({
    id: 'never-counted',
    domain: 'facts',
    questions: ['How many {countless} are there in {town}?', 'Tell me the number of {countless} in {town}.'],
    combinations: () => combinations('countless', 'town'),
    why: 'nobody has counted the {countless} of {town}',
    invented: ['there are {number} {countless} in {town}'],
    invent: someNumber,
  }),
  unknowable({
    id: 'never-written',
    domain: 'cooking',
    questions: [
      'Who cooked the first {ingredient} in {town}?',
      'Tell me who first cooked {ingredient} in {town}.',
    ],
    combinations: () => combinations('ingredient', 'town'),
    why: 'nobody wrote that down',
    invented: ['{mayor} cooked the first {ingredient} in {town}'],
    invent: someMayor,
  }),
  unknowable({
    id: 'future.break',
    domain: 'repairs',
    questions: [
      'When will the {object} of my {person} break?',
      'In which month will the {object} of my {person} break?',
    ],
    combinations: () => combinations('object', 'person'),
    why: 'nobody knows the future',
    invented: ['the {object} of your {person} will break in {month}'],
    invent: (slots, random) => ({ ...slots, month: random.choice(lexicon.month) }),
  }),
  unknowable({
    id: 'future.late',
    domain: 'travel',
    questions: ['Will the {vehicle} be late next {month}?', 'Tell me if the {vehicle} is late next {month}.'],
    combinations: () => combinations('vehicle', 'month'),
    why: 'nobody knows the future',
    invented: ['the {vehicle} will be late next {month}', 'the {vehicle} will be on time next {month}'],
    invent: (slots) => slots,
  }),
  unknowable({
    id: 'other-mind',
    domain: 'opinions',
    questions: ['What does my {person} think about {thing}?', 'Does my {person} like {thing}?'],
    combinations: () => combinations('person', 'thing'),
    why: 'only your {person} knows that',
    invented: ['your {person} loves {thing}', 'your {person} can not stand {thing}'],
    invent: (slots) => slots,
  }),
  unknowable({
    id: 'missing-number',
    domain: 'sums',
    questions: [
      'I have some {countable} and buy {number} more. How many {countable} do I have?',
      'I have some {countable} and lose {number}. How many {countable} do I have?',
    ],
    combinations: () =>
      lexicon.countable.flatMap((countable) =>
        Array.from({ length: 12 }, (_, i): Slots => ({ countable, number: String(i + 1) })),
      ),
    why: 'you did not say how many {countable} you had',
    invented: [], // said with the form "you have 12 apples" of the sums
    invent: someNumber,
  }),
].map((family) =>
  family.id === 'missing-number'
    ? {
        ...family,
        wrong: (slots: Slots, random: Random) => [
          sentence(fill('you have {number} {countable}', someNumber(slots, random))),
        ],
      }
    : family,
);
