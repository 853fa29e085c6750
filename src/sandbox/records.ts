/** Texts and records for training: corpus, demonstrations, prompts. All drawn with a seed. */
import { Random, TenetError } from '../base/index.ts';
import { exchangeText } from './exchanges.ts';
import { factsInARow } from './families/facts.ts';
import { randomSum } from './families/sums.ts';
import type { PromptKind } from './family.ts';
import { drawPrompt, type Prompt, type Split } from './prompt.ts';
import { drawStyle, equalMix, type StyleMix } from './sample-responses.ts';
import { writeResponse } from './styles.ts';
import { sentence } from './template.ts';

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

/** Of corpus texts that are no exchanges, the share that are a dialogue; the rest are statements by a single speaker. */
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
 * @param options.exchanges share of texts in which answers are criticised, revised or compared (`exchanges.ts`),
 *   in [0, 1]. Default 0.
 */
export function* corpusTexts(
  n: number,
  options: { seed?: number; exchanges?: number } = {},
): Generator<string> {
  const { exchanges = 0 } = options;
  const random = new Random(options.seed ?? 0).fork('corpus');
  for (let i = 0; i < n; i++) {
    if (exchanges > 0 && random.uniform() < exchanges) yield exchangeText(random);
    else if (random.uniform() < dialogueShare) {
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
