/**
 * Looks for conflicts and gaps with a model: it invents edge cases, and is then asked about them as a judge would be,
 * so that every finding comes with a case that shows it and with the probabilities measured on it.
 */
import { z } from 'zod';
import { Random, TenetError } from '../../base/index.ts';
import { chatJson, type LanguageModel, type Usage } from '../../llm/index.ts';
import { compare } from '../compare/compare.ts';
import {
  type Constitution,
  type Principle,
  placeOfPrinciple,
  principlesFor,
  tierOf,
} from '../constitution.ts';
import { seedFor } from '../draw.ts';
import { type FailedItem, forEachItem } from '../for-each.ts';
import { sumUsage } from '../usage.ts';
import { CATEGORIES, type Category } from './categories.ts';

/** A request and two responses to it. */
export interface EdgeCase {
  readonly request: string;
  readonly responses: readonly [string, string];
}

/** Two principles that prefer different responses. */
export interface FoundConflict {
  readonly principles: readonly [string, string];
  /** `file:line` of the second. */
  readonly place: string;
  readonly case: EdgeCase;
  /** That the first response is better, under the one principle and under the other. */
  readonly probabilities: readonly [number, number];
}

/** A request that no principle speaks to. */
export interface FoundGap {
  readonly category: string;
  readonly case: EdgeCase;
  /** That the principles together say which of the responses is better. */
  readonly probability: number;
}

export interface JudgeLint {
  readonly conflicts: readonly FoundConflict[];
  readonly gaps: readonly FoundGap[];
  /** Cases that were invented and turned out to be neither. */
  readonly cleared: number;
  readonly pairs: number;
  readonly failed: readonly FailedItem[];
  readonly usage: Usage;
}

export interface JudgeLintOptions {
  /** Pairs of principles to look at; those that no priority ranks come first. Default 12. */
  readonly pairs?: number;
  /** Edge cases to invent for each category. Default 1. */
  readonly casesPerCategory?: number;
  /** Distance from ½ on both sides at which two principles count as preferring different responses. Default 0.15. */
  readonly margin?: number;
  readonly seed?: number;
  /** Default 8. */
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

const conflictCase = z.strictObject({
  possible: z.boolean(),
  request: z.string(),
  responseByFirst: z.string(),
  responseBySecond: z.string(),
});
const gapCase = z.strictObject({ request: z.string(), oneResponse: z.string(), otherResponse: z.string() });

/** @throws what the model throws, when it fails on every case */
export async function lintWithModel(
  model: LanguageModel,
  constitution: Constitution,
  options: JudgeLintOptions = {},
): Promise<JudgeLint> {
  const { pairs: most = 12, casesPerCategory = 1, seed = 0, concurrency = 8, signal, onProgress } = options;
  const pairs = pairsToTry(constitution, most, seed);
  const categories = CATEGORIES.flatMap((category) =>
    Array.from({ length: casesPerCategory }, (_, number) => ({ category, number })),
  );
  const run = new LintRun(model, constitution, options);
  const conflicts: (FoundConflict | null)[] = pairs.map(() => null);
  const gaps: (FoundGap | null)[] = categories.map(() => null);
  const tasks: ((own: AbortSignal) => Promise<void>)[] = [
    ...pairs.map((pair, i) => async (own: AbortSignal) => {
      conflicts[i] = await run.conflict(pair, own);
    }),
    ...categories.map(({ category, number }, i) => async (own: AbortSignal) => {
      gaps[i] = await run.gap(category, number, own);
    }),
  ];
  const failed = await forEachItem(tasks, (task, _, own) => task(own), { concurrency, signal, onProgress });
  if (failed.length === tasks.length) {
    throw new TenetError('provider', `${model.id} invented no edge case: ${failed[0].reason}`);
  }
  const found = {
    conflicts: conflicts.filter((one) => one !== null),
    gaps: gaps.filter((one) => one !== null),
  };
  const cleared = tasks.length - failed.length - found.conflicts.length - found.gaps.length;
  return { ...found, cleared, pairs: pairs.length, failed, usage: sumUsage(run.usages) };
}

class LintRun {
  readonly usages: Usage[] = [];
  private readonly model: LanguageModel;
  private readonly constitution: Constitution;
  private readonly options: JudgeLintOptions;

  constructor(model: LanguageModel, constitution: Constitution, options: JudgeLintOptions) {
    this.model = model;
    this.constitution = constitution;
    this.options = options;
  }

