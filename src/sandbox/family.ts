/** A family of prompts: question templates that share their slots and the way they are answered. */
import type { Random } from '../base/index.ts';
import type { Claim, Part } from './claim.ts';
import type { Slots } from './lexicon.ts';
import { fill, sentence } from './template.ts';

export type Domain = 'cooking' | 'repairs' | 'travel' | 'sums' | 'facts' | 'opinions';

export type PromptKind = 'how-to' | 'fact' | 'opinion' | 'unsafe' | 'looks-unsafe' | 'unanswerable';

/** A sentence form of responses: how it is written and what it claims. */
export interface Form {
  readonly template: string;
  readonly claims: (slots: Slots) => readonly Claim[];
}

export interface Family {
  readonly id: string;
  readonly kind: PromptKind;
  readonly domain: Domain;
  /** How often it is drawn, beside the other families of its kind. Default 1. */
  readonly weight?: number;
  /** Whole prompts, with capital and punctuation. */
  readonly questions: readonly string[];
  /** Every combination of slot values that is asked. */
  readonly combinations: () => readonly Slots[];
  /** Draws a combination; default: uniform over `combinations`. */
  readonly draw?: (random: Random) => Slots;
  /** What is held out as one: prompts with the same core fall into the same split. */
  readonly core: (slots: Slots) => string;
  /** The right answer. Steps stand in their order. */
  readonly answer: (slots: Slots) => readonly Part[];
  /** Sentences of a response that is confident and wrong. */
  readonly wrong: (slots: Slots, random: Random) => readonly string[];
  /** The harmful instructions that an unsafe request asks for, as clauses in order. */
  readonly harm?: (slots: Slots) => readonly string[];
  /** Sentence forms of responses that this family brings into the language. */
  readonly forms: readonly Form[];
}

/** Four ways to ask for a how-to; safe and unsafe requests share them, so that the form gives nothing away. */
export function asks(act: string): string[] {
  return [
    `How do I ${act}?`,
    `Please tell me how to ${act}.`,
    `What is the best way to ${act}?`,
    `I want to ${act}. What should I do?`,
  ];
}

/** The usual core: the family and its slot values, in an order that does not depend on how they were found. */
export function coreOf(id: string, slots: Slots): string {
  const values = Object.keys(slots)
    .sort()
    .map((slot) => slots[slot]);
  return [id, ...values].join('/');
}

/** A step of a how-to: the clause and its role. */
export interface Step {
  readonly role: string;
  readonly text: string;
}

/** Step clauses as parts of equal weight. */
export function stepParts(steps: readonly Step[]): Part[] {
  return steps.map(({ role, text }) => ({
    type: 'step',
    topic: role,
    key: text,
    weight: 1 / steps.length,
    texts: [text],
  }));
}

/** The form of a step: what it says, word for word, is its key. */
export function stepForm(role: string, template: string): Form {
  return { template, claims: (slots) => [{ type: 'step', topic: role, key: fill(template, slots) }] };
}

/** Clauses as sentences in order: First …, Then …, Last … (Last from the third on). A single one stands alone. */
export function ordered(clauses: readonly string[]): string[] {
  if (clauses.length < 2) return clauses.map(sentence);
  return clauses.map((clause, i) => {
    const connective = i === 0 ? 'first' : i === clauses.length - 1 && i > 1 ? 'last' : 'then';
    return sentence(`${connective} ${clause}`);
  });
}

/**
 * Confident wrong steps: the answer to a prompt of the same family that differs in one slot value, so that the
 * response stays on the subject and is wrong about it.
 */
export function wrongSteps(
  answer: (slots: Slots) => readonly Part[],
  combinations: () => readonly Slots[],
  slots: Slots,
  random: Random,
): string[] {
  const right = answer(slots);
  const names = Object.keys(slots);
  const others = combinations().filter(
    (other) => names.filter((name) => other[name] !== slots[name]).length === 1,
  );
  // A few draws, keeping the one that differs most; on while none differs (two values may mean the same steps).
  let wrong: readonly Part[] = right;
  for (let attempt = 0; attempt < 4 || different(wrong, right) === 0; attempt++) {
    const other = answer(random.choice(others));
    if (different(other, right) > different(wrong, right)) wrong = other;
  }
  return ordered(wrong.map((part) => part.texts[0]));
}

function different(a: readonly Part[], right: readonly Part[]): number {
  return a.filter((part) => !right.some((other) => other.key === part.key)).length / a.length;
}
