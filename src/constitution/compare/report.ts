/**
 * How far a judge can be trusted: its leaning to a place or to length, whether it says the same twice, and how often it
 * agrees with people, beside rules that read nothing.
 */
import { correlation } from '../../base/index.ts';
import type { Usage } from '../../llm/index.ts';
import {
  bootstrapMean,
  expectedCalibrationError,
  type Interval,
  trivialBaselines,
  wilsonInterval,
} from '../../objective/index.ts';
import { sumUsage } from '../usage.ts';
import type { Answer } from './ask-comparison.ts';
import { pairsOf } from './compare.ts';
import type { ComparedItem, CompareJobResult, Recheck } from './compare-job.ts';

export interface ComparisonReport {
  readonly inputs: number;
  readonly items: number;
  readonly pairs: number;
  /** Inputs without two different responses. */
  readonly alike: number;
  readonly failed: number;
  /** Questions asked, without rechecks. */
  readonly questions: number;
  /** How probabilities were found. */
  readonly methods: Readonly<Partial<Record<Answer['method'], number>>>;
  /** Mean distance of the label from ½, times 2: 0 = undecided, 1 = certain. */
  readonly confidence: number;
  /** Mean probability that the letters had together, and the share of questions where it was below ½. */
  readonly mass: { readonly mean: number; readonly lowShare: number };
  readonly position: PositionBias;
  readonly length: LengthBias;
  readonly consistency: readonly Consistency[];
  /** Null without human labels. */
  readonly agreement: Agreement | null;
  readonly usage: Usage;
}

export interface PositionBias {
  /** Mean probability of the response shown first; ½ for a judge without a leaning. */
  readonly firstShare: Interval | null;
  /** Of pairs asked in both orders under a principle, part where the preferred response changed with the order. */
  readonly flips: Interval | null;
  /** Of those, the part that preferred the first place both times. */
  readonly flipsToFirst: number | null;
}

export interface LengthBias {
  /** Of pairs that differ in length and are not level, part where the longer response (in characters) is preferred. */
  readonly longerWins: Interval | null;
  /** Pearson correlation of the label with the difference in length. */
  readonly correlation: number | null;
  /** The same part by people's labels, where there are any: a judge may rightly prefer length. */
  readonly longerWinsForPeople: Interval | null;
}

export interface Consistency {
  readonly kind: Recheck['kind'];
  readonly pairs: number;
  /** Part where the same response is preferred. */
  readonly same: Interval;
  /** Mean absolute change of the probability. */
  readonly meanChange: number;
}

export interface Agreement {
  /** Pairs of which people preferred one. */
  readonly pairs: number;
  /** Part where the judge prefers the same response; a level label counts ½. */
  readonly accuracy: Interval;
  /** Mean squared error of the probability. */
  readonly brier: number;
  /** Nats; log 2 = 0.693 for a judge that knows nothing. */
  readonly logLoss: number;
  /** Expected calibration error of the confidence in the preferred response. */
  readonly calibrationError: number;
  readonly longestWins: Interval;
  readonly shortestWins: Interval;
  /** Null where the data name the preferred response first. */
  readonly firstWins: Interval | null;
}

export interface ReportOptions {
  /** True: the order of responses in the data says nothing about which is better; false for chosen and rejected. */
  readonly orderIsNeutral: boolean;
  readonly seed: number;
}

/** One compared pair with what belongs to it. */
interface PairView {
  readonly item: number;
  readonly probability: number;
  /** Characters of the first less those of the second. */
  readonly lengthDifference: number;
  readonly lengths: readonly [number, number];
  /** 1 people prefer the first, −1 the second, 0 neither or not judged. */
  readonly human: -1 | 0 | 1;
  readonly answersByPrinciple: readonly (readonly Answer[])[];
}

export function reportComparisons(result: CompareJobResult, options: ReportOptions): ComparisonReport {
  const items = result.items.filter((item) => item !== null);
  const pairs = items.flatMap(viewsOf);
  const answers = pairs.flatMap(({ answersByPrinciple }) => answersByPrinciple.flat());
  const methods: Partial<Record<Answer['method'], number>> = {};
  for (const { method } of answers) methods[method] = (methods[method] ?? 0) + 1;
  return {
    inputs: result.items.length,
    items: items.length,
    pairs: pairs.length,
    alike: result.alike.length,
    failed: result.failed.length,
    questions: answers.length,
    methods,
    confidence: meanOf(pairs.map(({ probability }) => 2 * Math.abs(probability - 0.5))),
    mass: {
      mean: meanOf(answers.map(({ mass }) => mass)),
      lowShare: meanOf(answers.map(({ mass }) => (mass < 0.5 ? 1 : 0))),
    },
    position: positionBias(pairs, options.seed),
    length: lengthBias(pairs, options.seed),
    consistency: consistencyOf(result.rechecks),
    agreement: agreementOf(pairs, options),
    usage: sumUsage(items.map(({ usage }) => usage)),
  };
}

function viewsOf({ responses, ranking, humanRanks }: ComparedItem, item: number): PairView[] {
  return pairsOf(responses.length).map(([i, j], n) => {
    const { probability, principles } = ranking.pairs[n];
    const [a, b] = [humanRanks?.[i] ?? null, humanRanks?.[j] ?? null];
    return {
      item,
      probability,
      lengthDifference: responses[i].length - responses[j].length,
      lengths: [responses[i].length, responses[j].length],
      human: a === null || b === null ? 0 : (Math.sign(b - a) as -1 | 0 | 1),
      answersByPrinciple: principles.map((judged) => judged.answers),
    };
  });
}

