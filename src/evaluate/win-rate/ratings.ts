/**
 * Ratings of several models from comparisons of two at a time.
 *
 *     P(i beats j) = 1 / (1 + 10^((r_j − r_i) / 400))        a tie is half a win for each
 *
 * Fitted to all comparisons at once, so that their order does not matter, unlike Elo's running update.
 *
 * @see Bradley and Terry 1952, Biometrika 39; Hunter 2004, Ann. Statist. 32 (the iteration);
 *   Chiang et al. 2024, arXiv:2403.04132 (Chatbot Arena)
 */
import { Random, TenetError } from '../../base/index.ts';
import type { Interval } from '../../objective/index.ts';
import { groupBy } from '../figure.ts';

/** One comparison of two models. */
export interface Match {
  /** What was answered; matches of one prompt are resampled together. */
  readonly prompt: string;
  readonly models: readonly [string, string];
  /** That the first is better, in [0, 1]. */
  readonly probability: number;
}

export interface Rating {
  readonly model: string;
  /** On Elo's scale, 1000 on average. */
  readonly rating: Interval;
  readonly matches: number;
  /** Mean probability of winning against the models it met, %. */
  readonly winRate: number;
}

const points = 400 / Math.LN10;
const centre = 1000;
/** Of a draw against each of the others; keeps a model that always wins from a rating without bound. */
const priorDraws = 0.5;

/**
 * @returns best first; 95 % intervals by bootstrap over prompts
 * @throws TenetError('usage') when there are fewer than two models
 */
export function ratings(
  matches: readonly Match[],
  { seed = 0, resamples = 300 }: { readonly seed?: number; readonly resamples?: number } = {},
): Rating[] {
  const models = [...new Set(matches.flatMap((match) => match.models))];
  if (models.length < 2) {
    throw new TenetError(
      'usage',
      `Ratings need matches between two models or more, and got ${models.length}.`,
    );
  }
  const estimates = fitStrengths(models, matches);
  const byPrompt = [...groupBy(matches, ({ prompt }) => prompt).values()];
  const random = new Random(seed).fork('ratings');
  const draws = Array.from({ length: resamples }, () =>
    fitStrengths(
      models,
      byPrompt.flatMap(() => random.choice(byPrompt)),
    ),
  );
  return models
    .map((model, m) => {
      const sorted = draws.map((draw) => draw[m]).sort((a, b) => a - b);
      const own = matches.filter((match) => match.models.includes(model));
      const won = own.reduce(
        (sum, { models: [first], probability }) => sum + (first === model ? probability : 1 - probability),
        0,
      );
      return {
        model,
        rating: {
          estimate: estimates[m],
          low: sorted[Math.floor(0.025 * sorted.length)],
          high: sorted[Math.ceil(0.975 * sorted.length) - 1],
        },
        matches: own.length,
        winRate: (100 * won) / own.length,
      };
    })
    .sort((a, b) => b.rating.estimate - a.rating.estimate);
}

/** [models] ratings by Hunter's minorisation: strength ← wins / Σ matches with j / (own strength + that of j). */
function fitStrengths(models: readonly string[], matches: readonly Match[]): number[] {
  const count = models.length;
  const placeOf = new Map(models.map((model, m) => [model, m]));
  const wins = new Float64Array(count).fill(priorDraws * 0.5 * (count - 1));
  const met = Array.from({ length: count }, () => new Float64Array(count).fill(priorDraws));
  for (const { models: pair, probability } of matches) {
    const [i, j] = pair.map((model) => placeOf.get(model) as number);
    wins[i] += probability;
    wins[j] += 1 - probability;
    met[i][j]++;
    met[j][i]++;
  }
  let strengths = new Float64Array(count).fill(1);
  for (let step = 0; step < 10_000; step++) {
    const next = strengths.map((own, i) => {
      let total = 0;
      for (let j = 0; j < count; j++) if (j !== i) total += met[i][j] / (own + strengths[j]);
      return wins[i] / total;
    });
    const scale = Math.exp(next.reduce((sum, strength) => sum + Math.log(strength), 0) / count);
    const scaledNext = next.map((strength) => strength / scale);
    const change = Math.max(...scaledNext.map((value, i) => Math.abs(Math.log(value / strengths[i]))));
    strengths = scaledNext;
    if (change < 1e-10) break;
  }
  return Array.from(strengths, (strength) => centre + points * Math.log(strength));
}
