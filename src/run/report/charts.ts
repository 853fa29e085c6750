/** Which metrics share a chart, and what each chart says in words. */
import type { EventRecord } from '../records.ts';

/** One metric of a stage over its steps. */
export interface Series {
  readonly name: string;
  readonly steps: readonly number[];
  /** Same length as `steps`; null where the value was not a finite number. */
  readonly values: readonly (number | null)[];
}

export interface Chart {
  readonly title: string;
  readonly series: readonly Series[];
}

interface Group {
  readonly title: string;
  /** Decides by the words of a metric's name, in lower case: `policy/clipFraction` is policy, clip, fraction. */
  readonly holds: (has: (...words: string[]) => boolean) => boolean;
}

/** In reading order; the first group that holds a metric takes it. */
const groups: readonly Group[] = [
  { title: 'Style of responses (share)', holds: (has) => has('monitor') && has('share') },
  { title: 'Words of a response', holds: (has) => has('monitor') && has('words') && !has('correlation') },
  { title: 'Held-out reward', holds: (has) => has('monitor') && has('held') },
  { title: 'Correlation of reward and words', holds: (has) => has('monitor') && has('correlation') },
  { title: 'Speed', holds: (has) => has('second', 'throughput') || (has('step') && has('time')) },
  { title: 'Time (ms)', holds: (has) => has('time') },
  { title: 'Sampler against trainer', holds: (has) => has('sampling') },
  {
    title: 'Share of prompts that teach nothing',
    holds: (has) => has('undecided') || (has('frac') && has('zero')),
  },
  { title: 'Share of responses cut off', holds: (has) => has('clipped') && has('completions', 'responses') },
  { title: 'KL part of the reward', holds: (has) => has('non') && has('score') },
  { title: 'Multipliers of bounds', holds: (has) => has('multiplier') },
  { title: 'Distance to bounds (above 0 = broken)', holds: (has) => has('violation') },
  { title: 'Disagreement of ensembles', holds: (has) => has('ensemble') && has('spread') },
  { title: 'Share not scored', holds: (has) => has('unscored') },
  { title: 'Clip fraction', holds: (has) => has('clip', 'clipped', 'clipfrac') && !has('grad', 'gradient') },
  { title: 'KL coefficient', holds: (has) => has('kl') && has('coef', 'coefficient') },
  { title: 'KL divergence (nats)', holds: (has) => has('kl', 'approxkl') },
  { title: 'Value loss', holds: (has) => has('value', 'vf', 'critic') && has('loss') },
  { title: 'Policy loss', holds: (has) => has('policy', 'pg', 'actor') && has('loss') },
  { title: 'Accuracy', holds: (has) => has('accuracy', 'accuracies') },
  { title: 'Margin', holds: (has) => has('margin', 'margins') },
  { title: 'Loss', holds: (has) => has('loss', 'nll', 'perplexity') },
  { title: 'Spread of rewards', holds: (has) => has('reward', 'rewards') && has('std') },
  { title: 'Reward', holds: (has) => has('reward', 'rewards', 'score', 'scores', 'gold') },
  { title: 'Log-probability of responses (nats)', holds: (has) => has('logps') },
  { title: 'Logits', holds: (has) => has('logits') },
  { title: 'Entropy (nats)', holds: (has) => has('entropy') },
  { title: 'Response length (tokens)', holds: (has) => has('length', 'lengths') },
  { title: 'Gradient norm', holds: (has) => has('grad', 'gradient') && has('norm') },
  { title: 'Learning rate', holds: (has) => has('lr') || (has('learning') && has('rate')) },
  { title: 'Explained variance', holds: (has) => has('explained') && has('variance') },
];

/** The order in which a reader wants the charts of a stage. */
const readingOrder = [
  'Reward',
  'Held-out reward',
  'Loss',
  'Accuracy',
  'KL divergence (nats)',
  'Response length (tokens)',
  'Multipliers of bounds',
  'Distance to bounds (above 0 = broken)',
  'Disagreement of ensembles',
  'Words of a response',
  'Style of responses (share)',
  'Correlation of reward and words',
  'Entropy (nats)',
  'Clip fraction',
  'Value loss',
  'Policy loss',
  'Explained variance',
  'Margin',
  'Log-probability of responses (nats)',
  'Spread of rewards',
  'Share of prompts that teach nothing',
  'Share of responses cut off',
  'Share not scored',
  'Sampler against trainer',
  'KL part of the reward',
  'KL coefficient',
  'Logits',
  'Gradient norm',
  'Learning rate',
  'Speed',
  'Time (ms)',
];

