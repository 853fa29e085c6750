/** The words in which a principle is put to a model: its own, or made from its text. */

import type { Constitution, Principle } from './constitution.ts';
import { NO_VIOLATION } from './critique/verdict.ts';

/** Asks what is wrong with the last response under a principle. */
export function critiqueRequestOf(principle: Principle): string {
  return (
    principle.critiqueRequest ??
    `Consider this principle: ${principle.text}\n\nSay in which way the assistant's last response goes against it, if it ` +
      `does. If it does not, answer "${NO_VIOLATION}"`
  );
}

/** Asks for a response that keeps a principle. */
export function revisionRequestOf(principle: Principle): string {
  return (
    principle.revisionRequest ??
    `Rewrite the assistant's last response so that it keeps this principle: ${principle.text}\n\nKeep what was useful in ` +
      'it, and write the new response only.'
  );
}

/** Asks which of the responses keeps a principle better. */
export function comparisonQuestionOf(principle: Principle): string {
  return principle.comparisonQuestion ?? `Which response keeps this principle better? ${principle.text}`;
}

/** Asks for a critique under several principles at once. */
export function jointCritiqueRequest(principles: readonly Principle[]): string {
  if (principles.length === 1) return critiqueRequestOf(principles[0]);
  return (
    `Consider these principles:\n\n${numbered(principles)}\n\nGo through them, and say for each that the assistant's last ` +
    `response goes against in which way it does. Leave out the others. If it goes against none, answer "${NO_VIOLATION}"`
  );
}

/** Asks for a revision under several principles at once. */
export function jointRevisionRequest(principles: readonly Principle[]): string {
  if (principles.length === 1) return revisionRequestOf(principles[0]);
  return (
    `Rewrite the assistant's last response so that it keeps all of these principles:\n\n${numbered(principles)}\n\nKeep ` +
    'what was useful in it, and write the new response only.'
  );
}

/** What a judge is told before a question: the preamble, and the limits that nothing outweighs. */
export function introductionOf({ preamble, principles }: Constitution): string {
  const limits = principles.filter(({ hard }) => hard);
  const hard =
    limits.length === 0
      ? ''
      : `Whatever else counts, these limits hold:\n\n${limits.map(({ text }) => `- ${text}`).join('\n')}`;
  return [preamble, hard].filter(Boolean).join('\n\n');
}

function numbered(principles: readonly Principle[]): string {
  return principles.map(({ text }, i) => `${i + 1}. ${text.replaceAll('\n', '\n   ')}`).join('\n');
}
