/** What a suite is: items put to a model, figures made of its answers. */
import type { Json } from '../base/index.ts';
import { Random } from '../base/index.ts';
import type { Content } from '../data/index.ts';
import type { LanguageModel } from '../llm/index.ts';
import { mapItems } from '../llm/index.ts';
import type { DataFolder } from './data-folder.ts';
import type { Figure } from './figure.ts';

/** Log-probability of plain text under a model. */
export interface TextScorer {
  /** @returns nats: −log probability of the counted tokens; tokens and bytes: of the text that they make up */
  score(text: string): Promise<{ readonly nats: number; readonly tokens: number; readonly bytes: number }>;
}

/** Scores of each prompt's responses, [prompts][K]; higher = better. */
export type RewardScorer = (
  items: readonly { readonly prompt: Content; readonly responses: readonly Content[] }[],
) => Promise<readonly ArrayLike<number>[]>;

export interface SuiteContext {
  /** Asked in conversations and choices. */
  readonly model: LanguageModel;
  /** For suites that read a model's log-probabilities of plain text; only local models have one. */
  readonly textScorer?: () => Promise<TextScorer>;
  /** Grades answers to harmful requests beside the grader that works offline. Default: none. */
  readonly harmJudge?: LanguageModel;
  readonly data: DataFolder;
  /** Most items of each of a suite's groups, drawn with the seed. Default: all. */
  readonly limit?: number;
  /** Same seed, same items in the same order, and the same draws of the model. */
  readonly seed: number;
  /** Most tokens of an answer. */
  readonly maxTokens: number;
  /** Of answers in words. 0 = the likeliest tokens. */
  readonly temperature: number;
  readonly concurrency: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** An item with what the model made of it, to be read by people. */
export interface Answered {
  readonly id: string;
  readonly prompt: string;
  readonly response: string;
  /** What the grader said. */
  readonly verdict: string;
}

export interface SuiteResult {
  readonly suite: string;
  readonly title: string;
  readonly figures: readonly Figure[];
  readonly answers: readonly Answered[];
  /** Items that could not be asked, with the first reason. */
  readonly failed: { readonly count: number; readonly reason: string | null };
  /** How it was measured. */
  readonly note: string;
}

export interface Suite {
  /** As on the command line. */
  readonly name: string;
  readonly title: string;
  /** One line for help texts. */
  readonly about: string;
  /** Data files that it looks for in the data folder; at least one has to be there. None: it needs no data. */
  readonly files: readonly string[];
  /** True: it runs only where it is named. Default false. */
  readonly onlyByName?: boolean;
  run(context: SuiteContext): Promise<SuiteResult>;
}

/** Items that were asked, each with what came of it. */
export interface Asked<Item, Result> {
  readonly done: readonly { readonly item: Item; readonly value: Result }[];
  readonly failed: SuiteResult['failed'];
}

/** Asks about each item, several at once; one that fails is counted, and the others go on. */
export async function askEach<Item, Result extends Json>(
  items: readonly Item[],
  context: Pick<SuiteContext, 'concurrency' | 'signal' | 'onProgress'>,
  ask: (item: Item, signal: AbortSignal) => Promise<Result>,
): Promise<Asked<Item, Result>> {
  const { concurrency, signal, onProgress } = context;
  const outcomes = await mapItems(items, (item, { signal: own }) => ask(item, own), {
    concurrency,
    signal,
    onProgress: ({ done, failed, total }) => onProgress?.(done + failed, total),
  });
  const reasons = outcomes.flatMap((outcome) => (outcome.status === 'failed' ? [outcome.reason] : []));
  return {
    done: outcomes.flatMap((outcome, i) =>
      outcome.status === 'done' ? [{ item: items[i], value: outcome.value }] : [],
    ),
    failed: { count: reasons.length, reason: reasons[0] ?? null },
  };
}

/** The model's answer to one message. */
export async function answerTo(
  prompt: string,
  { model, maxTokens, temperature, seed }: SuiteContext,
  signal: AbortSignal,
): Promise<string> {
  const { text } = await model.chat(
    { messages: [{ role: 'user', content: prompt }], maxTokens, temperature, seed },
    { signal },
  );
  return text;
}

/** At most `limit` items, drawn with the seed; always the same ones, in the order of the list. */
export function sampled<T>(items: readonly T[], { limit, seed }: Pick<SuiteContext, 'limit' | 'seed'>): T[] {
  if (limit === undefined || items.length <= limit) return [...items];
  const places = new Random(seed).fork('items').shuffled(items.map((_, i) => i));
  return places
    .slice(0, limit)
    .sort((a, b) => a - b)
    .map((i) => items[i]);
}
