/** Rewards by rule: length, repetition, format, patterns, JSON. What they look at is the response alone. */
import { TenetError } from '../../base/index.ts';
import type { RewardItem } from '../reward-function.ts';
import { jsonCheck } from './json-check.ts';
import type { RuleOptions } from './rule-options.ts';

/** What a response is worth by a rule. */
export type Rule = (response: Pick<RewardItem, 'response' | 'responseText'>) => number;

/** @throws TenetError('usage') for a pattern or schema that is none */
export function ruleOf(options: RuleOptions): Rule {
  switch (options.type) {
    case 'length': {
      const { unit, min, max, slack } = options;
      return (item) => lengthScore(sizeOf(item, unit), { min, max: max ?? Number.POSITIVE_INFINITY, slack });
    }
    case 'overlong':
      return ({ response }) => softOverlong(response.length, options);
    case 'repetition':
      return ({ responseText }) => repetitionPenalty(responseText, options);
    case 'format': {
      const pattern = sectionsPattern(options.sections, options.rest);
      return ({ responseText }) => (pattern.test(responseText) ? 1 : 0);
    }
    case 'pattern': {
      const pattern = patternOf(options.pattern, options.flags);
      const [found, missing] = options.forbid ? [0, 1] : [1, 0];
      return ({ responseText }) => (responseText.search(pattern) >= 0 ? found : missing);
    }
    case 'json': {
      const check = jsonCheck(options.schema ?? null);
      return ({ responseText }) => {
        const verdict = check(responseText);
        return verdict === 'fits' ? 1 : verdict === 'parses' ? options.parseCredit : 0;
      };
    }
  }
}

/** 1 within the bounds; outside it falls to 0 over `slack` units, at once where that is 0. */
export function lengthScore(
  size: number,
  { min, max, slack }: { readonly min: number; readonly max: number; readonly slack: number },
): number {
  const distance = Math.max(0, min - size, size - max);
  if (distance === 0) return 1;
  return slack === 0 ? 0 : Math.max(0, 1 - distance / slack);
}

/**
 * 0 up to maxLength − cache tokens, then falling to −1 at maxLength, and −1 beyond.
 * @see Yu et al. 2025, "DAPO", arXiv:2503.14476, eq. 13.
 */
export function softOverlong(
  tokens: number,
  { maxLength, cache }: { readonly maxLength: number; readonly cache: number },
): number {
  return Math.max(-1, Math.min(0, (maxLength - cache - tokens) / cache));
}

/**
 * maxPenalty times the share of repeated n-grams: 1 − distinct / all, over words without regard to case. 0 for a
 * response of fewer than n words.
 * @see Yeo et al. 2025, "Demystifying long chain-of-thought reasoning in LLMs", arXiv:2502.03373, appendix; as in TRL
 */
export function repetitionPenalty(
  text: string,
  { ngramSize, maxPenalty }: { readonly ngramSize: number; readonly maxPenalty: number },
): number {
  const words = wordsOf(text.toLowerCase());
  const count = words.length - ngramSize + 1;
  if (count < 1) return 0;
  const grams = Array.from({ length: count }, (_, i) => words.slice(i, i + ngramSize).join(' '));
  return (1 - new Set(grams).size / count) * maxPenalty || 0;
}

function sizeOf(
  { response, responseText }: Pick<RewardItem, 'response' | 'responseText'>,
  unit: string,
): number {
  if (unit === 'tokens') return response.length;
  return unit === 'words' ? wordsOf(responseText).length : [...responseText].length;
}

function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

/** `<a>…</a><b>…</b>`: each section once, in order, with white space between; further text only where `rest` allows. */
function sectionsPattern(sections: readonly string[], rest: boolean): RegExp {
  const parts = sections.map((name) => `<${name}>(?:(?!</?${name}>)[\\s\\S])*</${name}>`);
  const others = sections.map((name) => `</?${name}>`).join('|');
  return new RegExp(`^\\s*${parts.join('\\s*')}${rest ? `(?:(?!${others})[\\s\\S])*` : '\\s*'}$`);
}

function patternOf(pattern: string, flags: string): RegExp {
  try {
    return new RegExp(pattern, flags.replaceAll('g', '').replaceAll('y', ''));
  } catch (cause) {
    throw new TenetError(
      'usage',
      `pattern ${JSON.stringify(pattern)} with flags "${flags}" is no regular expression of JavaScript: ${(cause as Error).message}`,
      { cause },
    );
  }
}
