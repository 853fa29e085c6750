/** The rewards of a stage over its divergence from the reference, with the forms of Gao et al. fitted. */
import { fitGold, type GoldFit, type GoldForm, type GoldPoint } from '../monitor/index.ts';
import type { EventRecord } from './records.ts';

/** One reward of one stage over its divergence. */
export interface GoldCurve {
  readonly name: 'held-out reward' | 'reward';
  /** Value at the start, which gains are measured from. */
  readonly start: number;
  readonly points: readonly GoldPoint[];
  readonly fit: GoldFit | null;
}

export interface StageCurves {
  readonly stage: string;
  readonly form: GoldForm;
  /** The held-out reward, then the one that was optimised. */
  readonly curves: readonly [GoldCurve, GoldCurve];
}

const divergences: Readonly<Record<GoldForm, string>> = { rl: 'objective/kl', 'best-of-n': 'kl_bound' };
const metricsOf: Readonly<Record<GoldCurve['name'], readonly string[]>> = {
  'held-out reward': ['monitor/held_out', 'probe/gold'],
  reward: ['objective/scores', 'reward'],
};
/** Fewer steps than this say nothing. */
const fewest = 5;

/** @returns null for a stage without a divergence, or without a reward that was not optimised */
export function stageCurves(stage: string, events: readonly EventRecord[]): StageCurves | null {
  const own = events.filter((event) => event.stage === stage);
  const form = own.some(({ metrics }) => divergences['best-of-n'] in metrics) ? 'best-of-n' : 'rl';
  const heldOut = curveOf('held-out reward', form, own);
  const reward = curveOf('reward', form, own);
  return heldOut && reward ? { stage, form, curves: [heldOut, reward] } : null;
}

function curveOf(name: GoldCurve['name'], form: GoldForm, events: readonly EventRecord[]): GoldCurve | null {
  const metric = metricsOf[name].find((one) =>
    events.some(({ metrics }) => typeof metrics[one] === 'number'),
  );
  const known = events.flatMap(({ metrics }) => {
    const [kl, value] = [metrics[divergences[form]], metric === undefined ? null : metrics[metric]];
    return typeof kl === 'number' && typeof value === 'number' ? [{ kl, value }] : [];
  });
  if (known.length < fewest) return null;
  // What was sampled before the first update, or the best of one, is the reference's own.
  const start = known[0].value;
  const points = known.map(({ kl, value }) => ({ kl, gain: value - start }));
  return { name, start, points, fit: fitGold(points, form) };
}

/** In words: where it began, ended and was best, and what the fit says. @param readable how numbers are written */
export function describeCurve(
  { start, points, fit }: GoldCurve,
  readable: (value: number) => string,
): string {
  const signed = (value: number): string => `${value > 0 ? '+' : ''}${readable(value)}`;
  const last = points[points.length - 1];
  const best = points.reduce((a, b) => (b.gain > a.gain ? b : a));
  const measured = `From ${readable(start)}: ${signed(last.gain)} at the end (KL ${readable(last.kl)}), at best ${signed(best.gain)} (KL ${readable(best.kl)}).`;
  if (!fit) return measured;
  const beyond = Math.max(...points.map(({ kl }) => kl));
  const peak =
    fit.peak === null
      ? 'no peak'
      : fit.peak.kl > beyond
        ? 'the peak lies beyond what was measured'
        : `peak ${signed(fit.peak.gain)} at KL ${readable(fit.peak.kl)}`;
  return `${measured} Fitted α = ${readable(fit.alpha)} ± ${readable(fit.alphaError)}, β = ${readable(fit.beta)} ± ${readable(fit.betaError)}: ${peak}; the form explains ${readable(100 * fit.explained)} % of the gain.`;
}
