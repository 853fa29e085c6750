/**
 * Signs that somebody labels without reading: too fast, always the same, always the card that stands first.
 *
 * Responses are shuffled for every annotator and task, so that honest labels have no pattern by card: each order of K
 * cards is as likely as any other, whatever the responses are. Shape: K = number of responses.
 */
import { medianOf } from '../../base/index.ts';
import { binomialCumulative, type Interval, wilsonInterval } from '../../objective/index.ts';
import type { JudgedTask, Judgement } from '../agreement/judgements.ts';
import { letterOf } from '../tasks/shown.ts';

export type Suspicion = 'too-fast' | 'straight-lining' | 'all-ties';

export interface Habits {
  readonly annotator: string;
  readonly labels: number;
  /** Of labels whose time was measured: share that took less time than reading does. */
  readonly tooFast: number | null;
  readonly medianMs: number | null;
  /** Share of labels that call all responses level. */
  readonly allTies: number;
  /** Of the pairs decided: how often the card shown earlier was preferred; honest labels stand near ½. */
  readonly earlierPreferred: Interval | null;
  /** Of the pairs decided with a difference in length: how often the longer response was preferred. */
  readonly longerPreferred: Interval | null;
  /** The most frequent strict order by card, such as `A > B`, and how often it was given; null without any. */
  readonly usualOrder: { readonly order: string; readonly labels: number; readonly of: number } | null;
  readonly suspicions: readonly Suspicion[];
}

/** Nobody takes in more words in a minute: silent reading is at 238 on average (Brysbaert 2019), skimming at twice that. */
const wordsPerMinute = 900;
/** Nor judges in less, however short the texts are. */
const leastMs = 1000;
/** What share of labels makes a habit. */
const manyTooFast = 0.2;
const manyTies = 0.5;
/** How unlikely an order by card must be to be called straight-lining. */
const unlikely = 0.001;
/** With fewer labels nothing is said of anybody. */
const leastLabels = 10;

/** @returns by name of annotator */
export function labelHabits(tasks: readonly JudgedTask[]): Habits[] {
  const byAnnotator = new Map<string, Own[]>();
  for (const task of tasks) {
    for (const judgement of task.judgements) {
      const own = byAnnotator.get(judgement.annotator);
      if (own) own.push({ task, judgement });
      else byAnnotator.set(judgement.annotator, [{ task, judgement }]);
    }
  }
  return [...byAnnotator]
    .map(([annotator, own]) => habitsOf(annotator, own))
    .sort((a, b) => (a.annotator < b.annotator ? -1 : 1));
}

interface Own {
  readonly task: JudgedTask;
  readonly judgement: Judgement;
}

function habitsOf(annotator: string, own: readonly Own[]): Habits {
  const timed = own.filter(({ judgement }) => judgement.activeMs !== null);
  const fast = timed.filter(({ task, judgement }) => judgement.activeMs! < leastTimeFor(task.words));
  const tooFast = timed.length === 0 ? null : fast.length / timed.length;
  const allTies = own.filter(({ judgement }) => isLevel(judgement.ranks)).length / own.length;
  const { usual, isLine } = usualOrderOf(own);
  const enough = own.length >= leastLabels;
  const suspicions: Suspicion[] = [];
  if (enough && tooFast !== null && tooFast > manyTooFast) suspicions.push('too-fast');
  if (enough && isLine) suspicions.push('straight-lining');
  if (enough && allTies > manyTies) suspicions.push('all-ties');
  return {
    ...{ annotator, labels: own.length, tooFast, allTies, usualOrder: usual, suspicions },
    medianMs: timed.length === 0 ? null : medianOf(timed.map(({ judgement }) => judgement.activeMs!)),
    earlierPreferred: preferred(own, ({ judgement: { shownOrder } }, i, j) =>
      shownOrder === null ? 0 : shownOrder.indexOf(j) - shownOrder.indexOf(i),
    ),
    longerPreferred: preferred(own, ({ task: { lengths } }, i, j) => lengths[i] - lengths[j]),
  };
}

/** The least milliseconds that reading so many words takes. */
export function leastTimeFor(words: number): number {
  return Math.max(leastMs, (60_000 * words) / wordsPerMinute);
}

function isLevel(ranks: readonly (number | null)[]): boolean {
  return ranks.every((rank) => rank !== null && rank === ranks[0]);
}

/** Of the decided pairs in which one response is ahead by a property: how often it was preferred. */
function preferred(
  own: readonly Own[],
  ahead: (label: Own, i: number, j: number) => number,
): Interval | null {
  let [hits, pairs] = [0, 0];
  for (const label of own) {
    const { ranks } = label.judgement;
    for (let i = 0; i < ranks.length; i++) {
      for (let j = i + 1; j < ranks.length; j++) {
        const [a, b] = [ranks[i], ranks[j]];
        if (a === null || b === null || a === b) continue;
        const by = ahead(label, i, j);
        if (by === 0) continue;
        pairs++;
        if (by > 0 === a < b) hits++;
      }
    }
  }
  return pairs === 0 ? null : wilsonInterval(hits, pairs);
}

/**
 * The most frequent order by card, among the labels that rank so many responses strictly; for the number of responses
 * where it stands out most. It is a line when it comes up so often that chance hardly would, and more than half way from
 * what chance gives to always.
 */
function usualOrderOf(own: readonly Own[]): {
  readonly usual: Habits['usualOrder'];
  readonly isLine: boolean;
} {
  const bySize = new Map<number, Map<string, number>>();
  for (const { judgement } of own) {
    const order = orderByCard(judgement);
    if (order === null) continue;
    const orders = bySize.get(order.length) ?? new Map<string, number>();
    orders.set(order, (orders.get(order) ?? 0) + 1);
    bySize.set(order.length, orders);
  }
  let found: {
    readonly usual: NonNullable<Habits['usualOrder']>;
    readonly p: number;
    readonly isLine: boolean;
  } | null = null;
  for (const [K, orders] of bySize) {
    const of = [...orders.values()].reduce((sum, count) => sum + count, 0);
    const [order, labels] = [...orders].reduce((a, b) => (b[1] > a[1] ? b : a));
    const chance = 1 / factorial(K);
    // Any of the orders could have been the most frequent one.
    const p = Math.min(1, (1 - binomialCumulative(labels - 1, of, chance)) / chance);
    const isLine = of >= leastLabels && p < unlikely && labels / of > (1 + chance) / 2;
    if (found === null || p < found.p) {
      found = { usual: { order: [...order].join(' > '), labels, of }, p, isLine };
    }
  }
  return { usual: found?.usual ?? null, isLine: found?.isLine ?? false };
}

/** `CAB`: letters of the cards, best first; null where not all are ranked, or some are level. */
function orderByCard({ ranks, shownOrder }: Judgement): string | null {
  if (shownOrder === null || new Set(ranks).size < ranks.length || ranks.includes(null)) return null;
  return shownOrder
    .map((response, position) => ({ rank: ranks[response]!, letter: letterOf(position) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ letter }) => letter)
    .join('');
}

function factorial(n: number): number {
  return n <= 1 ? 1 : n * factorial(n - 1);
}
