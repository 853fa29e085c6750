/** What an AI judge has made of items, as routing needs it. Shape: K = number of responses, P = K(K − 1)/2 pairs. */
import { canonicalJson, hashOf } from '../../base/index.ts';
import { type PairSummary, pairsOf, toMessages } from '../../constitution/index.ts';
import type { Item, LedgerEvent, Prompt, Store } from '../../store/index.ts';

export type Ranks = readonly (number | null)[];

export interface JudgedItem {
  /** Names the prompt and the responses by their content. */
  readonly key: string;
  readonly item: Item;
  /** [P] in order (0,1), (0,2) …: the judge's probability that the first is better, before any clamping. */
  readonly probabilities: readonly number[];
  /** [K] */
  readonly ranks: Ranks;
  /** Mean over the pairs of max(p, 1 − p), in [½, 1]. */
  readonly confidence: number;
  /** The judge's label in the ledger. */
  readonly eventId: string;
  /** US dollars for judging it; null where a price is not known. */
  readonly costUsd: number | null;
  /** [K] what people said of it before, where the data have that. */
  readonly humanRanks: Ranks | null;
}

/**
 * The same for the same prompt and responses, whether a prompt is written as a text or as messages, and whichever models
 * wrote the responses.
 */
export function contentKey({ prompt, responses }: Item): string {
  const texts = responses.map(({ text }) => text.trim());
  return hashOf(canonicalJson([messagesOf(prompt), texts])).slice('sha256:'.length, 'sha256:'.length + 16);
}

function messagesOf(prompt: Prompt): readonly { readonly role: string; readonly content: string }[] {
  if (typeof prompt !== 'string') return prompt;
  return /^\s*Human:/.test(prompt) ? toMessages(prompt) : [{ role: 'user', content: prompt }];
}

/** Mean over the pairs of the probability of the preferred response. */
export function confidenceOf(probabilities: readonly number[]): number {
  return probabilities.reduce((sum, p) => sum + Math.max(p, 1 - p), 0) / probabilities.length;
}

/** [K][K] from [P] probabilities; null on the diagonal. */
export function preferencesOf(probabilities: readonly number[], K: number): (number | null)[][] {
  const preferences = Array.from({ length: K }, () => new Array<number | null>(K).fill(null));
  for (const [n, [i, j]] of pairsOf(K).entries()) {
    preferences[i][j] = probabilities[n];
    preferences[j][i] = 1 - probabilities[n];
  }
  return preferences;
}

/** [P] what ranks say of each pair: 1 = the first is better, 0 = the second, ½ = tie, null = not judged. */
export function outcomesOf(ranks: Ranks): (number | null)[] {
  return pairsOf(ranks.length).map(([i, j]) => {
    const [a, b] = [ranks[i], ranks[j]];
    if (a === null || b === null) return null;
    return a < b ? 1 : a > b ? 0 : 0.5;
  });
}

/**
 * Part of the pairs that people judged in which the judge says the same; half a pair where either sees a tie.
 * @returns null where people judged no pair
 */
export function agreementWith(probabilities: readonly number[], human: Ranks): number | null {
  const outcomes = outcomesOf(human);
  let [sum, count] = [0, 0];
  for (const [n, outcome] of outcomes.entries()) {
    if (outcome === null) continue;
    count++;
    const p = probabilities[n];
    sum += outcome === 0.5 || p === 0.5 ? 0.5 : p > 0.5 === outcome > 0.5 ? 1 : 0;
  }
  return count === 0 ? null : sum / count;
}

/** The names of the comparison jobs in a store, the newest first. */
export async function compareJobs(store: Store): Promise<string[]> {
  const rows = await store.database.read((db) =>
    db
      .selectFrom('ledger_event')
      .where('kind', '=', 'label')
      .where('judge_kind', '=', 'ai')
      .where('project', 'is not', null)
      .groupBy('project')
      .select(({ fn }) => ['project', fn.max('seq').as('last')])
      .orderBy('last', 'desc')
      .execute(),
  );
  return rows.map(({ project }) => project!);
}

/** The labels of a comparison job, each item once, in the order labelled. */
export async function judgedItems(store: Store, job: string): Promise<JudgedItem[]> {
  const costs = new Map<string, number | null>();
  const items = new Map<string, JudgedItem>();
  const kinds = ['comparison', 'label'] as const;
  for await (const event of store.ledger.read({ project: job, kinds, current: true })) {
    const name = String(event.extra?.item ?? '');
    if (event.kind === 'comparison') {
      const cost = event.usage?.costUsd ?? null;
      const before = costs.get(name);
      costs.set(name, cost === null || before === null ? null : (before ?? 0) + cost);
      continue;
    }
    const probabilities = probabilitiesOf(event);
    if (event.judge.kind !== 'ai' || !event.item || !event.ranks || probabilities === null) continue;
    const key = contentKey(event.item);
    const K = event.item.responses.length;
    items.set(key, {
      ...{ key, item: event.item, probabilities, eventId: event.id },
      ranks: event.ranks,
      confidence: confidenceOf(probabilities),
      costUsd: costs.get(name) ?? null,
      humanRanks: humanRanksOf(event, K),
    });
  }
  return [...items.values()];
}

function probabilitiesOf({ extra, probabilities, item }: LedgerEvent): number[] | null {
  const pairs = extra?.pairs as unknown as readonly PairSummary[] | undefined;
  if (pairs) return pairs.map(({ unclamped }) => unclamped);
  return probabilities && item?.responses.length === 2 ? [probabilities[0]] : null;
}

function humanRanksOf({ extra }: LedgerEvent, K: number): Ranks | null {
  const ranks = extra?.humanRanks as Ranks | undefined;
  return ranks?.length === K ? ranks : null;
}
