/**
 * Rankings as they are being made. Shape: K = number of cards; ranks are by card, from 1 = best to K, equal = tie,
 * null = not ranked yet. Places may be empty meanwhile; the server closes the gaps.
 */
export type Ranks = readonly (number | null)[];

export function noRanks(K: number): Ranks {
  return new Array<null>(K).fill(null);
}

export function withRank(ranks: Ranks, card: number, rank: number | null): Ranks {
  const place = rank === null ? null : Math.min(ranks.length, Math.max(1, rank));
  return ranks.map((before, i) => (i === card ? place : before));
}

/** One place up (−1) or down (+1). From nowhere it goes to the first free place, or from below to the last. */
export function moved(ranks: Ranks, card: number, by: -1 | 1): Ranks {
  const rank = ranks[card];
  if (rank !== null) return withRank(ranks, card, rank + by);
  return withRank(ranks, card, by === 1 ? firstFree(ranks) : ranks.length);
}

/** The lowest place that nobody has. */
export function firstFree(ranks: Ranks): number {
  for (let place = 1; place <= ranks.length; place++) if (!ranks.includes(place)) return place;
  return ranks.length;
}

export function judged(ranks: Ranks): number {
  return ranks.filter((rank) => rank !== null).length;
}

/** [places][cards] by place; the last holds those not ranked. */
export function places(ranks: Ranks): { readonly ranked: number[][]; readonly unranked: number[] } {
  const cards = ranks.map((_, card) => card);
  return {
    ranked: ranks.map((_, i) => cards.filter((card) => ranks[card] === i + 1)),
    unranked: cards.filter((card) => ranks[card] === null),
  };
}

/** `B first; A and C tied; D not ranked`. */
export function inWords(ranks: Ranks, letters: readonly string[]): string {
  const { ranked, unranked } = places(ranks);
  const names = (cards: readonly number[]): string => cards.map((card) => letters[card]).join(' and ');
  const parts = ranked
    .filter((cards) => cards.length > 0)
    .map((cards, i) => `${names(cards)} ${cards.length > 1 ? 'tied ' : ''}${ordinal(i + 1)}`);
  if (unranked.length > 0) parts.push(`${names(unranked)} not ranked`);
  return parts.join('; ');
}

export function ordinal(n: number): string {
  const [tens, ones] = [n % 100, n % 10];
  if (ones === 1 && tens !== 11) return `${n}st`;
  if (ones === 2 && tens !== 12) return `${n}nd`;
  if (ones === 3 && tens !== 13) return `${n}rd`;
  return `${n}th`;
}
