/** The report as one HTML page that needs nothing else. */
import { createHash } from 'node:crypto';
import { Html, html, scriptJson } from '../../base/index.ts';
import type { Evaluation } from '../evaluation.ts';
import type { Manifest } from '../manifest.ts';
import type { EventRecord, SampleRecord, WarningRecord } from '../records.ts';
import type { ReportAssets } from './assets.ts';
import { curvesSection } from './curves-section.ts';
import { evaluationSection } from './evaluation-section.ts';
import { between, date } from './format.ts';
import { inputsSection } from './inputs-section.ts';
import { objectivesSection } from './objectives-section.ts';
import { outcomeOf } from './outcome.ts';
import { overoptimisationSection } from './overoptimisation-section.ts';
import { samplesSection } from './samples-section.ts';

/** Everything the report is made from: the content of a run folder. */
export interface ReportData {
  readonly manifest: Manifest;
  readonly recipe: string;
  readonly events: readonly EventRecord[];
  readonly samples: readonly SampleRecord[];
  readonly warnings: readonly WarningRecord[];
  readonly evaluation: Evaluation;
}

export function reportPage(data: ReportData, assets: ReportAssets): string {
  const { manifest, warnings } = data;
  const evaluation = evaluationSection(data.evaluation.tables);
  const objectives = objectivesSection(manifest.stages, data.events, data.evaluation.tables);
  const overoptimisation = overoptimisationSection(manifest.stages, data.events);
  const samples = samplesSection(data.samples, manifest.stages);
  const curves = curvesSection(manifest.stages, data.events);
  const links: [string, string][] = [
    ...(evaluation ? [['evaluation', 'Evaluation'] as [string, string]] : []),
    ...(objectives ? [['objectives', 'Objectives'] as [string, string]] : []),
    ...(overoptimisation ? [['overoptimisation', 'Overoptimisation'] as [string, string]] : []),
    ...(samples ? [['samples', 'Samples'] as [string, string]] : []),
    ['curves', 'Curves'],
    ['inputs', 'Inputs'],
    ...(warnings.length > 0 ? [['warnings', `Warnings (${warnings.length})`] as [string, string]] : []),
    ['recipe', 'Recipe'],
  ];
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="${contentPolicy(assets)}">
<meta name="generator" content="Tenet ${manifest.attempts[0].versions.tenet}">
<title>${manifest.name} · Tenet run report</title>
<style>${new Html(assets.style)}</style>
</head>
<body>
${header(data)}
<nav aria-label="Sections"><ul>${links.map(([id, name]) => html`<li><a href="#${id}">${name}</a></li>`)}</ul></nav>
<main>
${evaluation}
${objectives}
${overoptimisation}
${samples}
${curves.section}
${inputsSection(manifest)}
${warningsSection(warnings)}
${recipeSection(data.recipe)}
</main>
<footer><p>Made by Tenet from the files of this run folder. Charts are drawn by uPlot (MIT licence, © Leon Sorokin).</p></footer>
<script type="application/json" id="chart-data">${scriptJson(curves.data)}</script>
<script>${new Html(assets.script)}</script>
</body>
</html>
`;
  return page.text;
}

/** Nothing may load from anywhere, and no script may run but ours: samples are text by strangers. */
function contentPolicy({ script }: ReportAssets): string {
  const hash = createHash('sha256').update(script).digest('base64');
  return `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
}

function header({ manifest, events, warnings }: ReportData): Html {
  const time = between(manifest.createdAt, manifest.finishedAt);
  return html`
<header>
  <p class="brand">Tenet run report</p>
  <h1>${manifest.name}</h1>
  <p class="outcome"><span class="status ${manifest.status}">${manifest.status}</span> ${outcomeOf(manifest, events)}</p>
  <p class="quiet">Begun ${date(manifest.createdAt)}${time && `, took ${time}`}.${
    warnings.length > 0 &&
    html` <a href="#warnings">${warnings.length} warning${warnings.length > 1 && 's'}</a>.`
  }</p>
  <ol class="stages" aria-label="Stages">${manifest.stages.map(
    (stage, index) =>
      html`<li class="${stage.status}"><a href="#stage-${index}">${stage.name}</a> <span>${
        stage.status === 'finished' ? between(stage.startedAt, stage.finishedAt) || 'finished' : stage.status
      }</span></li>`,
  )}</ol>
</header>`;
}

function warningsSection(warnings: readonly WarningRecord[]): Html | null {
  if (warnings.length === 0) return null;
  return html`
    <section id="warnings" aria-labelledby="warnings-title">
      <h2 id="warnings-title">Warnings</h2>
      <ul class="warnings">${warnings.map(
        ({ stage, message, detector }) =>
          html`<li>${stage && html`<span class="kind">${stage}</span> `}${
            detector && html`<span class="kind">${detector}</span> `
          }${message}</li>`,
      )}</ul>
    </section>`;
}

function recipeSection(recipe: string): Html {
  const lines = recipe.trimEnd().split('\n').length;
  return html`
    <section id="recipe" aria-labelledby="recipe-title">
      <h2 id="recipe-title">Recipe</h2>
      <details><summary>recipe.yaml as resolved, ${lines} lines</summary><pre tabindex="0">${recipe}</pre></details>
    </section>`;
}
