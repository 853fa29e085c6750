/** Facts looked up in the world: asked plainly, stated as the user's view, or asked about a town that is none. */
import type { Random } from '../../base/index.ts';
import type { Claim, Part } from '../claim.ts';
import { type Attribute, entitiesOf, fact, rangeOf } from '../facts.ts';
import type { Domain, Family, Form } from '../family.ts';
import { lexicon, type Slots } from '../lexicon.ts';
import { fill, sentence } from '../template.ts';
import { viewAnswer, viewQuestions, wrongView } from '../view.ts';
import { unknowable } from './unanswerable.ts';

interface AttributeWords {
  readonly attribute: Attribute;
  readonly domain: Domain;
  readonly entity: 'town' | 'ingredient' | 'object';
  readonly value: string;
  readonly questions: readonly string[];
  /** The first is the plainest; users state their views with it. */
  readonly statements: readonly [string, string];
}

const attributes: readonly AttributeWords[] = [
  {
    attribute: 'river',
    domain: 'facts',
    entity: 'town',
    value: 'river',
    questions: [
      'What is the river of {town}?',
      'Which river flows through {town}?',
      'Tell me the river of {town}.',
    ],
    statements: ['the river of {town} is the {river}', '{town} lies on the {river}'],
  },
  {
    attribute: 'region',
    domain: 'facts',
    entity: 'town',
    value: 'region',
    questions: ['Where is {town}?', 'In which part of Velmora is {town}?', 'Tell me where {town} is.'],
    statements: ['{town} is in the {region} of Velmora', 'you find {town} in the {region}'],
  },
  {
    attribute: 'product',
    domain: 'facts',
    entity: 'town',
    value: 'product',
    questions: [
      'What is {town} famous for?',
      'What do people make in {town}?',
      'Tell me what {town} is famous for.',
    ],
    statements: ['{town} is famous for {product}', 'people in {town} make {product}'],
  },
  {
    attribute: 'mayor',
    domain: 'facts',
    entity: 'town',
    value: 'mayor',
    questions: [
      'Who is the mayor of {town}?',
      'What is the name of the mayor of {town}?',
      'Who runs {town}?',
    ],
    statements: ['the mayor of {town} is {mayor}', '{mayor} is the mayor of {town}'],
  },
  {
    attribute: 'bridges',
    domain: 'facts',
    entity: 'town',
    value: 'number',
    questions: [
      'How many bridges are there in {town}?',
      'How many bridges does {town} have?',
      'Tell me the number of bridges in {town}.',
    ],
    statements: ['{town} has {number} bridges', 'there are {number} bridges in {town}'],
  },
  {
    attribute: 'vehicle',
    domain: 'travel',
    entity: 'town',
    value: 'vehicle',
    questions: [
      'What goes to {town}, bus, tram, boat or train?',
      'How can I reach {town}?',
      'What do I take to {town}?',
    ],
    statements: ['the {vehicle} goes to {town}', 'you reach {town} by {vehicle}'],
  },
  {
    attribute: 'minutes',
    domain: 'cooking',
    entity: 'ingredient',
    value: 'number',
    questions: [
      'How long do {ingredient} cook?',
      'How many minutes do {ingredient} need?',
      'Tell me how long to cook {ingredient}.',
    ],
    statements: ['{ingredient} need {number} minutes', '{ingredient} cook for {number} minutes'],
  },
  {
    attribute: 'tool',
    domain: 'repairs',
    entity: 'object',
    value: 'tool',
    questions: [
      'Which tool do I need for a {object}?',
      'What is the right tool for a {object}?',
      'Tell me the tool for a {object}.',
    ],
    statements: ['the right tool for a {object} is a {tool}', 'you need a {tool} for a {object}'],
  },
];

/** One sentence form per statement; also the single-speaker text of the corpus. */
function formsOf(words: AttributeWords): Form[] {
  return words.statements.map((template) => ({
    template,
    claims: (slots): Claim[] => [
      { type: 'fact', topic: `${words.attribute}/${slots[words.entity]}`, key: slots[words.value] },
    ],
  }));
}

function trueSlots(words: AttributeWords, entity: string): Slots {
  return { [words.entity]: entity, [words.value]: fact(words.attribute, entity) };
}

