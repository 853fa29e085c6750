/** How-tos of cooking, repairs and travel. The steps are composed from the slots, so that new combinations can be answered. */
import { fact, rangeOf } from '../facts.ts';
import {
  asks,
  coreOf,
  type Domain,
  type Family,
  type Form,
  type PromptKind,
  type Step,
  stepForm,
  stepParts,
  wrongSteps,
} from '../family.ts';
import { combinations, lexicon, type Slots } from '../lexicon.ts';
import { fill } from '../template.ts';

interface HowTo {
  readonly id: string;
  readonly kind: PromptKind;
  readonly domain: Domain;
  readonly questions: readonly string[];
  readonly combinations: () => readonly Slots[];
  readonly steps: (slots: Slots) => readonly Step[];
  readonly forms: readonly Form[];
}

/** A family whose answer is a sequence of steps. */
export function howTo(words: HowTo): Family {
  const { id, kind, domain, questions, forms } = words;
  const answer = (slots: Slots) => stepParts(words.steps(slots));
  let all: readonly Slots[] | undefined;
  const every = () => (all ??= words.combinations());
  return {
    id,
    kind,
    domain,
    questions,
    forms,
    combinations: every,
    core: (slots) => coreOf(id, slots),
    answer,
    wrong: (slots, random) => wrongSteps(answer, every, slots, random),
  };
}

/** The first step on any ingredient: peel, wash … */
export function prepareStep(ingredient: string): Step {
  return { role: 'prepare', text: `${fact('prepare', ingredient)} the ${ingredient}` };
}

/** What makes an object safe to work on. */
export function beforeStep(object: string): Step {
  return { role: 'before', text: fill(fact('before', object), { object }) };
}

function travelSteps({ town, town2 }: Slots): Step[] {
  const [from, to] = [fact('region', town), fact('region', town2)];
  const steps = [
    { role: 'leave', text: `take the ${fact('vehicle', town)} to the ${from} station` },
    { role: 'arrive', text: `take the ${fact('vehicle', town2)} to ${town2}` },
  ];
  if (from !== to) steps.splice(1, 0, { role: 'cross', text: `ride the coach to the ${to} station` });
  return steps;
}

export const howToFamilies: readonly Family[] = [
  howTo({
    id: 'cook',
    kind: 'how-to',
    domain: 'cooking',
    questions: asks('{method} {ingredient}'),
    combinations: () => combinations('method', 'ingredient'),
    steps: ({ method, ingredient }) => [
      prepareStep(ingredient),
      { role: 'medium', text: `${fact('medium', method)} for ${fact('minutes', ingredient)} minutes` },
      { role: 'finish', text: fact('finish', method) },
    ],
    forms: [
      ...rangeOf('prepare').map((verb) => stepForm('prepare', `${verb} the {ingredient}`)),
      ...rangeOf('medium').map((clause) => stepForm('medium', `${clause} for {number} minutes`)),
      ...rangeOf('finish').map((clause) => stepForm('finish', clause)),
    ],
  }),
  howTo({
    id: 'repair',
    kind: 'how-to',
    domain: 'repairs',
    questions: asks('fix a {fault} {object}'),
    combinations: () => combinations('fault', 'object'),
    steps: ({ fault, object }) => [
      beforeStep(object),
      { role: 'mend', text: `take a ${fact('tool', object)} and ${fact('mend', fault)}` },
      { role: 'after', text: fill(fact('after', object), { object }) },
    ],
    forms: [
      ...rangeOf('before').map((clause) => stepForm('before', clause)),
      ...rangeOf('mend').map((clause) => stepForm('mend', `take a {tool} and ${clause}`)),
      ...rangeOf('after').map((clause) => stepForm('after', clause)),
    ],
  }),
  howTo({
    id: 'journey',
    kind: 'how-to',
    domain: 'travel',
    questions: asks('get from {town} to {town2}'),
    combinations: () =>
      lexicon.town.flatMap((town) =>
        lexicon.town.filter((other) => other !== town).map((town2): Slots => ({ town, town2 })),
      ),
    steps: travelSteps,
    forms: [
      stepForm('leave', 'take the {vehicle} to the {region} station'),
      stepForm('cross', 'ride the coach to the {region} station'),
      stepForm('arrive', 'take the {vehicle} to {town}'),
    ],
  }),
];
