/** Labels as records that training reads. */
import type { EventFilter, Item, LedgerEvent, Store } from '../../store/index.ts';
import { LabelQueue } from '../tasks/label-queue.ts';
import { mergeRankings } from './merge-rankings.ts';

/**
 * - `labels`: every label as a ranking, with its annotator, flags and rationale
 * - `tasks`: one ranking for each task, with the share of labels that prefer i to j as soft labels
 * - `pairs`: TRL preference, the pairs of `tasks` of which one is preferred, with that share as `probability`
 */
export type LabelForm = 'labels' | 'tasks' | 'pairs';

export interface LabelRecordOptions {
  readonly form: LabelForm;
  /** Weight of each annotator's labels in `tasks` and `pairs`. Default 1 each. */
  readonly weights?: ReadonlyMap<string, number>;
  /** As the ledger stood at this event. Default: now. */
  readonly until?: number;
}

/** The labels of a project that stand: those of people, and decisions where they disagreed. */
export function labelFilter(project: string): EventFilter {
  return { project, kinds: ['label', 'adjudication'], current: true };
}

/** Records of the labels of a project, streamed. Labels that rank nothing, such as flags alone, are in `labels` only. */
export async function* labelRecords(
  store: Store,
  project: string,
  { form, weights, until }: LabelRecordOptions,
): AsyncGenerator<object, void, undefined> {
  if (form === 'labels') {
    for await (const event of store.ledger.read({ ...labelFilter(project), until })) yield labelRecord(event);
    return;
  }
  const byTask = await rankingsByTask(store, { ...labelFilter(project), until }, weights);
  for await (const { id, item } of new LabelQueue(store, project).read()) {
    const rankings = byTask.get(id);
    if (!rankings) continue;
    const { ranks, preferences } = mergeRankings(
      rankings.map((ranking) => ranking.ranks),
      rankings.map(({ weight }) => weight),
    );
    if (ranks.every((rank) => rank === null)) continue; // Only from annotators whose labels weigh nothing.
    const about = { labels: rankings.length, task: id };
    if (form === 'tasks') yield { ...contentOf(item), ranks, preferences, ...about };
    else yield* pairRecords(item, preferences, about);
  }
}

interface WeightedRanking {
  readonly ranks: readonly (number | null)[];
  readonly weight: number;
}

/** A decision takes the place of the labels that it decided between. */
async function rankingsByTask(
  store: Store,
  filter: EventFilter,
  weights: ReadonlyMap<string, number> | undefined,
): Promise<Map<string, WeightedRanking[]>> {
  const byTask = new Map<string, WeightedRanking[]>();
  const decided = new Set<string>();
  for await (const { kind, taskId, ranks, judge } of store.ledger.read({ ...filter, items: false })) {
    if (taskId === undefined || ranks === undefined) continue;
    const ranking = { ranks, weight: weights?.get(judge.id) ?? 1 };
    if (kind === 'adjudication') {
      decided.add(taskId);
      byTask.set(taskId, [ranking]);
    } else if (!decided.has(taskId)) {
      const others = byTask.get(taskId);
      if (others) others.push(ranking);
      else byTask.set(taskId, [ranking]);
    }
  }
  return byTask;
}

function labelRecord(event: LedgerEvent): object {
  const { id, kind, judge, taskId, item, ranks, flags, rationale, shownOrder, activeMs } = event;
  return {
    ...contentOf(item!),
    ranks: ranks ?? item!.responses.map(() => null),
    ...{ annotator: judge.id, judge: judge.kind, label: id, task: taskId },
    ...(judge.group !== undefined && { group: judge.group }),
    ...(kind === 'adjudication' && { adjudicated: true }),
    ...(flags && { flags }),
    ...(rationale !== undefined && { rationale }),
    ...(shownOrder && { shownOrder }),
    ...(activeMs !== undefined && { activeMs }),
  };
}

function* pairRecords(
  item: Item,
  preferences: readonly (readonly (number | null)[])[],
  about: object,
): Generator<object> {
  const { prompt, responses } = contentOf(item);
  for (let i = 0; i < responses.length; i++) {
    for (let j = i + 1; j < responses.length; j++) {
      const p = preferences[i][j];
      if (p === null || p === 0.5) continue;
      const [better, worse] = p > 0.5 ? [i, j] : [j, i];
      yield {
        ...{ prompt, chosen: responses[better], rejected: responses[worse] },
        ...{ probability: Math.max(p, 1 - p), ...about },
      };
    }
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
