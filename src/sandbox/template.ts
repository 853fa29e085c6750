/**
 * Templates: one text that is both written and read. `fill` puts values into the slots, `match` finds the
 * values again, so that whatever the world can say it can also understand.
 */
import { TenetError } from '../base/index.ts';
import { lexicon, type Slots, slotType, valuesOf } from './lexicon.ts';

export interface Template {
  /** Words with slots in braces, without capital or full stop: `the river of {town} is the {river}`. */
  readonly text: string;
  readonly slots: readonly string[];
  /** Anchored, over lower-cased text; one named group per slot. */
  readonly pattern: RegExp;
}

const compiled = new Map<string, Template>();

/** Compiles a template (cached by its text). Throws when a slot has no word list. */
export function template(text: string): Template {
  let result = compiled.get(text);
  if (result) return result;
  const slots: string[] = [];
  const source = text
    .toLowerCase()
    .split(/(\{\w+\})/)
    .map((piece) => {
      if (!piece.startsWith('{')) return piece.replace(/[.?*+^$()|[\]\\]/g, '\\$&');
      const slot = piece.slice(1, -1);
      const type = slotType(slot);
      if (type !== 'number' && !(type in lexicon)) {
        throw new TenetError('internal', `Template "${text}": slot {${slot}} names no word list.`);
      }
      if (slots.includes(slot)) return `\\k<${slot}>`; // said twice: both must agree
      slots.push(slot);
      const options = type === 'number' ? '\\d{1,3}' : valuesOf(slot).join('|').toLowerCase();
      return `(?<${slot}>${options})`;
    })
    .join('');
  result = { text, slots, pattern: new RegExp(`^${source}$`) };
  compiled.set(text, result);
  return result;
}

/** The template's text with its slots filled. Throws when a value is missing. */
export function fill(text: string, slots: Slots): string {
  return text.replace(/\{(\w+)\}/g, (_, slot: string) => {
    const value = slots[slot];
    if (value === undefined) {
      throw new TenetError('internal', `Template "${text}" has no value for {${slot}}.`);
    }
    return value;
  });
}

/** The slot values when `lowerCased` is an instance of the template, else null. Values come back canonical. */
export function match(form: Template, lowerCased: string): Slots | null {
  const groups = form.pattern.exec(lowerCased)?.groups;
  if (!groups) return form.slots.length === 0 && form.pattern.test(lowerCased) ? {} : null;
  const result: Record<string, string> = {};
  for (const slot of form.slots) result[slot] = canonical(slot, groups[slot]);
  return result;
}

const canonicalValues = new Map<string, string>(
  Object.entries(lexicon).flatMap(([type, values]) =>
    values.map((value): [string, string] => [`${type}/${value.toLowerCase()}`, value]),
  ),
);

function canonical(slot: string, value: string): string {
  const type = slotType(slot);
  return type === 'number' ? String(Number(value)) : (canonicalValues.get(`${type}/${value}`) as string);
}

/** The clause as a sentence: first letter upper case, full stop. */
export function sentence(clause: string): string {
  return `${clause[0].toUpperCase()}${clause.slice(1)}.`;
}
