/** What a reward model must beat: rules that look at nothing but length or position. */
import { TenetError } from '../base/index.ts';
import { type Interval, wilsonInterval } from './intervals.ts';
import type { Values } from './masked.ts';

export interface TrivialBaselines {
  /** Accuracy of "the longer response is better"; equal lengths count ½. */
  readonly longestWins: Interval;
  readonly shortestWins: Interval;
  /** Accuracy of "the response listed first is better"; null when positions are unknown. */
  readonly firstWins: Interval | null;
}

/**
 * @param options.betterLengths [P] length of the preferred response of each decided pair, in any unit
 * @param options.worseLengths  [P] length of the other
 * @param options.betterIsFirst [P] 1 = the preferred response was listed first; leave out when the data format
 *   names the preferred response (chosen, rejected) and so has no order
 * @throws TenetError('usage') without pairs, or when the lists differ in length
 */
export function trivialBaselines(options: {
  readonly betterLengths: Values;
  readonly worseLengths: Values;
  readonly betterIsFirst?: ArrayLike<number>;
}): TrivialBaselines {
  const { betterLengths, worseLengths, betterIsFirst } = options;
  const pairs = betterLengths.length;
  const fits = worseLengths.length === pairs && (betterIsFirst?.length ?? pairs) === pairs;
  if (pairs === 0 || !fits) {
    throw new TenetError(
      'usage',
      `trivialBaselines: ${pairs} and ${worseLengths.length} lengths and ${betterIsFirst?.length ?? 'no'} positions; ` +
        'all need one entry per pair, and at least one pair',
    );
  }
  let longest = 0;
  let first = 0;
  for (let i = 0; i < pairs; i++) {
    if (betterLengths[i] === worseLengths[i]) longest += 0.5;
    else if (betterLengths[i] > worseLengths[i]) longest++;
    if (betterIsFirst?.[i]) first++;
  }
  return {
    longestWins: wilsonInterval(longest, pairs),
    shortestWins: wilsonInterval(pairs - longest, pairs),
    firstWins: betterIsFirst ? wilsonInterval(first, pairs) : null,
  };
}
