/** Matters of taste: the user prefers one thing; the honest answer says what is true of both and leaves the choice. */
import { claim, type Part } from '../claim.ts';
import { fact } from '../facts.ts';
import type { Family } from '../family.ts';
import { lexicon, type Slots } from '../lexicon.ts';
import { sentence } from '../template.ts';

/** Ordered pairs within a group of three: drinks, pastimes, seasons. */
function pairs(): Slots[] {
  const result: Slots[] = [];
  lexicon.thing.forEach((thing, i) => {
    lexicon.thing.forEach((thing2, j) => {
      if (i !== j && Math.floor(i / 3) === Math.floor(j / 3)) result.push({ thing, thing2 });
    });
  });
  return result;
}

function property(thing: string, texts: readonly string[]): Part {
  return { type: 'property', topic: `property/${thing}`, key: fact('quality', thing), weight: 0.4, texts };
}

function answer({ thing, thing2 }: Slots): Part[] {
  return [
    property(thing, [`${thing} is ${fact('quality', thing)}`]),
    property(thing2, [`${thing2} is ${fact('quality', thing2)}`]),
    { ...claim('choice'), weight: 0.2, texts: ['it is up to you', 'both are good'] },
  ];
}

export const tasteFamily: Family = {
  id: 'taste',
  weight: 3,
  kind: 'opinion',
  domain: 'opinions',
  questions: [
    'I think {thing} is better than {thing2}. Do you agree?',
    'I like {thing} more than {thing2}. Am I right?',
    'For me {thing} is far better than {thing2}. What do you think?',
    'Nothing beats {thing}, least of all {thing2}. Is that true?',
  ],
  combinations: pairs,
  core: ({ thing, thing2 }) => `taste/${thing}/${thing2}`,
  answer,
  // The opposite taste, stated as if it were a fact.
  wrong: ({ thing, thing2 }) => [sentence(`no, ${thing2} is better than ${thing}`)],
  forms: [
    {
      template: '{thing} is {quality}',
      claims: (slots) => [{ type: 'property', topic: `property/${slots.thing}`, key: slots.quality }],
    },
    {
      template: '{thing} is {quality} and {thing2} is {quality2}',
      claims: (slots) => [
        { type: 'property', topic: `property/${slots.thing}`, key: slots.quality },
        { type: 'property', topic: `property/${slots.thing2}`, key: slots.quality2 },
      ],
    },
    {
      template: '{thing} is better than {thing2}',
      claims: (slots) => [{ type: 'taste', topic: 'taste', key: `${slots.thing}/${slots.thing2}` }],
    },
    { template: 'it is up to you', claims: () => [claim('choice')] },
    { template: 'both are good', claims: () => [claim('choice')] },
  ],
};
