/** What more of the reward has bought: held-out reward against divergence, with the forms of Gao et al. fitted. */

import { Html, html } from '../../base/index.ts';
import { fittedGain } from '../../monitor/index.ts';
import type { StageRecord } from '../manifest.ts';
import { describeCurve, type GoldCurve, type StageCurves, stageCurves } from '../overoptimisation.ts';
import type { EventRecord } from '../records.ts';
import { readable } from './format.ts';

export function overoptimisationSection(
  stages: readonly StageRecord[],
  events: readonly EventRecord[],
): Html | null {
  const found = stages.flatMap(({ name }) => stageCurves(name, events) ?? []);
  if (found.length === 0) return null;
  return html`
    <section id="overoptimisation" aria-labelledby="overoptimisation-title">
      <h2 id="overoptimisation-title">Overoptimisation</h2>
      <p class="quiet">Gain over the reference against √KL. Points are as measured, lines are fitted: d (α − β ln d) for training, d (α − β d) for best of n, with d = √KL (Gao et al. 2023). Where the held-out reward turns down while the reward rises, more training makes the policy worse.</p>
      ${found.map(stageFigure)}
    </section>`;
}

function stageFigure({ stage, curves }: StageCurves): Html {
  return html`
      <h3>${stage}</h3>
      <div class="paretos">${curves.map(
        (curve) => html`
        <figure class="tradeoff">
          <figcaption>${curve.name}</figcaption>
          <div role="img" aria-label="${describeCurve(curve, readable)}">${drawing(curve)}</div>
          <p class="quiet">${describeCurve(curve, readable)}</p>
        </figure>`,
      )}</div>`;
}

const [width, height] = [340, 220];
const plot = { left: 48, right: 12, top: 14, bottom: 40 } as const;

/** SVG that takes its colours from the page. */
function drawing({ points, fit }: GoldCurve): Html {
  const roots = points.map(({ kl }) => Math.sqrt(Math.max(0, kl)));
  const across = Math.max(...roots, 1e-6);
  const line = fit
    ? Array.from({ length: 61 }, (_, i) => {
        const d = (across * i) / 60;
        return { d, gain: fittedGain(fit, d * d) };
      })
    : [];
  const gains = [0, ...points.map(({ gain }) => gain), ...line.map(({ gain }) => gain)];
  const [low, high] = [Math.min(...gains), Math.max(...gains)];
  const range = high - low || 1;
  const x = (d: number): string => (plot.left + ((width - plot.left - plot.right) * d) / across).toFixed(1);
  const y = (gain: number): string =>
    (height - plot.bottom - ((height - plot.top - plot.bottom) * (gain - low)) / range).toFixed(1);
  const text = (at: string, down: string, words: string, anchor: string): string =>
    `<text x="${at}" y="${down}" text-anchor="${anchor}" font-size="11" fill="currentColor">${words}</text>`;
  return new Html(
    [
      `<svg viewBox="0 0 ${width} ${height}" aria-hidden="true">`,
      `<line x1="${x(0)}" x2="${x(across)}" y1="${y(0)}" y2="${y(0)}" stroke="currentColor" stroke-opacity="0.35"/>`,
      `<line x1="${x(0)}" x2="${x(0)}" y1="${plot.top}" y2="${height - plot.bottom}" stroke="currentColor" stroke-opacity="0.35"/>`,
      text(String(plot.left - 6), String(plot.top + 8), readable(high), 'end'),
      text(String(plot.left - 6), String(height - plot.bottom), readable(low), 'end'),
      text(x(0), String(height - 22), '0', 'middle'),
      text(x(across), String(height - 22), readable(across), 'end'),
      text(String(width / 2), String(height - 6), '√KL (√nats)', 'middle'),
      ...points.map(
        ({ gain }, i) =>
          `<circle cx="${x(roots[i])}" cy="${y(gain)}" r="2.6" fill="currentColor" fill-opacity="0.55"/>`,
      ),
      line.length > 0
        ? `<polyline points="${line.map(({ d, gain }) => `${x(d)},${y(gain)}`).join(' ')}" fill="none" stroke="currentColor" stroke-width="1.6"/>`
        : '',
      '</svg>',
    ].join(''),
  );
}
