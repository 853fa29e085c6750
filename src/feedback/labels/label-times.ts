/** How long labels take. */
import { medianOf } from '../../base/index.ts';
import type { Store } from '../../store/index.ts';
import { labelFilter } from './label-records.ts';

/** Median active milliseconds of a label, by annotator; of those whose time was measured. */
export async function labelTimes(store: Store, project: string): Promise<Map<string, number>> {
  const byAnnotator = new Map<string, number[]>();
  for await (const { judge, activeMs } of store.ledger.read({ ...labelFilter(project), items: false })) {
    if (activeMs === undefined) continue;
    const times = byAnnotator.get(judge.id);
    if (times) times.push(activeMs);
    else byAnnotator.set(judge.id, [activeMs]);
  }
  return new Map([...byAnnotator].map(([id, times]) => [id, medianOf(times)]));
}
