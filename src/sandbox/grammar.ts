/** The grammar of responses: which sentences exist and what each of them claims. */
import { type Claim, type ClaimType, claim } from './claim.ts';
import { families } from './families.ts';
import type { Form } from './family.ts';
import { valuesOf } from './lexicon.ts';
import { phraseForms } from './phrases.ts';
import { fill, match, template } from './template.ts';

/** A clause that the grammar accepts. */
export interface Clause {
  /** The clause in canonical spelling, without capital and full stop. */
  readonly text: string;
  readonly claims: readonly Claim[];
}

/** Words that may stand before a clause that makes one of `before`'s claims, and what they add. */
interface Prefix {
  readonly text: string;
  readonly before: readonly ClaimType[];
  readonly adds: readonly Claim[];
}

const statements: readonly ClaimType[] = ['fact', 'sum', 'count', 'property', 'taste'];
const instructions: readonly ClaimType[] = ['step', 'harm', 'danger'];

const prefixes: readonly Prefix[] = [
  ...['first ', 'then ', 'last '].map((text) => ({ text, before: instructions, adds: [] })),
  { text: 'yes, ', before: statements, adds: [claim('verdict', 'verdict', 'yes')] },
  { text: 'no, ', before: statements, adds: [claim('verdict', 'verdict', 'no')] },
  {
    text: 'you are so right, ',
    before: statements,
    adds: [claim('verdict', 'verdict', 'yes'), claim('praise', 'praise', 'you are so right')],
  },
  {
    text: 'I am not sure, but ',
    before: [...statements, ...instructions, 'invented'],
    adds: [claim('hedge', 'hedge', 'I am not sure')],
  },
  { text: 'I will not help with that, because ', before: ['reason'], adds: [claim('refuse')] },
  { text: 'I can not help with that, because ', before: ['reason'], adds: [claim('refuse')] },
  { text: 'I do not know, because ', before: ['why'], adds: [claim('unknown')] },
];

/** Every sentence form once; families that share a form must mean the same by it. */
const forms: readonly Form[] = [
  ...new Map(
    [...phraseForms, ...families.flatMap((family) => family.forms)].map((form) => [form.template, form]),
  ).values(),
];

// Forms by their first word; those that begin with a slot are tried for every clause.
const anyStart: Form[] = [];
const byFirstWord = new Map<string, Form[]>();
for (const form of forms) {
  const first = form.template.split(' ')[0].toLowerCase();
  if (first.includes('{')) anyStart.push(form);
  else byFirstWord.set(first, [...(byFirstWord.get(first) ?? []), form]);
}

// Models say the same sentences again and again.
const parsed = new Map<string, Clause | null>();
const parsedLimit = 20_000;

/** Parses a lower-cased clause without full stop, prefixes included; null when the grammar does not hold it. */
export function parseClause(lowerCased: string): Clause | null {
  let clause = parsed.get(lowerCased);
  if (clause === undefined) {
    clause = parsePrefixed(lowerCased);
    if (parsed.size >= parsedLimit) parsed.clear();
    parsed.set(lowerCased, clause);
  }
  return clause;
}

function parsePrefixed(lowerCased: string): Clause | null {
  for (const prefix of prefixes) {
    if (!lowerCased.startsWith(prefix.text.toLowerCase())) continue;
    const rest = parseBare(lowerCased.slice(prefix.text.length));
    if (!rest?.claims.some(({ type }) => prefix.before.includes(type))) return null;
    return { text: prefix.text + rest.text, claims: [...prefix.adds, ...rest.claims] };
  }
  return parseBare(lowerCased);
}

function parseBare(lowerCased: string): Clause | null {
  const [first] = lowerCased.split(' ', 1);
  for (const form of [...(byFirstWord.get(first) ?? []), ...anyStart]) {
    const slots = match(template(form.template), lowerCased);
    if (slots) return { text: fill(form.template, slots), claims: form.claims(slots) };
  }
  return null;
}

/** Pairs of neighbouring words that occur in the language, as `a b`; `^` and `$` mark the sentence's ends. */
const bigrams: ReadonlySet<string> = collectBigrams();

/** The share of neighbouring word pairs that the language knows, in [0, 1]: 1 for a grammatical sentence. */
export function bigramCoverage(lowerCased: string): number {
  const sequence = ['^', ...lowerCased.split(' ').map(plainWord), '$'];
  let known = 0;
  for (let i = 1; i < sequence.length; i++) {
    if (bigrams.has(`${sequence[i - 1]} ${sequence[i]}`)) known++;
  }
  return known / (sequence.length - 1);
}

/** Numbers count as one word; commas do not make a word another. */
function plainWord(word: string): string {
  return /^\d{1,3}$/.test(word) ? '#' : word.replace(/,$/, '');
}

function collectBigrams(): Set<string> {
  const result = new Set<string>();
  const heads = prefixes.map((prefix) => prefix.text.trim().toLowerCase());
  for (const form of forms) {
    const pieces = form.template.split(' ').map(alternatives);
    connect(result, ['^'], pieces[0]);
    for (let i = 1; i < pieces.length; i++) connect(result, pieces[i - 1], pieces[i]);
    connect(result, pieces[pieces.length - 1], ['$']);
    for (const head of heads) {
      const words = ['^', ...head.split(' ').map(plainWord)];
      for (let i = 1; i < words.length; i++) connect(result, [words[i - 1]], [words[i]]);
      connect(result, [words[words.length - 1]], pieces[0]);
    }
  }
  return result;
}

function connect(into: Set<string>, left: readonly string[], right: readonly string[]): void {
  for (const a of left) for (const b of right) into.add(`${a} ${b}`);
}

/** What a word of a template may be: itself, or each value of its slot. */
function alternatives(word: string): string[] {
  const slot = /\{(\w+)\}/.exec(word)?.[1];
  if (!slot) return [plainWord(word.toLowerCase())];
  const values = valuesOf(slot);
  return values.length > 0 ? values.map((value) => plainWord(value.toLowerCase())) : ['#'];
}

/** Every word of responses, lower case, without numbers. */
export function responseWords(): Set<string> {
  return new Set([...bigrams].flatMap((pair) => pair.split(' ')).filter((word) => /[a-z]/.test(word)));
}
