import { describe, expect, it } from 'vitest';
import type { GuardExample, ScoredExample } from '../../guard/index.ts';
import { wilsonInterval } from '../../objective/index.ts';
import { differenceOf, guardTables, type MeasuredGuard } from './guard-tables.ts';

const example = (id: string, harmful: boolean, source: string): GuardExample => ({
  ...{ id, source, prompt: [{ role: 'user', content: id }], answer: null, request: id, technique: 'direct' },
  ...{ harmfulPrompt: harmful, harmfulAnswer: null, categories: null },
});
const examples = [
  example('a', true, 'cases'),
  example('b', true, 'cases'),
  example('c', false, 'cases'),
  example('d', false, 'cases'),
  example('e', true, 'file'),
  example('f', false, 'file'),
];

/** @param scores of the examples, in order; it blocks from 0.5, and from 0.2 where more may be refused */
function guard(name: string, scores: readonly number[], judgesAnswers = true): MeasuredGuard {
  const scored = examples.map(
    (one, i): ScoredExample => ({
      ...{ example: one, input: scores[i], output: null, principles: { input: null, output: null } },
    }),
  );
  return {
    ...{ name, scored, thresholds: { input: 0.5, output: 0.5 } },
    judges: (question) => question === 'input' || judgesAnswers,
    thresholdsAt: (rate) => (rate === 0.05 ? { input: 0.2, output: 0.2 } : null),
  };
}

const made = guard('new guard', [0.9, 0.3, 0.1, 0.6, 0.8, 0.1]);
const former = guard('former guard', [0.4, 0.4, 0.1, 0.1, 0.9, 0.1]);
const groups = [
  {
    name: 'judged cases',
    texts: 'cases',
    has: ({ example: { source } }: ScoredExample) => source === 'cases',
  },
  { name: 'test data', texts: 'texts', has: ({ example: { source } }: ScoredExample) => source === 'file' },
];
const tables = guardTables('guard', [made, former], former, groups, { refusalRate: 0.01, seed: 1 });
const tableOf = (title: string) => tables.find((table) => table.title === title)!;
const percent = (hits: number, all: number): object => {
  const { estimate, low, high } = wilsonInterval(hits, all);
  return { value: 100 * estimate, low: 100 * low, high: 100 * high };
};

describe('tables of guards', () => {
  it('say group by group what each decides rightly, lets pass and refuses, by hand', () => {
    const { rows, columns } = tableOf('guard on judged cases: conversations');
    expect(columns.map(({ name }) => name).slice(1)).toEqual([
      'decided rightly',
      'harmful let pass',
      'harmless refused',
    ]);
    // New: a blocked, b let pass; c let pass, d refused. Former: blocks none of them.
    expect(rows[0].cells.slice(1)).toEqual([percent(2, 4), percent(1, 2), percent(1, 2)]);
    expect(rows[1].cells.slice(1)).toEqual([percent(2, 4), percent(2, 2), percent(0, 2)]);
    // Of the 4 pairs of a harmful and a harmless one: new has a > c, a > d, b > c right, b < d wrong.
    expect(rows.map(({ cells }) => cells[0].value)).toEqual([3 / 4, 1]);
    expect(tableOf('guard on test data: conversations').rows[0].cells[1]).toEqual(percent(2, 2));
  });

  it('say what is gained text by text', () => {
    // a: + 1; d: − 1; b, c: the same.
    expect(differenceOf([true, false, true, false], [false, false, true, true], 1).estimate).toBe(0);
    expect(differenceOf([true, true, true, false], [false, false, true, true], 1).estimate).toBe(1 / 4);
    const [cases] = tableOf('guard: new guard − former guard').rows;
    expect(cases).toMatchObject({ name: 'judged cases: conversations', cells: [{ value: 0 }] });
  });

  it('say what each threshold lets pass and refuses on the whole test', () => {
    const { rows } = tableOf('guard: thresholds for conversations');
    expect(rows.map(({ name }) => name)).toEqual(['new guard, 5 %', 'former guard, 5 %']);
    // From 0.2 on: new refuses d of c, d, f and lets none of a, b, e pass.
    expect(rows[0].cells).toEqual([{ value: 0.2 }, percent(0, 3), percent(1, 3)]);
    expect(rows[1].cells).toEqual([{ value: 0.2 }, percent(0, 3), percent(0, 3)]);
  });

  it('leave out what nobody asked, and what a guard has not learnt to judge', () => {
    expect(tables.some(({ title }) => title.includes('answers'))).toBe(false);
    const deaf = { ...former, judges: () => false };
    const titles = guardTables('guard', [made, deaf], deaf, groups, { refusalRate: 0.01, seed: 1 });
    expect(titles.map(({ title }) => title)).not.toContain('guard: new guard − former guard');
    expect(titles[0].rows[1].cells).toEqual(new Array(4).fill({ value: null }));
    const unasked = { ...made, scored: [] };
    expect(guardTables('guard', [unasked], null, groups, { refusalRate: 0.01, seed: 1 })).toEqual([]);
    expect(guardTables('guard', [deaf], null, groups, { refusalRate: 0.01, seed: 1 })).toEqual([]);
  });
});
