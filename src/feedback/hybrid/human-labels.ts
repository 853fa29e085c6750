/** What people said in a project, by task. */
import type { Store } from '../../store/index.ts';
import { labelFilter } from '../labels/label-records.ts';
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
}

export async function humanLabels(store: Store, project: string): Promise<HumanLabels> {
  const labels = new Map<string, HumanLabel[]>();
  const decisions = new Map<string, HumanLabel>();
  for await (const event of store.ledger.read(labelFilter(project))) {
    const { taskId, kind, ranks, judge, id, activeMs = null } = event;
    if (taskId === undefined || ranks === undefined || judge.kind === 'ai') continue;
    const label: HumanLabel = { eventId: id, annotator: judge.id, ranks, activeMs };
    if (kind === 'adjudication') decisions.set(taskId, label);
    else labels.set(taskId, [...(labels.get(taskId) ?? []), label]);
  }
  return { labels, decisions };
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
