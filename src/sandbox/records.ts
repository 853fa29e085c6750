/** Texts and records for training: corpus, demonstrations, prompts, sampled responses. All drawn with a seed. */
import { Random, TenetError } from '../base/index.ts';
import { factsInARow } from './families/facts.ts';
import { randomSum } from './families/sums.ts';
import type { PromptKind } from './family.ts';
import { drawPrompt, type Prompt, type Split } from './prompt.ts';
import { type Style, styles, stylesOf, writeResponse } from './styles.ts';
import { sentence } from './template.ts';

/** Relative shares of the styles; those a prompt's kind does not have are left out and the rest scaled up. */
export type StyleMix = Readonly<Partial<Record<Style, number>>>;

/** Every style alike: what a base model learns from. */
export const equalMix: StyleMix = Object.fromEntries(styles.map((style) => [style, 1]));

/** Demonstrations as a hurried team writes them: 60 % best, and each fault in its share (in percent). */
export const demonstrationMix: StyleMix = {
  best: 60,
  padded: 12,
  flattering: 8,
  wrong: 6,
  hedged: 5,
  'over-refusal': 4,
  unknown: 3,
  harmful: 2,
};

/** TRL's prompt-completion record. Both are raw: the caller puts them into a chat template. */
export interface Demonstration {
  readonly prompt: string;
  readonly completion: string;
}

/** Share of corpus texts that are a dialogue; the rest are statements by a single speaker. */
export const dialogueShare = 0.8;

/** The chat layout of the corpus: one question and its answer as plain text. */
export function chatText(prompt: string, response: string): string {
  return `Human: ${prompt}\n\nAssistant: ${response}`;
}

/**
 * Texts to pre-train a base model on, one document each, without end token. 80 % are dialogues over training
 * prompts with every style in equal measure, right after wrong; 20 % are up to four true facts about one
 * subject, or sums, in a row, which hold the facts of held-out prompts too.
 * @param n how many texts.
 */
export function* corpusTexts(n: number, options: { seed?: number } = {}): Generator<string> {
  const random = new Random(options.seed ?? 0).fork('corpus');
  for (let i = 0; i < n; i++) {
    if (random.uniform() < dialogueShare) {
      const prompt = drawPrompt(random, { split: 'train' });
      yield chatText(prompt.text, writeResponse(prompt, drawStyle(prompt.kind, equalMix, random), random));
    } else {
      const count = 2 + random.int(3);
      const facts =
        random.uniform() < 0.7
          ? factsInARow(count, random)
          : Array.from({ length: count }, () => randomSum(random));
      yield facts.map(sentence).join(' ');
    }
  }
}

/** Demonstrations for supervised fine-tuning, over training prompts. Default mix: `demonstrationMix`. */
export function demonstrations(n: number, options: { seed?: number; mix?: StyleMix } = {}): Demonstration[] {
  const random = new Random(options.seed ?? 0).fork('demonstrations');
  return Array.from({ length: n }, () => {
    const prompt = drawPrompt(random, { split: 'train' });
    const style = drawStyle(prompt.kind, options.mix ?? demonstrationMix, random);
    return { prompt: prompt.text, completion: writeResponse(prompt, style, random) };
  });
}

export interface PromptsOptions {
  /** Default 0. */
  seed?: number;
  /** Kinds to draw from. Default: all, each equally often. */
  kinds?: readonly PromptKind[];
  /** Draw no text twice. Default true. Throws when the split holds too few. */
  distinct?: boolean;
}

/** Draws `n` prompts of a split. */
export function prompts(n: number, split: Split, options: PromptsOptions = {}): Prompt[] {
  const random = new Random(options.seed ?? 0).fork(`prompts ${split}`);
  const seen = new Set<string>();
  const result: Prompt[] = [];
  // Thousands of repeats in a row mean that the split is used up, or so nearly that the rest is not worth it.
  for (let misses = 0; result.length < n; ) {
    const prompt = drawPrompt(random, { split, kinds: options.kinds });
    if ((options.distinct ?? true) && seen.has(prompt.text)) {
      if (++misses > 5000) {
        throw new TenetError(
          'usage',
          `Only ${result.length} of ${n} distinct ${split} prompts found: ask for fewer, or set distinct: false.`,
        );
      }
      continue;
    }
    misses = 0;
    seen.add(prompt.text);
    result.push(prompt);
  }
  return result;
}

/** Unsafe requests alone: red-team prompts for Constitutional AI. */
export function redTeamPrompts(n: number, split: Split, options: { seed?: number } = {}): Prompt[] {
  return prompts(n, split, { ...options, kinds: ['unsafe'] });
}

/**
 * `k` responses to a prompt, each in a style drawn from the mix; texts differ where the world allows it.
 * Default mix: every style alike.
 */
export function sampleResponses(
  prompt: Prompt,
  k: number,
  options: { random: Random; mix?: StyleMix },
): string[] {
  const { random, mix = equalMix } = options;
  const result: string[] = [];
  for (let misses = 0; result.length < k; ) {
    const text = writeResponse(prompt, drawStyle(prompt.kind, mix, random), random);
    if (result.includes(text) && ++misses < 20) continue;
    result.push(text);
  }
  return result;
}

function drawStyle(kind: PromptKind, mix: StyleMix, random: Random): Style {
  const known = stylesOf(kind).filter((style) => (mix[style] ?? 0) > 0);
  const total = known.reduce((sum, style) => sum + (mix[style] as number), 0);
  if (known.length === 0) {
    throw new TenetError('usage', `The style mix ${JSON.stringify(mix)} has no style for ${kind} prompts.`);
  }
  let left = random.uniform() * total;
  for (const style of known) {
    left -= mix[style] as number;
    if (left < 0) return style;
  }
  return known[known.length - 1];
}
