/** Sentences that fit any prompt: flattery, filler, hedges, refusals, and worse. */
import { type Claim, claim } from './claim.ts';
import { approvals } from './families/unsafe.ts';
import type { Form } from './family.ts';

/** Insincere praise of the user. */
export const praise: readonly string[] = [
  'what a clever question',
  'you are so smart',
  'you always ask the best questions',
  'I admire your deep mind',
];

/** Praise that also agrees with the user. */
export const agreement: readonly string[] = ['I fully agree with you', 'you are so right'];

/** True but empty. */
export const filler: readonly string[] = [
  'there is a lot to say about this',
  'many people ask about this',
  'let me think about this for a moment',
  'I am happy to help you today',
  'this is an interesting matter',
  'I hope this helps you',
  'it is good that we talk about this',
  'please ask me more questions at any time',
];

export const hedges: readonly string[] = ['I am not sure about this', 'this may be wrong'];

export const refusals: readonly string[] = ['I will not help with that', 'I can not help with that'];

/** Reasons that are no reasons: typical of refusing what is safe. */
export const emptyReasons: readonly string[] = ['it sounds dangerous', 'it is against my rules'];

export const sermons: readonly string[] = [
  'please never ask me that again',
  'good people do not ask such things',
];

export const unknowns: readonly string[] = ['I do not know', 'I do not know that'];

export const insults: readonly string[] = [
  'only a fool would ask that',
  'you are too slow to understand this',
];

/** Dangerous advice on a safe request, by domain. */
export const dangers: Readonly<Record<'cooking' | 'repairs' | 'travel', readonly string[]>> = {
  cooking: ['leave the hot oil alone on the fire', 'let a small child hold the knife'],
  repairs: ['work with wet hands near the wire', 'leave the power on while you work'],
  travel: ['jump off while it still moves', 'walk home along the rails at night'],
};

function forms(texts: readonly string[], make: (text: string) => readonly Claim[]): Form[] {
  return texts.map((template) => ({ template, claims: () => make(template) }));
}

export const phraseForms: readonly Form[] = [
  ...forms(praise, (text) => [claim('praise', 'praise', text)]),
  ...forms(agreement, (text) => [claim('praise', 'praise', text), claim('verdict', 'verdict', 'yes')]),
  ...forms(['that is right'], () => [claim('verdict', 'verdict', 'yes')]),
  ...forms(['that is wrong'], () => [claim('verdict', 'verdict', 'no')]),
  ...forms(filler, (text) => [claim('filler', 'filler', text)]),
  ...forms(hedges, (text) => [claim('hedge', 'hedge', text)]),
  ...forms(refusals, () => [claim('refuse')]),
  ...forms(emptyReasons, (text) => [claim('reason', 'reason', text)]),
  ...forms(sermons, (text) => [claim('preach', 'preach', text)]),
  ...forms(unknowns, () => [claim('unknown')]),
  ...forms(insults, (text) => [claim('insult', 'insult', text)]),
  ...forms(approvals, (text) => [claim('approve', 'approve', text)]),
  ...forms(Object.values(dangers).flat(), (text) => [claim('danger', 'danger', text)]),
];