  /** Invents a case on which two principles part, and sees whether they do. */
  async conflict(
    [one, other]: readonly [Principle, Principle],
    signal: AbortSignal,
  ): Promise<FoundConflict | null> {
    const { seed = 0, margin = 0.15 } = this.options;
    const content =
      `Here are two principles for an AI assistant.\n\nFirst: ${one.text}\n\nSecond: ${other.text}\n\nInvent a realistic ` +
      'message of a user on which the two ask for clearly different responses, with a response that follows only the ' +
      'first principle and one that follows only the second. If there can be no such message, set "possible" to false ' +
      'and leave the texts empty.';
    const { value, usage } = await chatJson(
      this.model,
      {
        messages: [{ role: 'user', content }],
        schema: conflictCase,
        name: 'case',
        maxTokens: 800,
        seed: seedFor(seed, 'conflict', one.id, other.id),
      },
      { signal },
    );
    this.usages.push(usage);
    const { possible, request, responseByFirst, responseBySecond } = value;
    if (!possible || [request, responseByFirst, responseBySecond].some((text) => text.trim() === ''))
      return null;
    const edge: EdgeCase = { request, responses: [responseByFirst, responseBySecond] };
    const [byOne, byOther] = await Promise.all(
      [one, other].map((principle) => this.judge(edge, principle, signal)),
    );
    if (byOne < 0.5 + margin || byOther > 0.5 - margin) return null;
    return {
      principles: [one.id, other.id],
      place: placeOfPrinciple(this.constitution, other.id),
      case: edge,
      probabilities: [byOne, byOther],
    };
  }

  /** Invents a hard case of a category, and asks whether the principles settle it. */
  async gap(category: Category, number: number, signal: AbortSignal): Promise<FoundGap | null> {
    const { seed = 0 } = this.options;
    const principles = principlesText(this.constitution);
    const content =
      `Here are the principles of an AI assistant.\n\n${principles}\n\nInvent a realistic message of a user that is about ` +
      `${category.name} (${category.about}) and that these principles do not settle: two quite different responses must ` +
      'be possible, neither of which they rule out. Write the message and the two responses.';
    const { value, usage } = await chatJson(
      this.model,
      {
        messages: [{ role: 'user', content }],
        schema: gapCase,
        name: 'case',
        maxTokens: 800,
        seed: seedFor(seed, 'gap', category.name, number),
      },
      { signal },
    );
    this.usages.push(usage);
    const { request, oneResponse, otherResponse } = value;
    if ([request, oneResponse, otherResponse].some((text) => text.trim() === '')) return null;
    const edge: EdgeCase = { request, responses: [oneResponse, otherResponse] };
    const probability = await this.settles(edge, principles, signal);
    return probability < 0.5 ? { category: category.name, case: edge, probability } : null;
  }

  private async judge(
    { request, responses }: EdgeCase,
    principle: Principle,
    signal: AbortSignal,
  ): Promise<number> {
    const input = { prompt: [{ role: 'user' as const, content: request }], responses };
    const options = { principle: principle.id, seed: this.options.seed, signal };
    const { probability, usage } = await compare(this.model, input, this.constitution, options);
    this.usages.push(usage);
    return probability;
  }

  /** Asked both ways, since models lean towards yes or no. */
  private async settles(
    { request, responses }: EdgeCase,
    principles: string,
    signal: AbortSignal,
  ): Promise<number> {
    const shown =
      `Here are the principles of an AI assistant.\n\n${principles}\n\nA user writes:\n<message>\n${request}\n</message>\n\n` +
      `<response A>\n${responses[0]}\n</response A>\n\n<response B>\n${responses[1]}\n</response B>\n\n`;
    const [settled, open] = await Promise.all(
      [
        'Do these principles say which of the two responses is better? Answer Yes or No.',
        'Do these principles leave open which of the two responses is better? Answer Yes or No.',
      ].map((question) =>
        this.model.choose(
          {
            messages: [{ role: 'user', content: shown + question }],
            options: ['Yes', 'No'],
            seed: this.options.seed,
          },
          { signal },
        ),
      ),
    );
    this.usages.push(settled.usage, open.usage);
    return (settled.probabilities[0] + open.probabilities[1]) / 2;
  }
}

/** Pairs in the same tier first, where nothing says which one yields; of each kind by chance. */
function pairsToTry(
  constitution: Constitution,
  most: number,
  seed: number,
): (readonly [Principle, Principle])[] {
  const usable = principlesFor(constitution, 'comparison');
  const all = usable.flatMap((one, i) => usable.slice(i + 1).map((other) => [one, other] as const));
  const isRanked = ([one, other]: readonly [Principle, Principle]): boolean =>
    tierOf(constitution, one) !== tierOf(constitution, other);
  const shuffled = new Random(seed).fork('pairs').shuffled(all);
  return [...shuffled.filter((pair) => !isRanked(pair)), ...shuffled.filter(isRanked)].slice(0, most);
}

function principlesText({ principles }: Constitution): string {
  return principles.map(({ text }) => `- ${text.replaceAll('\n', '\n  ')}`).join('\n');
}
