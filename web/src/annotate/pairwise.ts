/**
 * A ranking from comparisons of two at a time: each card is put into the order of those before by binary insertion, so
 * four cards take five comparisons at most.
 */
import type { Ranks } from './ranking.ts';

export interface Pairwise {
  /** Places in order, best first; cards in one place are tied. */
  readonly order: readonly (readonly number[])[];
  /** Cards still to come; the first is being placed. */
  readonly waiting: readonly number[];
  /** The card being placed goes to a place in [low, high]; both bounds are places in `order`. */
  readonly low: number;
  readonly high: number;
}

export function beginPairwise(K: number): Pairwise {
  const [first, ...waiting] = Array.from({ length: K }, (_, i) => i);
  return { order: [[first]], waiting, low: 0, high: 1 };
}

/** The two cards to compare next, the new one second; null when all are placed. */
export function nextPair({ order, waiting, low, high }: Pairwise): readonly [number, number] | null {
  if (waiting.length === 0) return null;
  return [order[middle(low, high)][0], waiting[0]];
}

/** @param better the card of the pair that is better; null = a tie */
export function decide(state: Pairwise, better: number | null): Pairwise {
  const { order, waiting, low, high } = state;
  const at = middle(low, high);
  const [card] = waiting;
  if (better === null) {
    return settle(
      order.map((cards, i) => (i === at ? [...cards, card] : cards)),
      waiting,
    );
  }
  const [newLow, newHigh] = better === card ? [low, at] : [at + 1, high];
  if (newLow < newHigh) return { order, waiting, low: newLow, high: newHigh };
  return settle([...order.slice(0, newLow), [card], ...order.slice(newLow)], waiting);
}

/** Ranks [K] of what is placed so far. */
export function ranksOf({ order }: Pairwise, K: number): Ranks {
  return Array.from({ length: K }, (_, card) => {
    const place = order.findIndex((cards) => cards.includes(card));
    return place < 0 ? null : place + 1;
  });
}

function settle(order: Pairwise['order'], waiting: readonly number[]): Pairwise {
  return { order, waiting: waiting.slice(1), low: 0, high: order.length };
}

function middle(low: number, high: number): number {
  return Math.floor((low + high) / 2);
}
