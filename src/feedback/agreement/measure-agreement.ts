/**
 * How far people agree, over all labels or by slice.
 *
 * What is compared is the outcome of a pair of responses: the first is better, both are level, the second is better. A
 * ranking of K responses with ties and unjudged ones is up to K (K − 1) / 2 outcomes. Which response of a pair comes first
 * means nothing (in much data it is always the better one), so every pair is counted both ways round: chance is then the
 * same for `first` and `second`, and only ties can be more or less usual.
 */
import { meanOf, Random } from '../../base/index.ts';
import type { Interval } from '../../objective/index.ts';
import type { JudgedTask, Judgement } from './judgements.ts';
import { beyondChance, chanceOf } from './kappa.ts';
import { kendallTauB, kendallW } from './kendall.ts';
import { alphaOf, bootstrapOfSums } from './krippendorff.ts';
import { outcomeOf } from './outcome.ts';

export interface Agreement {
  /** Tasks, annotators, and pairs of responses that two or more people have judged; comparisons of two people's outcomes. */
  readonly tasks: number;
  readonly annotators: number;
  readonly pairs: number;
  readonly comparisons: number;
  /** Share of comparisons in which both say the same, a tie against a decision counting ½; mean over tasks. */
  readonly agree: Interval;
  /** Share of comparisons in which both say exactly the same. */
  readonly same: number;
  /** Krippendorff's α of outcomes, with outcomes merely different (nominal), or a tie between the two others (ordinal). */
  readonly alphaNominal: Interval | null;
  readonly alphaOrdinal: Interval | null;
  readonly fleissKappa: number | null;
  /** Cohen's κ, mean over the pairs of people, weighted by their comparisons (Light's κ); of two people, just theirs. */
  readonly cohenKappa: number | null;
  /** Mean over tasks of the mean τ-b of two people's rankings; null where none decides anything. */
  readonly tauB: number | null;
  /** Mean over tasks of Kendall's W, over the responses that all have judged. */
  readonly concordance: number | null;
}

/** Two labels of one task, and the pair of responses that they are compared on. */
export interface Comparison {
  readonly task: JudgedTask;
  readonly first: Judgement;
  readonly second: Judgement;
  readonly pair: readonly [number, number];
}

/** The slices that a comparison counts in; none = it is left out. */
export type SliceBy = (comparison: Comparison) => readonly (string | null)[];

export interface AgreementOptions {
  /** Same seed, same intervals. Default 0. */
  readonly seed?: number;
  /** Draws for the intervals. Default 1000. */
  readonly resamples?: number;
}

/** Agreement over all labels; null where no two people have judged the same pair of responses. */
export function measureAgreement(
  tasks: readonly JudgedTask[],
  options: AgreementOptions = {},
): Agreement | null {
  return agreementBy(tasks, () => ['all'], options).get('all') ?? null;
}

/** A slice by a property of the label: comparisons count where either of the two labels has it. */
export function byLabel(property: (judgement: Judgement, task: JudgedTask) => string | null): SliceBy {
  return ({ first, second, task }) => [...new Set([property(first, task), property(second, task)])];
}

/** Agreement by slice, in the order in which the slices come up. */
export function agreementBy(
  tasks: readonly JudgedTask[],
  sliceBy: SliceBy,
  { seed = 0, resamples }: AgreementOptions = {},
): Map<string, Agreement> {
  const slices = new Map<string, Slice>();
  for (const task of tasks) {
    if (task.judgements.length >= 2) addTask(slices, task, sliceBy);
  }
  return new Map([...slices].map(([key, slice]) => [key, agreementOf(slice, seedFor(seed, key), resamples)]));
}

/** Outcomes of a pair: first better, level, second better. */
const C = 3;
/** Columns of a task's sums: the table of coincidences, then these. */
const unitsColumn = C * C;
const sameColumn = unitsColumn + 1;
const agreeColumn = unitsColumn + 2;
const columns = unitsColumn + 3;

interface Slice {
  /** [tasks][columns] */
  readonly sums: Float64Array[];
  readonly annotators: Set<string>;
  readonly people: Map<string, TwoPeople>;
  readonly taus: number[];
  readonly concordances: number[];
  comparisons: number;
  same: number;
}

/** How often two people said the same, and how often each called a pair level. */
interface TwoPeople {
  comparisons: number;
  same: number;
  readonly ties: [number, number];
}

function newSlice(): Slice {
  return {
    ...{ sums: [], annotators: new Set(), people: new Map(), taus: [], concordances: [] },
    ...{ comparisons: 0, same: 0 },
  };
}

/** What one task adds to one slice. */
interface Share {
  readonly sums: Float64Array;
  readonly slice: Slice;
  /** Labels compared, and which with which. */
  readonly labels: Set<number>;
  readonly twos: Map<number, readonly [number, number]>;
  comparisons: number;
  agree: number;
}

