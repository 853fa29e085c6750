import { describe, expect, it } from 'vitest';
import { acrossSeeds } from './across-seeds.ts';
import type { Evaluation, EvaluationCell } from './evaluation.ts';

const table = (title: string, rows: Record<string, EvaluationCell[]>, columns = ['gold', 'length']) => ({
  title,
  columns: columns.map((name) => ({ name })),
  rows: Object.entries(rows).map(([name, cells]) => ({ name, cells })),
  note: '400 prompts.',
});
const cell = (value: number | null): EvaluationCell =>
  value === null ? { value } : { value, low: value - 0.1, high: value + 0.1 };

describe('acrossSeeds', () => {
  it('gives the mean of every value, with the interval of that mean', () => {
    const runs: Evaluation[] = [1, 2, 3].map((gold) => ({
      tables: [table('Models', { sft: [cell(gold), cell(20)] })],
    }));
    const [found] = acrossSeeds(runs, [7, 8, 9]).tables;
    expect(found.title).toBe('Models, mean of 3 seeds');
    expect(found.note).toBe('Seeds 7, 8, 9; 95 % intervals of the mean over seeds (Student). 400 prompts.');
    const [gold, length] = found.rows[0].cells;
    // 1, 2, 3: mean 2, standard deviation 1, standard error 1 / √3; t(0.975; 2) = 4.302652729749464.
    expect(gold.value).toBe(2);
    expect(gold.high! - 2).toBeCloseTo(4.302652729749464 / Math.sqrt(3), 8);
    expect(2 - gold.low!).toBeCloseTo(4.302652729749464 / Math.sqrt(3), 8);
    // What no seed changes has no interval.
    expect(length).toEqual({ value: 20 });
  });

  it('takes rows by their names, and leaves out what not every run has measured', () => {
    const runs: Evaluation[] = [
      {
        tables: [
          table('Models', { base: [cell(1), cell(null)], sft: [cell(2), cell(5)], ppo: [cell(3), cell(6)] }),
          table('Objectives', { base: [cell(1), cell(1)] }),
        ],
      },
      {
        tables: [
          table('Objectives', { base: [cell(1), cell(1)] }, ['gold', 'safety']),
          table('Models', { ppo: [cell(5), cell(8)], base: [cell(1), cell(4)] }),
        ],
      },
    ];
    const { tables } = acrossSeeds(runs, [1, 2]);
    expect(tables.map(({ title }) => title)).toEqual(['Models, mean of 2 seeds']);
    expect(tables[0].rows.map(({ name, cells }) => [name, ...cells.map(({ value }) => value)])).toEqual([
      ['base', 1, null],
      ['ppo', 4, 7],
    ]);
  });
});
