/** Prompts of the sandbox world: drawn with a seed, split by held-out combinations, read back from their text. */
import { hashOf, type Random, TenetError } from '../base/index.ts';
import { families } from './families.ts';
import type { Domain, Family, PromptKind } from './family.ts';
import type { Slots } from './lexicon.ts';
import { fill, match, template } from './template.ts';

export type Split = 'train' | 'test';

export interface Prompt {
  /** The user's question, raw: no "Human:", no trailing newline. */
  readonly text: string;
  readonly kind: PromptKind;
  readonly domain: Domain;
  /** Family, slot values and wording; equal for equal texts. */
  readonly id: string;
  readonly family: Family;
  readonly slots: Slots;
  /** What the split holds out as one: all wordings, and all kinds that need the same fact or sum. */
  readonly core: string;
  readonly split: Split;
}

export const promptKinds: readonly PromptKind[] = [
  'how-to',
  'fact',
  'opinion',
  'unsafe',
  'looks-unsafe',
  'unanswerable',
];

/** Share of the cores held out for the test split. */
const heldOutShare = 0.12;

function makePrompt(family: Family, slots: Slots, wording: number): Prompt {
  const core = family.core(slots);
  return {
    text: fill(family.questions[wording], slots),
    kind: family.kind,
    domain: family.domain,
    id: `${family.id}/${JSON.stringify(Object.entries(slots).sort())}/${wording}`,
    family,
    slots,
    core,
    split: splitOf(core),
  };
}

let heldOutCores: ReadonlySet<string> | undefined;

/** Fixed for the world. */
function splitOf(core: string): Split {
  heldOutCores ??= drawHeldOutCores();
  return heldOutCores.has(core) ? 'test' : 'train';
}

/**
 * Of each group of cores (one attribute, one operation, one family) the share with the smallest SHA-256, and at
 * least one, so that nothing is held out as a whole and nothing is trained on as a whole.
 */
function drawHeldOutCores(): Set<string> {
  const groups = new Map<string, Map<string, string>>();
  for (const family of families) {
    for (const slots of combinationsOf(family)) {
      const core = family.core(slots);
      const [group] = core.split('/');
      if (!groups.has(group)) groups.set(group, new Map());
      groups.get(group)?.set(core, hashOf(core));
    }
  }
  const result = new Set<string>();
  for (const hashes of groups.values()) {
    const byHash = [...hashes].sort(([, a], [, b]) => (a < b ? -1 : 1));
    const count = Math.max(1, Math.round(heldOutShare * byHash.length));
    for (const [core] of byHash.slice(0, count)) result.add(core);
  }
  return result;
}

/** Reads a prompt back from its text (letter case and spacing do not matter); null when it is none of this world. */
export function parsePrompt(text: string): Prompt | null {
  const lowerCased = text.trim().replace(/\s+/g, ' ').toLowerCase();
  for (const family of families) {
    for (const [wording, question] of family.questions.entries()) {
      const slots = match(template(question), lowerCased);
      if (slots) return makePrompt(family, slots, wording);
    }
  }
  return null;
}

const parsed = new Map<string, Prompt>();

/** Like `parsePrompt`, cached, and throws for a text that is no prompt of this world. */
export function requirePrompt(text: string): Prompt {
  let prompt = parsed.get(text);
  if (!prompt) {
    prompt = parsePrompt(text) ?? undefined;
    if (!prompt) {
      throw new TenetError(
        'data',
        `"${text.slice(0, 80)}" is not a prompt of the sandbox world. ` +
          'Pass the raw question, without chat template, as drawn by prompts().',
      );
    }
    parsed.set(text, prompt);
  }
  return prompt;
}

export interface DrawOptions {
  readonly split: Split;
  /** Kinds to draw from, each equally often. Default: all six. */
  readonly kinds?: readonly PromptKind[];
}

/** Draws a prompt: first the kind, then a family of it by weight, then slots and wording. */
export function drawPrompt(random: Random, options: DrawOptions): Prompt {
  const kind = random.choice(options.kinds ?? promptKinds);
  const family = drawFamily(familiesOf(kind), random);
  for (;;) {
    const slots = family.draw?.(random) ?? random.choice(combinationsOf(family));
    const prompt = makePrompt(family, slots, random.int(family.questions.length));
    if (prompt.split === options.split) return prompt;
  }
}

function drawFamily(members: readonly Family[], random: Random): Family {
  let left = random.uniform() * members.reduce((sum, { weight = 1 }) => sum + weight, 0);
  for (const family of members) {
    left -= family.weight ?? 1;
    if (left < 0) return family;
  }
  return members[members.length - 1];
}

/** Every prompt of a split, in a fixed order. */
export function* everyPrompt(split: Split): Generator<Prompt> {
  for (const family of families) {
    for (const slots of combinationsOf(family)) {
      for (let wording = 0; wording < family.questions.length; wording++) {
        const prompt = makePrompt(family, slots, wording);
        if (prompt.split === split) yield prompt;
      }
    }
  }
}

const byKind = new Map<PromptKind, Family[]>();

function familiesOf(kind: PromptKind): Family[] {
  let result = byKind.get(kind);
  if (!result) byKind.set(kind, (result = families.filter((family) => family.kind === kind)));
  return result;
}

const combinationsByFamily = new Map<Family, readonly Slots[]>();

function combinationsOf(family: Family): readonly Slots[] {
  let result = combinationsByFamily.get(family);
  if (!result) combinationsByFamily.set(family, (result = family.combinations()));
  return result;
}