function positionBias(pairs: readonly PairView[], seed: number): PositionBias {
  const first = ({ probability, shownFirst }: Answer): number =>
    shownFirst === 0 ? probability : 1 - probability;
  const firstShares = pairs.flatMap(({ item, answersByPrinciple }) => {
    const together = answersByPrinciple.flat().filter(({ shownFirst }) => shownFirst !== null);
    return together.length === 0 ? [] : [{ item, value: meanOf(together.map(first)) }];
  });
  const both = pairs.flatMap(({ item, answersByPrinciple }) =>
    answersByPrinciple.filter((answers) => answers.length === 2).map((answers) => ({ item, answers })),
  );
  const flips = both.map(({ item, answers: [one, other] }) => {
    const isFlip = (one.probability - 0.5) * (other.probability - 0.5) < 0;
    return { item, value: isFlip ? 1 : 0, toFirst: isFlip && first(one) > 0.5 };
  });
  const count = flips.filter(({ value }) => value === 1).length;
  return {
    firstShare: clusteredMean(firstShares, seed),
    flips: clusteredShare(flips, seed),
    flipsToFirst: count === 0 ? null : flips.filter(({ toFirst }) => toFirst).length / count,
  };
}

function lengthBias(pairs: readonly PairView[], seed: number): LengthBias {
  const uneven = pairs.filter(({ lengthDifference }) => lengthDifference !== 0);
  const longerIsFirst = ({ lengthDifference }: PairView): boolean => lengthDifference > 0;
  const wins = uneven
    .filter(({ probability }) => probability !== 0.5)
    .map((pair) => ({ item: pair.item, value: longerIsFirst(pair) === pair.probability > 0.5 ? 1 : 0 }));
  const humanWins = uneven
    .filter(({ human }) => human !== 0)
    .map((pair) => ({ item: pair.item, value: longerIsFirst(pair) === pair.human > 0 ? 1 : 0 }));
  return {
    longerWins: clusteredShare(wins, seed),
    correlation: correlation(
      pairs.map(({ probability }) => probability),
      pairs.map(({ lengthDifference }) => lengthDifference),
    ),
    longerWinsForPeople: clusteredShare(humanWins, seed),
  };
}

function consistencyOf(rechecks: readonly Recheck[]): Consistency[] {
  return (['repeat', 'reword'] as const).flatMap((kind) => {
    const own = rechecks.filter((recheck) => recheck.kind === kind);
    if (own.length === 0) return [];
    const side = (probability: number): number => Math.sign(probability - 0.5);
    const same = own.filter(({ before, after }) => side(before.unclamped) === side(after.unclamped)).length;
    const meanChange = meanOf(own.map(({ before, after }) => Math.abs(before.unclamped - after.unclamped)));
    return { kind, pairs: own.length, same: wilsonInterval(same, own.length), meanChange };
  });
}

function agreementOf(all: readonly PairView[], { orderIsNeutral, seed }: ReportOptions): Agreement | null {
  const pairs = all.filter(({ human }) => human !== 0);
  if (pairs.length === 0) return null;
  // Probability of the response that people prefer.
  const right = pairs.map(({ probability, human }) => (human > 0 ? probability : 1 - probability));
  const hits = right.map((p) => (p > 0.5 ? 1 : p === 0.5 ? 0.5 : 0));
  const { error } = expectedCalibrationError(
    Float64Array.from(right, (p) => Math.max(p, 1 - p)),
    Float64Array.from(hits),
    { from: 0.5 },
  );
  const smallest = 1e-6; // a judge that is certain and wrong is not infinitely wrong
  const length = (pair: PairView, better: boolean): number => pair.lengths[pair.human > 0 === better ? 0 : 1];
  const baselines = trivialBaselines({
    betterLengths: Float64Array.from(pairs, (pair) => length(pair, true)),
    worseLengths: Float64Array.from(pairs, (pair) => length(pair, false)),
    betterIsFirst: orderIsNeutral ? Uint8Array.from(pairs, ({ human }) => (human > 0 ? 1 : 0)) : undefined,
  });
  return {
    pairs: pairs.length,
    accuracy: clusteredShare(
      pairs.map(({ item }, i) => ({ item, value: hits[i] })),
      seed,
    )!,
    brier: meanOf(right.map((p) => (1 - p) ** 2)),
    logLoss: meanOf(right.map((p) => -Math.log(Math.max(p, smallest)))),
    calibrationError: error,
    ...baselines,
  };
}

/** A value of a pair, and the item that the pair belongs to. */
interface Clustered {
  readonly item: number;
  readonly value: number;
}

/** Part with its interval: Wilson's where every item gives one value, else by bootstrap over items. */
function clusteredShare(values: readonly Clustered[], seed: number): Interval | null {
  if (values.length === 0) return null;
  if (new Set(values.map(({ item }) => item)).size < values.length) return clusteredMean(values, seed);
  const sum = values.reduce((total, { value }) => total + value, 0);
  return wilsonInterval(sum, values.length);
}

/** Mean over items of their mean, with a bootstrap interval over items: pairs of one item are not independent. */
function clusteredMean(values: readonly Clustered[], seed: number): Interval | null {
  if (values.length === 0) return null;
  const byItem = new Map<number, number[]>();
  for (const { item, value } of values) byItem.set(item, [...(byItem.get(item) ?? []), value]);
  return bootstrapMean(
    Float64Array.from(byItem.values(), (own) => meanOf(own)),
    { seed },
  );
}

function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
