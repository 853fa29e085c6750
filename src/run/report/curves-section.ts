/** Learning curves: charts for the eye, and under each a table of the same in numbers. */

import { breakable, type Html, html } from '../../base/index.ts';
import type { StageRecord } from '../manifest.ts';
import type { EventRecord } from '../records.ts';
import { type Chart, chartsOf, summarise, thin } from './charts.ts';
import { between, readable } from './format.ts';

/** What the page's script draws: steps of all series together, then values by series, null where none. */
export interface ChartData {
  readonly names: readonly string[];
  readonly steps: readonly number[];
  readonly values: readonly (readonly (number | null)[])[];
}

const MOST_POINTS = 1500;
/** More charts than this in a stage are folded away. */
const MOST_OPEN_CHARTS = 9;

/** The section, and the data of its charts in the order of their `data-chart` numbers. */
export function curvesSection(
  stages: readonly StageRecord[],
  events: readonly EventRecord[],
): { section: Html; data: ChartData[] } {
  const data: ChartData[] = [];
  const parts = stages.map((stage, index) => {
    const charts = chartsOf(events.filter((event) => event.stage === stage.name));
    const figures = charts.map((chart) => {
      data.push(chartData(chart));
      return figure(chart, data.length - 1);
    });
    const [open, folded] = [figures.slice(0, MOST_OPEN_CHARTS), figures.slice(MOST_OPEN_CHARTS)];
    return html`
      <section class="stage" aria-labelledby="stage-${index}">
        <h3 id="stage-${index}"><span class="number">${index + 1}</span> ${stage.name} <small>${statusLine(stage)}</small></h3>
        ${stage.error && html`<p class="failure">${stage.error}</p>`}
        ${resultsList(stage.results)}
        ${figures.length === 0 && html`<p class="quiet">No metrics were recorded.</p>`}
        ${open.length > 0 && html`<div class="charts">${open}</div>`}
        ${
          folded.length > 0 &&
          html`<details><summary>${folded.length} more charts</summary><div class="charts">${folded}</div></details>`
        }
      </section>`;
  });
  const section = html`
    <section id="curves" aria-labelledby="curves-title">
      <h2 id="curves-title">Learning curves</h2>
      <p class="quiet">Faint lines are as measured, strong ones smoothed. Point at a chart, or focus it and use the arrow keys, to read values.</p>
      ${parts}
    </section>`;
  return { section, data };
}

function statusLine(stage: StageRecord): string {
  const time = between(stage.startedAt, stage.finishedAt);
  const resumed =
    stage.attempts > 1
      ? `, resumed ${stage.attempts - 1 === 1 ? 'once' : `${stage.attempts - 1} times`}`
      : '';
  const words =
    stage.status === 'finished'
      ? `finished${time && ` in ${time}`}`
      : `${stage.status}${time && ` after ${time}`}`;
  return words + resumed;
}

/** The plain numbers and short texts among what a stage returned. */
function resultsList(results: unknown): Html | null {
  if (typeof results !== 'object' || results === null) return null;
  const scalars = Object.entries(results).filter(
    ([, value]) =>
      typeof value === 'number' ||
      typeof value === 'boolean' ||
      (typeof value === 'string' && value.length < 120),
  );
  if (scalars.length === 0) return null;
  return html`<dl class="facts">${scalars.map(
    ([name, value]) =>
      html`<div><dt>${name}</dt><dd>${typeof value === 'number' ? readable(value) : String(value)}</dd></div>`,
  )}</dl>`;
}

function figure(chart: Chart, id: number): Html {
  const rows = chart.series.map((series, index) => {
    const { first, last, min, max, notFinite } = summarise(series);
    return html`<tr>
      <th scope="row"><span class="swatch s${index}" aria-hidden="true"></span>${breakable(series.name)}${
        notFinite > 0 && html` <em>(${notFinite} not finite)</em>`
      }</th>
      <td>${readable(first)}</td><td>${readable(last)}</td><td>${readable(min)}</td><td>${readable(max)}</td>
    </tr>`;
  });
  return html`
    <figure>
      <figcaption id="chart-${id}">${chart.title}</figcaption>
      <p class="readout" data-readout="${id}" aria-hidden="true"></p>
      <div class="plot" data-chart="${id}" role="img" tabindex="0" aria-label="${describe(chart)}"></div>
      <table class="numbers" aria-labelledby="chart-${id}">
        <thead><tr><th scope="col">series</th><th scope="col">first</th><th scope="col">last</th><th scope="col">min</th><th scope="col">max</th></tr></thead>
        <tbody>${rows}</tbody>
      </table>
    </figure>`;
}

function describe({ title, series }: Chart): string {
  const steps = series.flatMap((one) => [one.steps[0], one.steps.at(-1) ?? 0]);
  const range = `steps ${Math.min(...steps)} to ${Math.max(...steps)}`;
  const lines = series.map((one) => {
    const { first, last } = summarise(one);
    return `${one.name} from ${readable(first)} to ${readable(last)}`;
  });
  return `Line chart of ${title}, ${range}: ${lines.join('; ')}.`;
}

function chartData(chart: Chart): ChartData {
  const thinned = chart.series.map((series) => thin(series, MOST_POINTS));
  const steps = [...new Set(thinned.flatMap((series) => series.steps))].sort((a, b) => a - b);
  const values = thinned.map((series) => {
    const at = new Map(series.steps.map((step, i) => [step, series.values[i]]));
    return steps.map((step) => round(at.get(step) ?? null));
  });
  return { names: chart.series.map((series) => series.name), steps, values };
}

/** Five significant digits are more than a chart shows. */
function round(value: number | null): number | null {
  return value === null ? null : Number(value.toPrecision(5));
}