function addTask(slices: Map<string, Slice>, task: JudgedTask, sliceBy: SliceBy): void {
  const { judgements } = task;
  const n = judgements.length;
  const K = task.lengths.length;
  const shares = new Map<string, Share>();
  const outcomes = new Array<number | null>(n);
  for (let i = 0; i < K; i++) {
    for (let j = i + 1; j < K; j++) {
      for (let a = 0; a < n; a++) outcomes[a] = outcomeOf(judgements[a].ranks, i, j);
      const twosOf = new Map<string, [number, number][]>();
      for (let a = 0; a < n; a++) {
        for (let b = a + 1; b < n; b++) {
          if (outcomes[a] === null || outcomes[b] === null) continue;
          const keys = sliceBy({ task, first: judgements[a], second: judgements[b], pair: [i, j] });
          for (const key of keys) {
            if (key === null) continue;
            const twos = twosOf.get(key);
            if (twos) twos.push([a, b]);
            else twosOf.set(key, [[a, b]]);
          }
        }
      }
      for (const [key, twos] of twosOf) addUnit(shareOf(slices, shares, key), judgements, outcomes, twos);
    }
  }
  for (const { slice, sums, agree, comparisons, labels, twos } of shares.values()) {
    sums[agreeColumn] = agree / comparisons;
    slice.sums.push(sums);
    const taus = [...twos.values()].flatMap(
      ([a, b]) => kendallTauB(judgements[a].ranks, judgements[b].ranks) ?? [],
    );
    if (taus.length > 0) slice.taus.push(meanOf(taus));
    const w = kendallW([...labels].map((a) => judgements[a].ranks));
    if (w !== null) slice.concordances.push(w);
  }
}

function shareOf(slices: Map<string, Slice>, shares: Map<string, Share>, key: string): Share {
  let share = shares.get(key);
  if (share) return share;
  let slice = slices.get(key);
  if (!slice) {
    slice = newSlice();
    slices.set(key, slice);
  }
  share = {
    ...{ sums: new Float64Array(columns), slice, labels: new Set<number>() },
    ...{ twos: new Map<number, readonly [number, number]>(), comparisons: 0, agree: 0 },
  };
  shares.set(key, share);
  return share;
}

/** One pair of responses, with the comparisons of it that count. */
function addUnit(
  share: Share,
  judgements: readonly Judgement[],
  outcomes: readonly (number | null)[],
  twos: readonly (readonly [number, number])[],
): void {
  const { sums, slice } = share;
  const values = new Set(twos.flat()).size;
  // A unit counts as many times as it has values, whichever of its comparisons are counted: with all of them this is
  // 1 / (values − 1) for each, as Krippendorff defines it. Halves, for the two ways round.
  const weight = values / (2 * twos.length) / 2;
  let same = 0;
  for (const [a, b] of twos) {
    const [x, y] = [outcomes[a]!, outcomes[b]!];
    for (const [c, k] of [
      [x, y],
      [C - 1 - x, C - 1 - y],
    ]) {
      sums[c * C + k] += weight;
      sums[k * C + c] += weight;
    }
    same += x === y ? 1 : 0;
    share.agree += 1 - Math.abs(x - y) / 2;
    share.labels.add(a).add(b);
    share.twos.set(a * judgements.length + b, [a, b]);
    addPeople(slice, judgements[a].annotator, judgements[b].annotator, x, y);
  }
  sums[unitsColumn]++;
  sums[sameColumn] += same / twos.length;
  share.comparisons += twos.length;
  slice.comparisons += twos.length;
  slice.same += same;
}

function addPeople({ annotators, people }: Slice, a: string, b: string, x: number, y: number): void {
  annotators.add(a).add(b);
  const inOrder = a < b;
  const key = JSON.stringify(inOrder ? [a, b] : [b, a]);
  let two = people.get(key);
  if (!two) {
    two = { comparisons: 0, same: 0, ties: [0, 0] };
    people.set(key, two);
  }
  two.comparisons++;
  if (x === y) two.same++;
  if (x === 1) two.ties[inOrder ? 0 : 1]++;
  if (y === 1) two.ties[inOrder ? 1 : 0]++;
}

function agreementOf(slice: Slice, seed: number, resamples: number | undefined): Agreement {
  const { sums, annotators, people, taus, concordances, comparisons, same } = slice;
  const options = { seed, ...(resamples !== undefined && { resamples }) };
  const agree = bootstrapOfSums(
    sums.map((row) => Float64Array.of(row[agreeColumn])),
    ([total]) => total / sums.length,
    options,
  )!;
  const tables = sums.map((row) => row.subarray(0, C * C));
  const total = new Float64Array(columns);
  for (const row of sums) for (const [c, value] of row.entries()) total[c] += value;
  const marginals = [0, 1, 2].map((c) => total[c * C] + total[c * C + 1] + total[c * C + 2]);
  return {
    ...{ tasks: sums.length, annotators: annotators.size, pairs: total[unitsColumn], comparisons },
    ...{ agree, same: same / comparisons },
    alphaNominal: bootstrapOfSums(tables, (table) => alphaOf(table, 'nominal'), options),
    alphaOrdinal: bootstrapOfSums(tables, (table) => alphaOf(table, 'ordinal'), options),
    fleissKappa: beyondChance(total[sameColumn] / total[unitsColumn], chanceOf(marginals)),
    cohenKappa: lightKappa([...people.values()]),
    tauB: taus.length === 0 ? null : meanOf(taus),
    concordance: concordances.length === 0 ? null : meanOf(concordances),
  };
}

/** Both ways round, each calls the first better as often as the second: half of what it does not call level. */
function lightKappa(people: readonly TwoPeople[]): number | null {
  let [sum, weight] = [0, 0];
  for (const { comparisons: n, same, ties } of people) {
    const [s, t] = [ties[0] / n, ties[1] / n];
    const kappa = beyondChance(same / n, s * t + ((1 - s) * (1 - t)) / 2);
    if (kappa === null) continue;
    sum += n * kappa;
    weight += n;
  }
  return weight === 0 ? null : sum / weight;
}

function seedFor(seed: number, key: string): number {
  return new Random(seed).fork(key).uint32();
}