/** Counters, which only ever grow and show nothing in a chart; they stay in events.jsonl. */
const counters: readonly string[] = ['step', 'episode', 'epoch', 'numTokens', 'num_tokens'];

const MOST_SERIES = 4;
/** Series whose largest values differ by more than this factor do not share an axis. */
const MOST_SCALE_RATIO = 15;

/** The charts of one stage, in reading order; metrics of no known group come last, each by itself. */
export function chartsOf(events: readonly EventRecord[]): Chart[] {
  const byTitle = new Map<string, Series[]>();
  for (const series of seriesOf(events)) {
    const title = groupTitle(series.name) ?? series.name;
    byTitle.set(title, [...(byTitle.get(title) ?? []), series]);
  }
  const rank = (title: string): number => {
    const index = readingOrder.indexOf(title);
    return index < 0 ? readingOrder.length : index;
  };
  return [...byTitle]
    .sort(([a], [b]) => rank(a) - rank(b))
    .flatMap(([title, series]) => splitByScale(series).map((part) => ({ title, series: part })));
}

/** The title of the chart that a metric belongs to, or undefined when no group holds it. */
export function groupTitle(metric: string): string | undefined {
  const words = metric
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z\d]+/);
  const has = (...wanted: string[]): boolean => wanted.some((word) => words.includes(word));
  return groups.find((group) => group.holds(has))?.title;
}

function seriesOf(events: readonly EventRecord[]): Series[] {
  const series = new Map<string, { name: string; steps: number[]; values: (number | null)[] }>();
  for (const { step, metrics } of events) {
    for (const [name, value] of Object.entries(metrics)) {
      if (counters.includes(name)) continue;
      const one = series.get(name) ?? { name, steps: [], values: [] };
      series.set(name, one);
      one.steps.push(step);
      one.values.push(typeof value === 'number' && Number.isFinite(value) ? value : null);
    }
  }
  return [...series.values()];
}

function splitByScale(series: readonly Series[]): Series[][] {
  const size = ({ values }: Series): number => Math.max(...values.map((value) => Math.abs(value ?? 0)));
  const parts: { size: number; series: Series[] }[] = [];
  for (const one of series) {
    const own = size(one);
    const part = parts.find(
      (p) =>
        p.series.length < MOST_SERIES &&
        (own === p.size || Math.max(own, p.size) <= MOST_SCALE_RATIO * Math.min(own, p.size)),
    );
    if (part) part.series.push(one);
    else parts.push({ size: own, series: [one] });
  }
  return parts.map((part) => part.series);
}

/** First, last, least and greatest value of a series: what its chart shows, in numbers. */
export interface SeriesSummary {
  readonly first: number | null;
  readonly last: number | null;
  readonly min: number | null;
  readonly max: number | null;
  /** Steps at which the value was not a finite number. */
  readonly notFinite: number;
}

export function summarise({ values }: Series): SeriesSummary {
  const finite = values.filter((value) => value !== null);
  const [first, last] = [finite[0] ?? null, finite.at(-1) ?? null];
  const min = finite.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const max = finite.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const any = finite.length > 0;
  return {
    first,
    last,
    min: any ? min : null,
    max: any ? max : null,
    notFinite: values.length - finite.length,
  };
}

/** Thins a long series to about `most` points, keeping the least and the greatest value of each stretch. */
export function thin(series: Series, most: number): Series {
  const { steps, values } = series;
  if (steps.length <= most) return series;
  const stretch = Math.ceil((2 * steps.length) / most);
  const kept: number[] = [];
  for (let start = 0; start < steps.length; start += stretch) {
    const end = Math.min(steps.length, start + stretch);
    let [low, high] = [start, start];
    for (let i = start; i < end; i++) {
      if ((values[i] ?? Number.POSITIVE_INFINITY) < (values[low] ?? Number.POSITIVE_INFINITY)) low = i;
      if ((values[i] ?? Number.NEGATIVE_INFINITY) > (values[high] ?? Number.NEGATIVE_INFINITY)) high = i;
    }
    kept.push(...new Set([Math.min(low, high), Math.max(low, high)]));
  }
  const last = steps.length - 1;
  if (kept.at(-1) !== last) kept.push(last);
  return { name: series.name, steps: kept.map((i) => steps[i]), values: kept.map((i) => values[i]) };
}
