/**
 * How often one model's answers are preferred to another's by a judge, and what of it length explains.
 *
 * Shapes: N prompts.
 */
import { meanOf, Random, sigmoid, TenetError } from '../../base/index.ts';
import { predictionPoweredMean } from '../../feedback/index.ts';
import { type Interval, studentInterval } from '../../objective/index.ts';
import { groupBy, scaled } from '../figure.ts';

/** A judge's preference between the answers of two models to one prompt. */
export interface Judged {
  readonly id: string;
  /** That the first model's answer is better, in [0, 1]: mean over both orders, so that a judge of places says ½. */
  readonly probability: number;
  /** Length of the two answers, in any one unit. */
  readonly lengths: readonly [number, number];
}

export interface WinRate {
  readonly prompts: number;
  /** Mean probability that the first model's answer is better, %. */
  readonly winRate: Interval;
  /** Share of clear wins, ties and clear losses, %; a tie lies within `tieWithin` of ½. */
  readonly wins: number;
  readonly ties: number;
  readonly losses: number;
  /** What the win rate would be if both answers were always equally long, %. Null with fewer than ten prompts. */
  readonly lengthControlled: Interval | null;
  /** Part of the prompts where the first model's answer is longer, %; what "the longer wins" would say. */
  readonly longer: number;
}

/** %, of which there are no more than 100, whatever the spread of a few would allow. */
function asShare({ estimate, low, high }: Interval): Interval {
  const within = (share: number): number => Math.min(1, Math.max(0, share));
  return scaled({ estimate: within(estimate), low: within(low), high: within(high) }, 100);
}

/** How near to ½ counts as a tie. With both orders of a hard verdict, a judge that changes its mind says exactly ½. */
const tieWithin = 0.05;
/** Fewer say nothing of length. */
const fewestForLength = 10;
/** Holds the coefficients of a perfectly separated sample finite. */
const ridge = 0.01;

/** @throws TenetError('usage') for fewer than two prompts */
export function winRate(judged: readonly Judged[], options: { readonly seed?: number } = {}): WinRate {
  if (judged.length < 2)
    throw new TenetError('usage', `A win rate needs two prompts, and got ${judged.length}.`);
  const share = (of: (one: Judged) => number): number =>
    (100 * judged.reduce((sum, one) => sum + of(one), 0)) / judged.length;
  const ties = share(({ probability }) => (Math.abs(probability - 0.5) <= tieWithin ? 1 : 0));
  const wins = share(({ probability }) => (probability > 0.5 + tieWithin ? 1 : 0));
  return {
    prompts: judged.length,
    winRate: asShare(studentInterval(judged.map(({ probability }) => probability))),
    wins,
    ties,
    losses: 100 - wins - ties,
    lengthControlled: judged.length < fewestForLength ? null : lengthControlledWinRate(judged, options),
    longer: share(({ lengths: [a, b] }) => (a > b ? 1 : a === b ? 0.5 : 0)),
  };
}

/**
 * Win rate with the effect of length taken out:
 *
 *     logit p_i = θ + φ · tanh((a_i − b_i) / s)            s: deviation of the differences of length
 *
 * is fitted to the judge's probabilities, and σ(θ) is the win rate at no difference. This is AlpacaEval 2's model without
 * its term for the difficulty of each instruction, which needs the answers of many models. Swapping the models gives 1 − it.
 * @returns %, interval by bootstrap over prompts
 * @see Dubois et al. 2024, arXiv:2404.04475, section 3
 */
export function lengthControlledWinRate(
  judged: readonly Judged[],
  { seed = 0, resamples = 500 }: { readonly seed?: number; readonly resamples?: number } = {},
): Interval {
  const differences = judged.map(({ lengths: [a, b] }) => a - b);
  const spread = Math.sqrt(differences.reduce((sum, d) => sum + d * d, 0) / differences.length) || 1;
  const rows = judged.map(({ probability }, i) => [Math.tanh(differences[i] / spread), probability] as const);
  const random = new Random(seed).fork('length control');
  const estimate = fitAtEqualLength(rows);
  const draws = Array.from({ length: resamples }, () =>
    fitAtEqualLength(rows.map(() => random.choice(rows))),
  ).sort((a, b) => a - b);
  const at = (part: number): number => draws[Math.min(draws.length - 1, Math.floor(part * draws.length))];
  return scaled({ estimate, low: at(0.025), high: at(0.975) }, 100);
}

/** σ(θ) of the logistic regression, by Newton's method; it is concave, and two coefficients are soon found. */
function fitAtEqualLength(rows: readonly (readonly [number, number])[]): number {
  let [theta, phi] = [0, 0];
  for (let step = 0; step < 50; step++) {
    let [g0, g1] = [-ridge * theta, -ridge * phi];
    let [h00, h01, h11] = [ridge, 0, ridge];
    for (const [x, y] of rows) {
      const p = sigmoid(theta + phi * x);
      const weight = p * (1 - p);
      g0 += y - p;
      g1 += (y - p) * x;
      h00 += weight;
      h01 += weight * x;
      h11 += weight * x * x;
    }
    const determinant = h00 * h11 - h01 * h01;
    const d0 = (h11 * g0 - h01 * g1) / determinant;
    const d1 = (h00 * g1 - h01 * g0) / determinant;
    theta += d0;
    phi += d1;
    if (Math.abs(d0) + Math.abs(d1) < 1e-9) break;
  }
  return sigmoid(theta);
}

/** A person's verdict on a prompt that the judge has judged too: 1 = the first model's answer is better, ½ = a tie. */
export interface Audit {
  readonly id: string;
  readonly label: number;
}

/**
 * The win rate as people see it, from the judge's verdicts on all prompts and people's on a random few: what the judge
 * gets wrong where people looked is taken out everywhere. Of several people's verdicts on one prompt the mean counts.
 * @returns %, beside what people's labels alone say
 * @throws TenetError('usage') for fewer than two audits of judged prompts
 */
export function auditedWinRate(
  judged: readonly Judged[],
  audits: readonly Audit[],
): { readonly audits: number; readonly winRate: Interval; readonly peopleAlone: Interval } {
  const verdicts = groupBy(audits, ({ id }) => id);
  const labelled = judged.flatMap(({ id, probability }) => {
    const own = verdicts.get(id);
    return own ? [{ label: meanOf(own.map(({ label }) => label)), prediction: probability }] : [];
  });
  const rest = judged.flatMap(({ id, probability }) => (verdicts.has(id) ? [] : [probability]));
  const found = predictionPoweredMean(labelled, rest);
  return {
    audits: labelled.length,
    winRate: asShare(found),
    peopleAlone: asShare(found.classical),
  };
}
