/** What more of the reward has bought: held-out reward against divergence, with the forms of Gao et al. fitted. */
import { fitGold, fittedGain, type GoldFit, type GoldForm, type GoldPoint } from '../../monitor/index.ts';
import type { StageRecord } from '../manifest.ts';
import type { EventRecord } from '../records.ts';
import { readable } from './format.ts';
import { Html, html } from './html.ts';

/** One reward of one stage over its divergence. */
interface Curve {
  readonly name: string;
  /** Value at the start, which gains are measured from. */
  readonly start: number;
  readonly points: readonly GoldPoint[];
  readonly fit: GoldFit | null;
}

interface StageCurves {
  readonly stage: string;
  readonly form: GoldForm;
  readonly curves: readonly Curve[];
}

const divergences = { rl: ['objective/kl'], 'best-of-n': ['kl_bound'] } as const;
const heldOutRewards = ['monitor/held_out', 'probe/gold'];
const rewards = ['objective/scores', 'reward'];

export function overoptimisationSection(
  stages: readonly StageRecord[],
  events: readonly EventRecord[],
): Html | null {
  const found = stages.flatMap(
    ({ name }) =>
      curvesOf(
        name,
        events.filter(({ stage }) => stage === name),
      ) ?? [],
  );
  if (found.length === 0) return null;
  return html`
    <section id="overoptimisation" aria-labelledby="overoptimisation-title">
      <h2 id="overoptimisation-title">Overoptimisation</h2>
      <p class="quiet">Gain over the reference against √KL. Points are as measured, lines are fitted: d (α − β ln d) for training, d (α − β d) for best of n, with d = √KL (Gao et al. 2023). Where the held-out reward turns down while the reward rises, more training makes the policy worse.</p>
      ${found.map(stageFigure)}
    </section>`;
}

/** Null for stages without a divergence, or without a reward that was not optimised. */
function curvesOf(stage: string, events: readonly EventRecord[]): StageCurves | null {
  const form: GoldForm = events.some(({ metrics }) => 'kl_bound' in metrics) ? 'best-of-n' : 'rl';
  const curves = [heldOutRewards, rewards].flatMap((names, i) => {
    const name = names.find((metric) => events.some(({ metrics }) => typeof metrics[metric] === 'number'));
    const known = events.flatMap(({ metrics }) => {
      const [kl, value] = [metrics[divergences[form][0]], name === undefined ? null : metrics[name]];
      return typeof kl === 'number' && typeof value === 'number' ? [{ kl, value }] : [];
    });
    if (known.length < 5) return [];
    // What was sampled before the first update, or the best of one, is the reference's own.
    const start = known[0].value;
    const points = known.map(({ kl, value }) => ({ kl, gain: value - start }));
    return [{ name: i === 0 ? 'held-out reward' : 'reward', start, points, fit: fitGold(points, form) }];
  });
  return curves.length === 2 ? { stage, form, curves } : null;
}

function stageFigure({ stage, curves }: StageCurves): Html {
  return html`
      <h3>${stage}</h3>
      <div class="paretos">${curves.map(
        (curve) => html`
        <figure class="tradeoff">
          <figcaption>${curve.name}</figcaption>
          <div role="img" aria-label="${describe(curve)}">${drawing(curve)}</div>
          <p class="quiet">${describe(curve)}</p>
        </figure>`,
      )}</div>`;
}

function describe({ name, start, points, fit }: Curve): string {
  const last = points[points.length - 1];
  const best = points.reduce((a, b) => (b.gain > a.gain ? b : a));
  const measured = `From ${readable(start)}: ${signed(last.gain)} at the end (KL ${readable(last.kl)}), at best ${signed(best.gain)} (KL ${readable(best.kl)}).`;
  if (!fit) return measured;
  const beyond = Math.max(...points.map(({ kl }) => kl));
  const peak =
    fit.peak === null
      ? 'no peak'
      : fit.peak.kl > beyond
        ? `the peak lies beyond what was measured`
        : `peak ${signed(fit.peak.gain)} at KL ${readable(fit.peak.kl)}`;
  return `${measured} Fit of the ${name}: α = ${readable(fit.alpha)} ± ${readable(fit.alphaError)}, β = ${readable(fit.beta)} ± ${readable(fit.betaError)}, ${peak}; it explains ${readable(100 * fit.explained)} % of the gain.`;
}

function signed(value: number): string {
  return `${value > 0 ? '+' : ''}${readable(value)}`;
}

const [width, height] = [340, 220];
const plot = { left: 48, right: 12, top: 14, bottom: 40 } as const;

/** SVG that takes its colours from the page. */
function drawing({ points, fit }: Curve): Html {
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
