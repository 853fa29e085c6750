/**
 * What the numbers of a guard's head are. All kinds share one trunk, so that reading a conversation once serves the verdict
 * on it and on the answer that follows.
 */

/**
 * input: the conversation, judged at its end; exchange: the answer in the light of the conversation, at every token;
 * output: the answer by itself, at every token.
 */
export const guardKinds = ['input', 'output', 'exchange'] as const;
export type GuardKind = (typeof guardKinds)[number];

/** [H] names of the head's rows: the kinds, then the categories. */
export function headNames(kinds: readonly GuardKind[], categories: readonly string[]): string[] {
  return [...kinds, ...categories.map((category) => `category/${category}`)];
}
