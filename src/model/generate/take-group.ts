/** Which of the waiting sequences have their prompts read next, together. */
import type { ActiveSequence } from './active-sequence.ts';
import { commonPrefix } from './prefix-memory.ts';

/** Most padded prompt tokens read in one run; bounds memory. */
const promptTokenBudget = 8192;
/** Prompts begin alike when so many tokens are the same. */
const headLength = 32;
/** Waiting sequences that are looked at, so that a group takes no longer to find the more of them there are. */
const lookAhead = 4096;
/** Fewer prompts that begin alike are read with the others: small groups would cost more than they save. */
const fewestAlike = 4;

export interface Room {
  /** Rows for sequences that go on after their first token. */
  readonly free: number;
  /** Sequences in all. */
  readonly most: number;
  /** True: what prompts begin with in common is read once, so those that begin alike are better read together. */
  readonly reusesPrefixes: boolean;
}

/** What is known of a sequence that waits. */
type Waiting = Pick<ActiveSequence, 'prompt' | 'promptKey' | 'goesOn'>;

/**
 * Takes the first waiting sequence with all that share its prompt, and more whole groups of equal prompts: those nearest
 * in length first, since shorter prompts are padded to the longest. Each prompt is read once. Only the first few thousand
 * that wait are looked at.
 * @param waiting at least one; those taken are removed
 * @returns first those that go on after their first token; the others leave at once, and need no row of the cache
 */
export function takeGroup<Sequence extends Waiting>(waiting: Sequence[], room: Room): Sequence[] {
  const near = waiting.slice(0, lookAhead);
  const [{ prompt: first }] = near;
  const { candidates, areAlike } = candidatesFor(first, byPrompt(near), room);
  const distance = ([{ prompt }]: readonly Sequence[]): number => Math.abs(prompt.length - first.length);
  const goOn: Sequence[] = [];
  const leave: Sequence[] = [];
  let prompts = 0;
  let longest = 0;
  /** Tokens that all prompts taken so far begin with, as far as they are read once. */
  let shared = areAlike ? first.length : 0;
  for (const group of candidates.sort((a, b) => distance(a) - distance(b))) {
    const [{ prompt }] = group;
    const length = Math.max(longest, prompt.length);
    const begin = Math.min(shared, areAlike ? commonPrefix(prompt, first) : 0);
    const going = group.filter((one) => one.goesOn);
    const leaving = group.filter((one) => !one.goesOn);
    if (prompts > 0) {
      if ((length - begin) * (prompts + 1) > promptTokenBudget) break;
      const fits = goOn.length + going.length <= room.free;
      if (!fits || goOn.length + leave.length + group.length > room.most) continue;
    }
    // Only the first group may be larger than there is room; the rest of it waits.
    goOn.push(...going.slice(0, room.free));
    leave.push(...leaving.slice(0, Math.max(0, room.most - goOn.length)));
    prompts++;
    longest = length;
    shared = begin;
  }
  const taken = new Set([...goOn, ...leave]);
  waiting.splice(0, near.length, ...near.filter((sequence) => !taken.has(sequence)));
  return [...taken];
}

/** Groups of equal prompts, in the order of their first sequences. */
function byPrompt<Sequence extends Waiting>(waiting: readonly Sequence[]): Sequence[][] {
  const groups = new Map<string, Sequence[]>();
  for (const sequence of waiting) {
    const group = groups.get(sequence.promptKey);
    if (group) group.push(sequence);
    else groups.set(sequence.promptKey, [sequence]);
  }
  return [...groups.values()];
}

/** The groups that may be read with the first prompt: those that begin as it does, if there are enough of them. */
function candidatesFor<Sequence extends Waiting>(
  first: ArrayLike<number>,
  groups: Sequence[][],
  { reusesPrefixes }: Room,
): { readonly candidates: Sequence[][]; readonly areAlike: boolean } {
  if (!reusesPrefixes) return { candidates: groups, areAlike: false };
  const alike = groups.filter(([{ prompt }]) => commonPrefix(prompt, first) >= headLength);
  return alike.length >= fewestAlike
    ? { candidates: alike, areAlike: true }
    : { candidates: groups, areAlike: false };
}
