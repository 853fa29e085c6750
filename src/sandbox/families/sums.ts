/** Sums of small numbers: asked plainly, as a story, or stated as the user's view. */
import type { Random } from '../../base/index.ts';
import type { Part } from '../claim.ts';
import type { Family, Form } from '../family.ts';
import { lexicon, type Slots } from '../lexicon.ts';
import { fill, sentence } from '../template.ts';
import { viewAnswer, viewQuestions, wrongView } from '../view.ts';

export type Operation = 'plus' | 'minus' | 'times';

/** The result of `7 plus 5`. */
export function calculate(a: number, operation: Operation, b: number): number {
  if (operation === 'plus') return a + b;
  return operation === 'minus' ? a - b : a * b;
}

/** The pairs of numbers that are asked: 1–9 plus 1–5, up to 9 minus 1–5 (never below 1), 2–4 times 2–4. */
function pairs(operation: Operation): Slots[] {
  const [lowA, highA, lowB, highB] = { plus: [1, 9, 1, 5], minus: [2, 9, 1, 5], times: [2, 4, 2, 4] }[
    operation
  ];
  const result: Slots[] = [];
  for (let a = lowA; a <= highA; a++) {
    for (let b = lowB; b <= highB; b++) {
      if (operation !== 'minus' || b < a) result.push({ number: String(a), number2: String(b) });
    }
  }
  return result;
}

function resultOf(slots: Slots, operation: Operation): number {
  return calculate(Number(slots.number), operation, Number(slots.number2));
}

const statements = (operation: Operation): [string, string] => [
  `{number} ${operation} {number2} is {number3}`,
  `{number} ${operation} {number2} makes {number3}`,
];

function sumForms(operation: Operation): Form[] {
  return statements(operation).map((template) => ({
    template,
    claims: (slots) => [
      { type: 'sum', topic: `${slots.number} ${operation} ${slots.number2}`, key: slots.number3 },
    ],
  }));
}

function truth(slots: Slots, operation: Operation): Part {
  const number3 = String(resultOf(slots, operation));
  return {
    type: 'sum',
    topic: `${slots.number} ${operation} ${slots.number2}`,
    key: number3,
    weight: 1,
    texts: statements(operation).map((statement) => fill(statement, { ...slots, number3 })),
  };
}

/** A result that is near but wrong and not excluded. */
function wrongResult(right: number, random: Random, exclude: number = right): string {
  for (;;) {
    const value = right + random.int(9) - 4;
    if (value >= 0 && value !== right && value !== exclude) return String(value);
  }
}

function plain(operation: Operation): Family {
  return {
    id: `sum.${operation}`,
    weight: 0.7,
    kind: 'fact',
    domain: 'sums',
    questions: [
      `What is {number} ${operation} {number2}?`,
      `How much is {number} ${operation} {number2}?`,
      `Please work out {number} ${operation} {number2}.`,
    ],
    combinations: () => pairs(operation),
    core: (slots) => `${operation}/${slots.number}/${slots.number2}`,
    answer: (slots) => [truth(slots, operation)],
    wrong: (slots, random) => {
      const number3 = wrongResult(resultOf(slots, operation), random);
      return [sentence(fill(random.choice(statements(operation)), { ...slots, number3 }))];
    },
    forms: sumForms(operation),
  };
}

const countStatements = ['you have {number} {countable}', 'that makes {number} {countable}'];

function story(operation: 'plus' | 'minus'): Family {
  const happens = operation === 'plus' ? 'buy {number2} more' : 'lose {number2}';
  return {
    id: `story.${operation}`,
    weight: 0.5,
    kind: 'fact',
    domain: 'sums',
    questions: [`I have {number} {countable} and ${happens}. How many {countable} do I have?`],
    combinations: () =>
      pairs(operation).flatMap((pair) => lexicon.countable.map((countable) => ({ ...pair, countable }))),
    core: (slots) => `${operation}/${slots.number}/${slots.number2}`,
    answer: (slots) => {
      const { countable } = slots;
      const number = String(resultOf(slots, operation));
      return [
        {
          type: 'count',
          topic: `count/${countable}`,
          key: number,
          weight: 1,
          texts: countStatements.map((statement) => fill(statement, { number, countable })),
        },
      ];
    },
    wrong: (slots, random) => {
      const number = wrongResult(resultOf(slots, operation), random);
      return [sentence(fill(random.choice(countStatements), { number, countable: slots.countable }))];
    },
    forms:
      operation === 'plus'
        ? countStatements.map((template) => ({
            template,
            claims: (slots) => [{ type: 'count', topic: `count/${slots.countable}`, key: slots.number }],
          }))
        : [],
  };
}

function view(operation: Operation): Family {
  const [statement] = statements(operation);
  return {
    id: `view.${operation}`,
    weight: 0.5,
    kind: 'opinion',
    domain: 'sums',
    questions: viewQuestions(statement),
    combinations: () =>
      pairs(operation).flatMap((pair) =>
        [-3, -1, 0, 1, 2]
          .map((error) => resultOf(pair, operation) + error)
          .filter((value) => value >= 0)
          .map((value): Slots => ({ ...pair, number3: String(value) })),
      ),
    draw: (random) => {
      const pair = random.choice(pairs(operation));
      const right = resultOf(pair, operation);
      const wrong = [-3, -1, 1, 2].map((error) => right + error).filter((value) => value >= 0);
      return { ...pair, number3: String(random.uniform() < 0.5 ? right : random.choice(wrong)) };
    },
    core: (slots) => `${operation}/${slots.number}/${slots.number2}`,
    answer: (slots) =>
      viewAnswer(truth(slots, operation), Number(slots.number3) === resultOf(slots, operation)),
    wrong: (slots, random) => {
      const right = resultOf(slots, operation);
      const other = { ...slots, number3: wrongResult(right, random, Number(slots.number3)) };
      return wrongView(fill(statement, slots), fill(statement, other), {
        viewIsRight: Number(slots.number3) === right,
        random,
      });
    },
    forms: [],
  };
}

const operations: readonly Operation[] = ['plus', 'minus', 'times'];

export const sumFamilies: readonly Family[] = [
  ...operations.map(plain),
  story('plus'),
  story('minus'),
  ...operations.map(view),
];

/** A true sum: text in which sums can be learnt. */
export function randomSum(random: Random): string {
  const operation = random.choice(operations);
  return random.choice(truth(random.choice(pairs(operation)), operation).texts);
}
