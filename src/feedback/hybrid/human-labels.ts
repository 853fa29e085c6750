/** What people said in a project, by task. */
import type { Store } from '../../store/index.ts';
import { contentKey, type Ranks } from './judged-item.ts';

export interface HumanLabel {
  readonly eventId: string;
  readonly annotator: string;
  readonly ranks: Ranks;
  readonly activeMs: number | null;
}

export interface HumanLabels {
  /** By task; without those that rank nothing. */
  readonly labels: ReadonlyMap<string, readonly HumanLabel[]>;
  /** By task, of adjudicators. */
  readonly decisions: ReadonlyMap<string, HumanLabel>;
  /** Ids of skips that stand, by task; without those of adjudicators. */
  readonly skips: ReadonlyMap<string, readonly string[]>;
}

export async function humanLabels(store: Store, project: string): Promise<HumanLabels> {
  const labels = new Map<string, HumanLabel[]>();
  const decisions = new Map<string, HumanLabel>();
  const skips = new Map<string, string[]>();
  const kinds = ['label', 'adjudication', 'skip'] as const;
  for await (const event of store.ledger.read({ project, kinds, current: true, items: false })) {
    const { taskId, kind, ranks, judge, id, extra, activeMs = null } = event;
    if (taskId === undefined || judge.kind === 'ai') continue;
    if (kind === 'skip' && extra?.purpose !== 'adjudication') listUnder(skips, taskId, id);
    if (ranks === undefined) continue;
    const label: HumanLabel = { eventId: id, annotator: judge.id, ranks, activeMs };
    if (kind === 'adjudication') decisions.set(taskId, label);
    else listUnder(labels, taskId, label);
  }
  return { labels, decisions, skips };
}

function listUnder<T>(lists: Map<string, T[]>, key: string, value: T): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

/** What people said of any item in any project of a store, by `contentKey`. */
export async function labelsByContent(
  store: Store,
): Promise<Map<string, Pick<HumanLabel, 'ranks' | 'activeMs'>[]>> {
  const labels = new Map<string, Pick<HumanLabel, 'ranks' | 'activeMs'>[]>();
  for await (const event of store.ledger.read({ kinds: ['label'], current: true })) {
    const { ranks, item, judge, activeMs = null } = event;
    if (judge.kind === 'ai' || !ranks || !item) continue;
    const key = contentKey(item);
    const known = labels.get(key);
    if (known) known.push({ ranks, activeMs });
    else labels.set(key, [{ ranks, activeMs }]);
  }
  return labels;
}
