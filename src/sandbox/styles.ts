/** Writes responses in a chosen style: the good, the bad and the merely long. */
import { type Random, TenetError } from '../base/index.ts';
import type { Part } from './claim.ts';
import { randomFact } from './families/facts.ts';
import { approvals } from './families/unsafe.ts';
import { ordered, type PromptKind } from './family.ts';
import {
  agreement,
  dangers,
  emptyReasons,
  filler,
  hedges,
  insults,
  praise,
  refusals,
  sermons,
  unknowns,
} from './phrases.ts';
import type { Prompt } from './prompt.ts';
import { sentence } from './template.ts';

export type Style =
  | 'best' // helpful and correct; an honest refusal of what is unsafe; "I do not know" where nobody can
  | 'wrong' // confident and false
  | 'padded' // best, with filler and facts nobody asked for
  | 'flattering' // praises the user, agrees with the view, then answers
  | 'harmful' // complies with what is unsafe; on safe prompts insults or gives dangerous advice
  | 'over-refusal' // refuses what is safe; refuses what is unsafe with a sermon and no help
  | 'unknown' // "I do not know" where it can be known, or as an evasion
  | 'hedged'; // best (or, where there is no answer, an invention) that doubts itself

export const styles: readonly Style[] = [
  'best',
  'wrong',
  'padded',
  'flattering',
  'harmful',
  'over-refusal',
  'unknown',
  'hedged',
];

/** The styles a kind of prompt has: all eight, but on unanswerable prompts `unknown` is the best style itself. */
export function stylesOf(kind: PromptKind): readonly Style[] {
  return kind === 'unanswerable' ? styles.filter((style) => style !== 'unknown') : styles;
}

/** Writes a response to the prompt in the style; one or two sentences for most, up to five when padded. */
export function writeResponse(prompt: Prompt, style: Style, random: Random): string {
  return sentencesOf(prompt, style, random).join(' ');
}

function sentencesOf(prompt: Prompt, style: Style, random: Random): readonly string[] {
  const pick = (texts: readonly string[]) => sentence(random.choice(texts));
  switch (style) {
    case 'best':
      return best(prompt, random);
    case 'wrong':
      return prompt.family.wrong(prompt.slots, random);
    case 'padded':
      return padded(prompt, random);
    case 'flattering':
      return flattering(prompt, random);
    case 'harmful':
      return harmful(prompt, random);
    case 'over-refusal':
      if (prompt.kind === 'unsafe') return [pick(refusals), pick(sermons)];
      return random.uniform() < 0.5
        ? [sentence(`${random.choice(refusals)}, because ${random.choice(emptyReasons)}`)]
        : [pick(refusals), pick(sermons)];
    case 'unknown':
      return [pick(unknowns)];
    case 'hedged':
      return hedged(prompt, random);
    default:
      throw new TenetError('usage', `There is no style "${style}". Known: ${styles.join(', ')}.`);
  }
}

/** The right answer of the prompt, in one of its wordings. */
function best(prompt: Prompt, random: Random): string[] {
  const parts = prompt.family.answer(prompt.slots);
  const texts = parts.map((part) => random.choice(part.texts));
  const together = random.uniform() < 0.5;
  switch (parts[0].type) {
    case 'step':
      return ordered(texts);
    case 'verdict':
      return together
        ? [sentence(`${texts[0]}, ${texts[1]}`)]
        : [sentence(texts[0] === 'yes' ? 'that is right' : 'that is wrong'), sentence(texts[1])];
    case 'property':
      return together ? [sentence(`${texts[0]} and ${texts[1]}`), sentence(texts[2])] : texts.map(sentence);
    case 'refuse':
      return [sentence(`${texts[0]}, because ${texts[1]}`), sentence(texts[2])];
    case 'unknown':
      return together ? [sentence(`${texts[0]}, because ${texts[1]}`)] : texts.map(sentence);
    default:
      return texts.map(sentence);
  }
}

function padded(prompt: Prompt, random: Random): string[] {
  const extra = random.shuffled(filler).slice(0, 1 + random.int(3));
  if (random.uniform() < 0.25) {
    const answers = prompt.family.answer(prompt.slots).flatMap((part) => part.texts);
    const aside = randomFact(random);
    if (!answers.includes(aside)) extra.push(aside);
  }
  const before = random.int(extra.length + 1);
  return [
    ...extra.slice(0, before).map(sentence),
    ...best(prompt, random),
    ...extra.slice(before).map(sentence),
  ];
}

function flattering(prompt: Prompt, random: Random): string[] {
  const opening = sentence(random.choice(praise));
  if (prompt.kind === 'unsafe') {
    const harm = prompt.family.harm?.(prompt.slots) ?? [];
    return [opening, sentence(random.choice(approvals)), sentence(random.choice(harm))];
  }
  if (prompt.kind === 'unanswerable') return [opening, ...prompt.family.wrong(prompt.slots, random)];
  if (prompt.kind === 'opinion') return [opening, agree(prompt, random)];
  return [opening, ...best(prompt, random)];
}

/** Agrees with the user, whether the view is right or not. */
function agree(prompt: Prompt, random: Random): string {
  if (random.uniform() < 0.4) return sentence(random.choice(agreement));
  return sentence(`you are so right, ${viewOf(prompt)}`);
}

/** The user's own statement, as a clause: the prompt says it between fixed words. */
function viewOf(prompt: Prompt): string {
  if (prompt.family.id === 'taste') return `${prompt.slots.thing} is better than ${prompt.slots.thing2}`;
  const [first] = prompt.text.split('. ');
  return first.replace(/^(I think|I am sure that|My friends say) /, '').replace(/, and so do I$/, '');
}

function harmful(prompt: Prompt, random: Random): readonly string[] {
  if (prompt.kind === 'unsafe') return ordered(prompt.family.harm?.(prompt.slots) ?? []);
  const isHowTo = prompt.kind === 'how-to' || prompt.kind === 'looks-unsafe';
  if (isHowTo && prompt.domain in dangers && random.uniform() < 0.7) {
    const texts = prompt.family.answer(prompt.slots).map((part) => part.texts[0]);
    // Dangerous advice in the place of one step.
    texts[random.int(texts.length)] = random.choice(dangers[prompt.domain as keyof typeof dangers]);
    return ordered(texts);
  }
  const insult = sentence(random.choice(insults));
  return random.uniform() < 0.5 ? [insult] : [insult, ...best(prompt, random)];
}

function hedged(prompt: Prompt, random: Random): readonly string[] {
  const parts: readonly Part[] = prompt.family.answer(prompt.slots);
  const hedge = sentence(random.choice(hedges));
  if (prompt.kind === 'unsafe') return [hedge, ...ordered(prompt.family.harm?.(prompt.slots) ?? [])];
  if (prompt.kind === 'unanswerable') return [hedge, ...prompt.family.wrong(prompt.slots, random)];
  if (parts.length === 1 && random.uniform() < 0.7) {
    return [sentence(`I am not sure, but ${random.choice(parts[0].texts)}`)];
  }
  return [hedge, ...best(prompt, random)];
}
