/** Several objectives: each apart before and after, and two by two against each other. */

import { type Html, html } from '../../base/index.ts';
import type { EvaluationTable } from '../evaluation.ts';
import type { StageRecord } from '../manifest.ts';
import type { EventRecord } from '../records.ts';
import { evaluationTable } from './evaluation-section.ts';
import { readable } from './format.ts';
import { frontOf, type ParetoPoint, paretoDrawing } from './pareto.ts';

/** Drawings shown; more objectives than these make are in the table. */
const MOST_DRAWINGS = 3;

export function objectivesSection(
  stages: readonly StageRecord[],
  events: readonly EventRecord[],
  tables: readonly EvaluationTable[],
): Html | null {
  const measured = tables.filter(({ kind }) => kind === 'objectives');
  const learning = stages.flatMap((stage) => stageTable(stage, events) ?? []);
  if (measured.length === 0 && learning.length === 0) return null;
  return html`
    <section id="objectives" aria-labelledby="objectives-title">
      <h2 id="objectives-title">Objectives</h2>
      ${measured.map((table, i) => [evaluationTable(table, `objectives-${i}`), drawings(table)])}
      ${learning}
    </section>`;
}

/** The first objective against each of the others. */
function drawings({ columns, rows }: EvaluationTable): Html | null {
  const [first, ...others] = columns;
  if (others.length === 0 || rows.length < 2) return null;
  const shown = others.slice(0, MOST_DRAWINGS);
  return html`
    <div class="paretos">${shown.map((other, i) => {
      const points = rows.map(({ name, cells }): ParetoPoint => ({ name, x: cells[0], y: cells[i + 1] }));
      if (points.every(({ x, y }) => x.value === null || y.value === null)) return null;
      const best = frontOf(points, [first, other]).map(({ name }) => name);
      const words = points.map(
        ({ name, x, y }) => `${name}: ${first.name} ${readable(x.value)}, ${other.name} ${readable(y.value)}`,
      );
      return html`
      <figure class="tradeoff">
        <figcaption>${first.name} against ${other.name}</figcaption>
        <div role="img" aria-label="Scatter plot. ${words.join('; ')}.">${paretoDrawing(points, [first, other])}</div>
        <p class="quiet">${best.length === 1 ? `No other model is as good as ${best[0]} in both.` : `None of ${list(best)} is beaten in both.`}</p>
      </figure>`;
    })}</div>
    <p class="quiet">Crosses are 95 % intervals; a line joins the models that no other one beats in both objectives; a dashed line is a bound, with the side it forbids shaded.</p>`;
}

function list(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

interface ObjectiveRecord {
  readonly name: string;
  readonly source: string;
  readonly weight: number;
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** How each objective of a stage moved while the policy learnt: means over the first and the last tenth of the steps. */
function stageTable(stage: StageRecord, events: readonly EventRecord[]): Html | null {
  const { objectives } = (stage.results ?? {}) as { readonly objectives?: readonly ObjectiveRecord[] };
  if (!objectives) return null;
  const metrics = events.filter((event) => event.stage === stage.name).map((event) => event.metrics);
  const has = (metric: RegExp): boolean =>
    metrics.some((one) => Object.keys(one).some((name) => metric.test(name)));
  const withMultiplier = has(/^constraints\/.*\/multiplier$/);
  const withSpread = has(/^rewards\/.*\/ensemble_spread$/);
  const rows = objectives.map(({ name, weight, atLeast, atMost }) => {
    const [before, after] = endsOf(metrics.map((one) => one[`rewards/${name}/mean`]));
    const [first, last] = endsOf(metrics.map((one) => one[`constraints/${name}/multiplier`]));
    const [, spread] = endsOf(metrics.map((one) => one[`rewards/${name}/ensemble_spread`]));
    const bound =
      atLeast === undefined ? (atMost === undefined ? '' : `at most ${atMost}`) : `at least ${atLeast}`;
    const kept =
      after === null || bound === ''
        ? null
        : atLeast === undefined
          ? after <= (atMost ?? 0)
          : after >= atLeast;
    return html`<tr>
      <th scope="row">${name}</th>
      <td>${[...(weight === 0 ? [] : [readable(weight)]), ...(bound ? [bound] : [])].join(', ')}</td>
      <td>${readable(before)}</td><td>${readable(after)}${kept === null ? null : html` <small>${kept ? 'kept' : 'missed'}</small>`}</td>
      <td>${before !== null && after !== null ? signed(after - before) : '–'}</td>
      ${withMultiplier && html`<td>${last === null ? '–' : `${readable(first)} to ${readable(last)}`}</td>`}
      ${withSpread && html`<td>${readable(spread)}</td>`}
    </tr>`;
  });
  return html`
    <div class="scroll" role="region" tabindex="0" aria-label="Objectives of stage ${stage.name}">
      <table class="evaluation">
        <caption>While ${stage.name} learnt</caption>
        <thead><tr><td></td><th scope="col">counts</th><th scope="col">before</th><th scope="col">after</th><th scope="col">change</th>${
          withMultiplier && html`<th scope="col">multiplier</th>`
        }${withSpread && html`<th scope="col">spread of the ensemble</th>`}</tr></thead>
        <tbody>${rows}</tbody>
      </table>
    </div>
    <p class="quiet">Means over the first and the last tenth of the iterations, on the prompts of training. ${objectives
      .map(({ name, source }) => `${name}: ${source}`)
      .join('; ')}.</p>`;
}

/** Means of the first and of the last tenth of the numbers among values. */
function endsOf(values: readonly unknown[]): [number | null, number | null] {
  const known = values.filter(
    (value): value is number => typeof value === 'number' && Number.isFinite(value),
  );
  if (known.length === 0) return [null, null];
  const tenth = Math.ceil(known.length / 10);
  const mean = (some: readonly number[]): number => some.reduce((a, b) => a + b, 0) / some.length;
  return [mean(known.slice(0, tenth)), mean(known.slice(-tenth))];
}

function signed(value: number): string {
  return `${value > 0 ? '+' : ''}${readable(value)}`;
}
