/** Evaluation tables: values with their 95 % intervals, drawn on a scale per column. */

import { Html, html } from '../../base/index.ts';
import type { EvaluationCell, EvaluationColumn, EvaluationTable } from '../evaluation.ts';
import { columnFormat } from './format.ts';

/** Objectives have a section of their own. */
export function evaluationSection(all: readonly EvaluationTable[]): Html | null {
  const tables = all.filter(({ kind }) => kind !== 'objectives');
  if (tables.length === 0) return null;
  return html`
    <section id="evaluation" aria-labelledby="evaluation-title">
      <h2 id="evaluation-title">Evaluation</h2>
      ${tables.map((table, i) => evaluationTable(table, String(i)))}
    </section>`;
}

/** @param id what tells it from the page's other tables */
export function evaluationTable({ title, columns, rows, note }: EvaluationTable, id: string): Html {
  const scales = columns.map((_, i) => scaleOf(rows.map((row) => row.cells[i])));
  const best = columns.map((column, i) =>
    bestOf(
      column,
      rows.map((row) => row.cells[i].value),
    ),
  );
  const formats = columns.map((_, i) => columnFormat(rows.map((row) => row.cells[i].value)));
  const intervals = rows.some((row) => row.cells.some((cell) => cell.low !== undefined));
  return html`
    <div class="scroll" role="region" tabindex="0" aria-label="${title}">
      <table class="evaluation">
        <caption id="table-${id}">${title}</caption>
        <thead><tr><td></td>${columns.map(
          (column) => html`<th scope="col">${column.name}${unitAndDirection(column)}</th>`,
        )}</tr></thead>
        <tbody>${rows.map(
          (row) =>
            html`<tr><th scope="row">${row.name}</th>${row.cells.map((cell, i) =>
              cellHtml(cell, { format: formats[i], scale: scales[i], best: best[i] }),
            )}</tr>`,
        )}</tbody>
      </table>
    </div>
    <p class="quiet">${note}${note && intervals ? ' ' : ''}${intervals && 'Ranges are 95 % intervals.'}</p>`;
}

function unitAndDirection({ unit, better }: EvaluationColumn): Html {
  const direction = better === 'higher' ? 'higher is better' : better === 'lower' ? 'lower is better' : '';
  const words = [unit, direction].filter(Boolean).join(', ');
  return html`${words && html`<small>${words}</small>`}`;
}

interface Scale {
  readonly from: number;
  readonly to: number;
}

/** From the least to the greatest end of a column's intervals, or null where there is nothing to draw. */
function scaleOf(cells: readonly EvaluationCell[]): Scale | null {
  const ends = cells.flatMap(({ value, low, high }) =>
    value === null || low === undefined ? [] : [low, high ?? value, value],
  );
  const [from, to] = [Math.min(...ends), Math.max(...ends)];
  return ends.length > 0 && to > from ? { from, to } : null;
}

/** The best value of a column, where the column says which way is better and the rows differ. */
function bestOf({ better }: EvaluationColumn, values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  if (!better || known.length < 2 || new Set(known).size < 2) return null;
  return better === 'higher' ? Math.max(...known) : Math.min(...known);
}

interface ColumnView {
  readonly format: (value: number) => string;
  readonly scale: Scale | null;
  readonly best: number | null;
}

function cellHtml({ value, low, high }: EvaluationCell, { format, scale, best }: ColumnView): Html {
  if (value === null) return html`<td>–</td>`;
  const shown = value === best ? html`<strong>${format(value)}</strong>` : format(value);
  if (low === undefined || high === undefined) return html`<td>${shown}</td>`;
  const drawn = scale && whisker(value, low, high, scale);
  return html`<td>${shown} <span class="interval">${format(low)} to ${format(high)}</span>${drawn}</td>`;
}

/** A line from `low` to `high` with a dot at `value`, on the column's scale. */
function whisker(value: number, low: number, high: number, { from, to }: Scale): Html {
  const x = (at: number): string => (4 + (112 * (at - from)) / (to - from)).toFixed(1);
  return new Html(
    `<svg class="whisker" viewBox="0 0 120 8" aria-hidden="true"><line x1="0" y1="4" x2="120" y2="4" class="track"/>` +
      `<line x1="${x(low)}" y1="4" x2="${x(high)}" y2="4"/><circle cx="${x(value)}" cy="4" r="3.2"/></svg>`,
  );
}