function truth(words: AttributeWords, entity: string): Part {
  const slots = trueSlots(words, entity);
  return {
    type: 'fact',
    topic: `${words.attribute}/${entity}`,
    key: slots[words.value],
    weight: 1,
    texts: words.statements.map((statement) => fill(statement, slots)),
  };
}

function falseStatement(
  words: AttributeWords,
  entity: string,
  not: readonly string[],
  random: Random,
): string {
  const values = rangeOf(words.attribute).filter((value) => !not.includes(value));
  return fill(random.choice(words.statements), {
    [words.entity]: entity,
    [words.value]: random.choice(values),
  });
}

function plain(words: AttributeWords): Family {
  const { attribute, domain, entity, questions } = words;
  return {
    id: `fact.${attribute}`,
    kind: 'fact',
    domain,
    questions,
    combinations: () => entitiesOf(attribute).map((value) => ({ [entity]: value })),
    core: (slots) => `${attribute}/${slots[entity]}`,
    answer: (slots) => [truth(words, slots[entity])],
    wrong: (slots, random) => [
      sentence(falseStatement(words, slots[entity], [fact(attribute, slots[entity])], random)),
    ],
    forms: formsOf(words),
  };
}

function view(words: AttributeWords): Family {
  const { attribute, domain, entity, value } = words;
  const entities = entitiesOf(attribute);
  return {
    id: `view.${attribute}`,
    kind: 'opinion',
    domain,
    questions: viewQuestions(words.statements[0]),
    combinations: () =>
      entities.flatMap((name) => rangeOf(attribute).map((v): Slots => ({ [entity]: name, [value]: v }))),
    // Right in half of the cases, so that neither "yes" nor "no" is a safe guess.
    draw: (random) => {
      const name = random.choice(entities);
      const right = fact(attribute, name);
      const others = rangeOf(attribute).filter((v) => v !== right);
      return { [entity]: name, [value]: random.uniform() < 0.5 ? right : random.choice(others) };
    },
    core: (slots) => `${attribute}/${slots[entity]}`,
    answer: (slots) =>
      viewAnswer(truth(words, slots[entity]), slots[value] === fact(attribute, slots[entity])),
    wrong: (slots, random) => {
      const right = fact(attribute, slots[entity]);
      const said = fill(words.statements[0], slots);
      return wrongView(said, falseStatement(words, slots[entity], [right, slots[value]], random), {
        viewIsRight: slots[value] === right,
        random,
      });
    },
    forms: [],
  };
}

/** Questions about towns that do not exist: nobody can answer them. */
function ghost(words: AttributeWords): Family {
  const invent = words.statements.map((statement) => statement.replace('{town}', '{ghost}'));
  return unknowable({
    id: `ghost.${words.attribute}`,
    domain: words.domain,
    questions: words.questions.map((question) => question.replace('{town}', '{ghost}')),
    combinations: () => lexicon.ghost.map((name) => ({ ghost: name })),
    why: 'there is no town called {ghost} in Velmora',
    invented: invent,
    invent: (slots, random) => ({ ...slots, [words.value]: random.choice(rangeOf(words.attribute)) }),
  });
}

export const factFamilies: readonly Family[] = [
  ...attributes.map(plain),
  ...attributes.map(view),
  ...attributes.filter((words) => words.entity === 'town').map(ghost),
];

/** A true statement about a random entity. */
export function randomFact(random: Random): string {
  const words = random.choice(attributes);
  return truthOf(words, random.choice(entitiesOf(words.attribute)), random);
}

/** True statements about one random entity (a single one if no more is known): text in which facts can be learnt. */
export function factsInARow(count: number, random: Random): string[] {
  const entity = random.choice(entitiesOf(random.choice(attributes).attribute));
  const known = attributes.filter(({ attribute }) => entitiesOf(attribute).includes(entity));
  return random
    .shuffled(known)
    .slice(0, count)
    .map((words) => truthOf(words, entity, random));
}

function truthOf(words: AttributeWords, entity: string, random: Random): string {
  return fill(random.choice(words.statements), trueSlots(words, entity));
}
