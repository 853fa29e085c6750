/** Samples: what the model answered before and after, side by side. */

import { type Html, html } from '../../base/index.ts';
import type { StageRecord } from '../manifest.ts';
import type { SampleRecord } from '../records.ts';
import { readable } from './format.ts';

/** The answers to one prompt, earliest first; at most one from before and one per stage or model. */
export interface Comparison {
  readonly prompt: string;
  readonly versions: readonly { readonly label: string; readonly sample: SampleRecord }[];
}

const MOST_OPEN = 6;
const MOST_SHOWN = 60;

/**
 * Groups samples by prompt: the first of all, and the last of each stage. Prompts answered more than once
 * come first, because they show what changed.
 */
export function comparisonsOf(
  samples: readonly SampleRecord[],
  stages: readonly StageRecord[],
): Comparison[] {
  const order = new Map(stages.map((stage, index) => [stage.name, index]));
  const position = ({ stage, step }: SampleRecord): number => (order.get(stage) ?? order.size) * 1e9 + step;
  const byPrompt = new Map<string, SampleRecord[]>();
  for (const sample of samples) {
    const answers = byPrompt.get(sample.prompt) ?? [];
    byPrompt.set(sample.prompt, answers);
    // Of several answers at the same point the first stands for all.
    if (!answers.some((other) => position(other) === position(sample))) answers.push(sample);
  }
  const comparisons = [...byPrompt].map(([prompt, answers]) => {
    answers.sort((a, b) => position(a) - position(b));
    const authorOf = ({ stage, model }: SampleRecord): string => `${stage} ${model ?? ''}`;
    const lastOfStage = (sample: SampleRecord, i: number): boolean =>
      answers[i + 1] === undefined || authorOf(answers[i + 1]) !== authorOf(sample);
    const shown = answers.filter((sample, i) => i === 0 || lastOfStage(sample, i));
    return { prompt, versions: shown.map((sample) => ({ label: labelOf(sample), sample })) };
  });
  return comparisons.sort((a, b) => Number(b.versions.length > 1) - Number(a.versions.length > 1));
}

function labelOf({ stage, step, model }: SampleRecord): string {
  if (model !== undefined) return model;
  return step === 0 ? `Before ${stage}` : `${stage}, step ${step}`;
}

export function samplesSection(
  samples: readonly SampleRecord[],
  stages: readonly StageRecord[],
): Html | null {
  const comparisons = comparisonsOf(samples, stages);
  if (comparisons.length === 0) return null;
  const shown = comparisons.slice(0, MOST_SHOWN).map(comparisonArticle);
  const [open, folded] = [shown.slice(0, MOST_OPEN), shown.slice(MOST_OPEN)];
  const omitted = comparisons.length - shown.length;
  return html`
    <section id="samples" aria-labelledby="samples-title">
      <h2 id="samples-title">Samples, before and after</h2>
      ${open}
      ${folded.length > 0 && html`<details><summary>${folded.length} more prompts</summary>${folded}</details>`}
      ${omitted > 0 && html`<p class="quiet">${omitted} further prompts are in samples.jsonl.</p>`}
    </section>`;
}

function comparisonArticle({ prompt, versions }: Comparison, index: number): Html {
  const before = versions[0].sample.scores;
  return html`
    <article class="sample" aria-labelledby="prompt-${index}">
      <h3 id="prompt-${index}"><span class="kind">Prompt</span> <span class="text" dir="auto">${prompt}</span></h3>
      <div class="versions">
        ${versions.map(
          ({ label, sample }, i) => html`
          <div class="version">
            <h4>${label}</h4>
            <p class="text" dir="auto">${sample.response === '' ? html`<span class="quiet">(empty response)</span>` : sample.response}</p>
            ${scores(sample.scores, i > 0 ? before : undefined)}
          </div>`,
        )}
      </div>
    </article>`;
}

type Scores = SampleRecord['scores'];

function scores(values: Scores, before: Scores | undefined): Html | null {
  const entries = Object.entries(values);
  if (entries.length === 0) return null;
  return html`<dl class="scores">${entries.map(([name, value]) => {
    const earlier = before?.[name];
    const change = typeof value === 'number' && typeof earlier === 'number' ? value - earlier : undefined;
    return html`<div><dt>${name}</dt><dd>${readable(value)}${
      change !== undefined && html` <span class="change">${change > 0 ? '+' : ''}${readable(change)}</span>`
    }</dd></div>`;
  })}</dl>`;
}
