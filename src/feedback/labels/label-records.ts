/** Labels as records that training reads. */
import { meanOf } from '../../base/index.ts';
import { type Content, convertExample } from '../../data/index.ts';
import type { EventFilter, Item, LedgerEvent, Store } from '../../store/index.ts';
import { LabelQueue } from '../tasks/label-queue.ts';
import { mergeRankings } from './merge-rankings.ts';

/**
 * - `labels`: every label as a ranking, with its annotator, flags and rationale
 * - `tasks`: one ranking for each task, with the share of labels that prefer i to j as soft labels
 * - `pairs`: TRL preference, the pairs of `tasks` of which one is preferred, with that share as `probability`
 * - `unpaired`: TRL unpaired preference, each response of `tasks` that is better or worse than the others on the whole
 * - `hh`: `pairs` as transcripts, as hh-rlhf has them
 */
export const LABEL_FORMS = ['labels', 'tasks', 'pairs', 'unpaired', 'hh'] as const;
export type LabelForm = (typeof LABEL_FORMS)[number];

export interface LabelRecordOptions {
  readonly form: LabelForm;
  /** Weight of each annotator's labels in all forms but `labels`. Default 1 each. */
  readonly weights?: ReadonlyMap<string, number>;
  /** As the ledger stood at this event. Default: now. */
  readonly until?: number;
  /** Told of every label that is read, also of those that rank nothing. */
  readonly onEvent?: (event: LedgerEvent) => void;
}

/** The labels of a project that stand: those of people, and decisions where they disagreed. */
export function labelFilter(project: string): EventFilter {
  return { project, kinds: ['label', 'adjudication'], current: true };
}

/** Records of the labels of a project, streamed. Labels that rank nothing, such as flags alone, are in `labels` only. */
export async function* labelRecords(
  store: Store,
  project: string,
  { form, weights, until, onEvent = () => {} }: LabelRecordOptions,
): AsyncGenerator<object, void, undefined> {
  if (form === 'labels') {
    for await (const event of store.ledger.read({ ...labelFilter(project), until })) {
      onEvent(event);
      yield labelRecord(event);
    }
    return;
  }
  const byTask = await rankingsByTask(store, { ...labelFilter(project), until }, weights, onEvent);
  for await (const { id, item } of new LabelQueue(store, project).read()) {
    const rankings = byTask.get(id);
    if (!rankings?.length) continue;
    const { ranks, preferences } = mergeRankings(
      rankings.map((ranking) => ranking.ranks),
      rankings.map(({ weight }) => weight),
    );
    if (ranks.every((rank) => rank === null)) continue; // Only from annotators whose labels weigh nothing.
    const about = { labels: rankings.length, task: id };
    if (form === 'tasks') yield { ...contentOf(item), ranks, preferences, ...about };
    else if (form === 'pairs') yield* pairRecords(item, preferences, about);
    else if (form === 'unpaired') yield* unpairedRecords(item, preferences, about);
    else yield* transcripts(item, preferences, about);
  }
}

interface WeightedRanking {
  readonly ranks: readonly (number | null)[];
  readonly weight: number;
}

/** A decision takes the place of the labels that it decided between, also one that ranks nothing. */
async function rankingsByTask(
  store: Store,
  filter: EventFilter,
  weights: ReadonlyMap<string, number> | undefined,
  onEvent: (event: LedgerEvent) => void,
): Promise<Map<string, WeightedRanking[]>> {
  const byTask = new Map<string, WeightedRanking[]>();
  const decided = new Set<string>();
  for await (const event of store.ledger.read({ ...filter, items: false })) {
    onEvent(event);
    const { kind, taskId, ranks, judge } = event;
    if (taskId === undefined) continue;
    const own = ranks === undefined ? [] : [{ ranks, weight: weights?.get(judge.id) ?? 1 }];
    if (kind === 'adjudication') {
      decided.add(taskId);
      byTask.set(taskId, own);
    } else if (!decided.has(taskId)) {
      const others = byTask.get(taskId);
      if (others) others.push(...own);
      else byTask.set(taskId, own);
    }
  }
  return byTask;
}

/** The same fields in every record, so that any reader of tables takes them. */
function labelRecord(event: LedgerEvent): object {
  const { prompt, responses } = contentOf(event.item!);
  return {
    prompt,
    responses,
    ranks: event.ranks ?? responses.map(() => null),
    annotator: event.judge.id,
    judge: event.judge.kind,
    label: event.id,
    task: event.taskId ?? null,
    group: event.judge.group ?? null,
    adjudicated: event.kind === 'adjudication',
    flags: event.flags ?? [],
    rationale: event.rationale ?? null,
    shownOrder: event.shownOrder ?? null,
    activeMs: event.activeMs ?? null,
    judgedAt: event.judgedAt ?? event.recordedAt,
    guidelineVersion: event.guidelineVersion ?? null,
  };
}

interface About {
  /** How many labels it was made of. */
  readonly labels: number;
  readonly task: string;
}
type Preferences = readonly (readonly (number | null)[])[];

/** Indexes of two responses of which one is preferred, the better first, with the share that prefers it. */
function* preferredPairs(
  preferences: Preferences,
): Generator<[better: number, worse: number, share: number]> {
  for (let i = 0; i < preferences.length; i++) {
    for (let j = i + 1; j < preferences.length; j++) {
      const p = preferences[i][j];
      if (p !== null && p !== 0.5) yield p > 0.5 ? [i, j, p] : [j, i, 1 - p];
    }
  }
}

function* pairRecords(item: Item, preferences: Preferences, about: About): Generator<object> {
  const { prompt, responses } = contentOf(item);
  for (const [better, worse, probability] of preferredPairs(preferences)) {
    yield { prompt, chosen: responses[better], rejected: responses[worse], probability, ...about };
  }
}

function* transcripts(item: Item, preferences: Preferences, about: About): Generator<object> {
  const { prompt, responses } = contentOf(item);
  for (const [better, worse, probability] of preferredPairs(preferences)) {
    const pair = [responses[better], responses[worse]] as Content[];
    const example = { kind: 'ranking', prompt: prompt as Content, responses: pair, ranks: [1, 2] } as const;
    const { records } = convertExample({ ...example, ranks: [1, 2] }, 'hh-transcript');
    for (const record of records) yield { ...record, probability, ...about };
  }
}

/** By the mean share that prefers a response to each other one; those in the middle say nothing. */
function* unpairedRecords(item: Item, preferences: Preferences, about: About): Generator<object> {
  const { prompt, responses } = contentOf(item);
  for (const [i, row] of preferences.entries()) {
    const judged = row.filter((p) => p !== null);
    const share = meanOf(judged);
    if (judged.length === 0 || Math.abs(share - 0.5) < 1e-9) continue;
    yield { prompt, completion: responses[i], label: share > 0.5, ...about };
  }
}

type Turns = readonly { readonly role: string; readonly content: string }[];

/** Responses to a conversation are turns of it; those to a plain prompt are plain texts. */
function contentOf({ prompt, responses }: Item): {
  readonly prompt: Item['prompt'];
  readonly responses: readonly (string | Turns)[];
} {
  if (typeof prompt === 'string') return { prompt, responses: responses.map(({ text }) => text) };
  return {
    prompt,
    responses: responses.map(({ text }) => [{ role: 'assistant', content: text }]),
  };
}
