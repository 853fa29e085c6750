/** What runs of one recipe measured, seed by seed, as one evaluation: means, with what differs from seed to seed. */
import { studentInterval } from '../objective/index.ts';
import type { Evaluation, EvaluationCell, EvaluationTable } from './evaluation.ts';

/**
 * The mean over runs of every value that all of them measured, with its 95 % interval (Student). It holds what another
 * seed changes: the first weights, the order of the data, what was sampled. A value's own interval in one run holds only
 * the prompts it was measured on, so these are the honest ones for "does the method help?".
 * @param evaluations of one recipe, in the order of `seeds`; at least two
 */
export function acrossSeeds(evaluations: readonly Evaluation[], seeds: readonly number[]): Evaluation {
  const [first, ...others] = evaluations;
  return {
    tables: first.tables.flatMap((table) => {
      const tables = [table, ...others.flatMap((other) => sameTable(other, table) ?? [])];
      return tables.length === evaluations.length ? [meanOf(tables, seeds)] : [];
    }),
  };
}

/** The table of the same title, if it has the same columns. */
function sameTable({ tables }: Evaluation, wanted: EvaluationTable): EvaluationTable | undefined {
  const columns = namesOf(wanted.columns);
  return tables.find(({ title, columns: own }) => title === wanted.title && namesOf(own) === columns);
}

function namesOf(parts: readonly { readonly name: string }[]): string {
  return JSON.stringify(parts.map(({ name }) => name));
}

function meanOf(tables: readonly EvaluationTable[], seeds: readonly number[]): EvaluationTable {
  const [first] = tables;
  return {
    ...first,
    title: `${first.title}, mean of ${tables.length} seeds`,
    rows: first.rows.flatMap((row) => {
      const rows = tables.flatMap(({ rows: all }) => all.find(({ name }) => name === row.name) ?? []);
      if (rows.length < tables.length) return [];
      return [
        { name: row.name, cells: row.cells.map((_, i) => meanCell(rows.map(({ cells }) => cells[i]))) },
      ];
    }),
    note: `Seeds ${seeds.join(', ')}; 95 % intervals of the mean over seeds (Student). ${first.note ?? ''}`.trim(),
  };
}

function meanCell(cells: readonly EvaluationCell[]): EvaluationCell {
  const values = cells.flatMap(({ value }) => value ?? []);
  if (values.length < cells.length) return { value: null };
  const { estimate, low, high } = studentInterval(values);
  return high > low ? { value: estimate, low, high } : { value: estimate };
}
