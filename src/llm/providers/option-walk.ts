/**
 * Probabilities of options from the log-probabilities that a provider tells: at each token of one greedy answer, the
 * likeliest alternatives.
 *
 * The answer is followed token by token. As long as what was said may still become several options (`(` of `(A)` and
 * `(B)`), the probability goes on to the next token; where an alternative leaves only one option possible, its
 * probability goes to that option. This is exact but for what the provider leaves out: alternatives beyond its list
 * (20 at most), and those that leave the path before an option is clear.
 */

export interface TokenChoice {
  readonly token: string;
  readonly logprob: number;
  readonly top_logprobs: readonly { readonly token: string; readonly logprob: number }[];
}

/**
 * @param path    the tokens of a greedy answer
 * @param options [K]
 * @param lead    what the answer may say before the option, such as a beginning that it was asked to repeat
 * @returns [K] probability of each option; they sum to 1 at most
 */
export function walkOptions(path: readonly TokenChoice[], options: readonly string[], lead = ''): number[] {
  const found = options.map(() => 0);
  let said = '';
  let reached = 1;
  for (const { token, logprob, top_logprobs } of path) {
    for (const alternative of alternativesAt(token, logprob, top_logprobs)) {
      const match = matchOptions(said + alternative.token, options, lead);
      if (match !== 'open' && match !== null) found[match] += reached * Math.exp(alternative.logprob);
    }
    said += token;
    if (matchOptions(said, options, lead) !== 'open') break;
    reached *= Math.exp(logprob);
  }
  return settleOpenEnd(found, said, reached, options, lead, path.length);
}

/** Each distinct token once, the chosen one included, which some providers leave out of their list. */
function alternativesAt(
  token: string,
  logprob: number,
  top: TokenChoice['top_logprobs'],
): { token: string; logprob: number }[] {
  const byToken = new Map<string, number>([[token, logprob]]);
  for (const other of top) if (!byToken.has(other.token)) byToken.set(other.token, other.logprob);
  return [...byToken].map(([text, value]) => ({ token: text, logprob: value }));
}

/**
 * Where the path ends while two options are possible, the answer was the one that it spells: `Yes` where `Yes, but`
 * was an option too.
 */
function settleOpenEnd(
  found: number[],
  said: string,
  reached: number,
  options: readonly string[],
  lead: string,
  tokens: number,
): number[] {
  if (tokens === 0 || matchOptions(said, options, lead) !== 'open') return found;
  const whole = options.findIndex((option) => candidatesOf(option, lead).includes(normal(said).trimEnd()));
  if (whole >= 0) found[whole] += reached;
  return found;
}

/**
 * What a text that an answer begins with says about the options.
 * @returns the index of the only option that it can be; 'open': several are possible; null: none is
 */
export function matchOptions(text: string, options: readonly string[], lead: string): number | 'open' | null {
  const start = normal(text);
  const possible = options.flatMap((option, i) =>
    candidatesOf(option, lead).some((candidate) => fits(start, candidate)) ? [i] : [],
  );
  if (possible.length === 0) return null;
  // Nothing yet, or a part of the lead: still open, whichever options there are.
  if (start === '' || normal(lead).startsWith(start)) return 'open';
  if (possible.length === 1) return possible[0];
  // All of them were said whole, one within the other, as "A" in "A B.": the longest was meant.
  const ended = possible.filter((i) => !candidatesOf(options[i], lead).some((one) => one.startsWith(start)));
  return ended.length === possible.length ? longestOf(ended, options) : 'open';
}

function candidatesOf(option: string, lead: string): string[] {
  const alone = normal(option);
  if (lead === '') return [alone];
  return [alone, normal(lead + option), normal(`${lead.trimEnd()} ${option}`)];
}

/** The text is the beginning of the candidate, or the candidate ended as a word in it. */
function fits(text: string, candidate: string): boolean {
  if (candidate.startsWith(text)) return true;
  return text.startsWith(candidate) && !/^[\p{L}\p{N}]/u.test(text.slice(candidate.length));
}

function longestOf(indices: readonly number[], options: readonly string[]): number {
  return indices.reduce((best, i) => (options[i].length > options[best].length ? i : best));
}

/** White space before an answer does not count, nor do brackets, quotation marks and stars around it. */
function normal(text: string): string {
  return text.replace(/^[\s("'*[`“]+/, '');
}
