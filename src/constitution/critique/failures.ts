/** What can go wrong with a critique or a revision, found by rules that look at the texts alone. */
import { contentStems, overlapOf, wordsOf } from '../words.ts';
import { switchedLanguage } from './language.ts';
import { isBareRefusal } from './refusal.ts';

/**
 * - `empty`: no words
 * - `withheld`: the provider's filter kept the answer back
 * - `copy`: the response (or critique) over again
 * - `identical`: a revision that changes nothing
 * - `refusal`: declines, and gives nothing else
 * - `language`: in another language than the response
 * - `off-topic`: shares no word with what it is about
 * - `repetition`: the same words over and over
 */
export const FAILURE_KINDS = [
  'empty',
  'withheld',
  'copy',
  'identical',
  'refusal',
  'language',
  'off-topic',
  'repetition',
] as const;
export type FailureKind = (typeof FAILURE_KINDS)[number];

/** What a critique or revision is about. */
export interface Subject {
  /** The last request of the conversation. */
  readonly request: string;
  readonly response: string;
}

/** Share of common words, in order, from which one text is the other over again. */
const sameText = 0.9;
/** Words from which an answer that shares none with its subject is off topic; shorter ones may be "None". */
const longEnough = 8;

/** The first thing that is wrong with a critique, or null. @param about the principle and the words it was asked with */
export function critiqueFailure(critique: string, subject: Subject, about: string): FailureKind | null {
  if (wordsOf(critique).length === 0) return 'empty';
  if (isRepetitive(critique)) return 'repetition';
  if (similarity(critique, subject.response) >= sameText) return 'copy';
  if (switchedLanguage(subject.response, critique) && switchedLanguage(about, critique)) return 'language';
  if (isBareRefusal(critique)) return 'refusal';
  // "The assistant gave an honest response" speaks of the response without repeating a word of it.
  const speaksOfIt =
    /\b(assistant|responses?|answers?|repl(y|ies)|questions?|requests?|critiques?|principles?)\b/i;
  if (!speaksOfIt.test(critique) && isOffTopic(critique, [subject.request, subject.response, about]))
    return 'off-topic';
  return null;
}

/** The first thing that is wrong with a revision, or null. */
export function revisionFailure(revision: string, subject: Subject, critique: string): FailureKind | null {
  if (wordsOf(revision).length === 0) return 'empty';
  if (isRepetitive(revision)) return 'repetition';
  if (normal(revision) === normal(subject.response)) return 'identical';
  if (similarity(revision, critique) >= sameText) return 'copy';
  if (switchedLanguage(subject.response, revision) && switchedLanguage(subject.request, revision))
    return 'language';
  if (isBareRefusal(revision)) return 'refusal';
  if (isOffTopic(revision, [subject.request, subject.response, critique])) return 'off-topic';
  return null;
}

/** Words alone, so that spacing, case and punctuation make no difference. */
function normal(text: string): string {
  return wordsOf(text).join(' ');
}

/** Dice coefficient of the pairs of neighbouring words, in [0, 1]; 1 = the same words in the same order. */
export function similarity(a: string, b: string): number {
  const [pairsA, pairsB] = [wordPairs(a), wordPairs(b)];
  const total = pairsA.length + pairsB.length;
  if (total === 0) return 0;
  const left = new Map<string, number>();
  for (const pair of pairsA) left.set(pair, (left.get(pair) ?? 0) + 1);
  let shared = 0;
  for (const pair of pairsB) {
    const count = left.get(pair) ?? 0;
    if (count > 0) shared++;
    left.set(pair, count - 1);
  }
  return (2 * shared) / total;
}

function wordPairs(text: string): string[] {
  const words = ['', ...wordsOf(text), ''];
  return words.length < 3 ? [] : words.slice(1).map((word, i) => `${words[i]} ${word}`);
}

function isOffTopic(text: string, subjects: readonly string[]): boolean {
  if (wordsOf(text).length < longEnough) return false;
  return overlapOf(contentStems(text), contentStems(subjects.join(' '))) === 0;
}

/** More than half of the runs of four words have occurred before: a model that has fallen into a loop. */
function isRepetitive(text: string): boolean {
  const words = wordsOf(text);
  if (words.length < 24) return false;
  const runs = words.slice(3).map((_, i) => words.slice(i, i + 4).join(' '));
  return new Set(runs).size < runs.length / 2;
}
