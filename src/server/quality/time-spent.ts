/** How long people were at work, by day. */
import type { Store } from '../../store/index.ts';

export interface TimeSpentByDay {
  /** `2026-11-23`, in UTC. */
  readonly day: string;
  readonly labels: number;
  readonly decisions: number;
  readonly skips: number;
  /** Of those whose time was measured. */
  readonly activeMs: number;
  readonly idleMs: number;
  /** Events whose time was measured. */
  readonly measured: number;
}

/** Corrected labels took their time too. */
export async function timeSpent(store: Store, project: string): Promise<TimeSpentByDay[]> {
  const days = new Map<string, { -readonly [Key in keyof TimeSpentByDay]: TimeSpentByDay[Key] }>();
  const filter = { project, kinds: ['label', 'adjudication', 'skip'] } as const;
  for await (const event of store.ledger.read({ ...filter, items: false })) {
    if (event.judge.kind === 'ai') continue;
    const day = new Date(event.judgedAt ?? event.recordedAt).toISOString().slice(0, 'yyyy-mm-dd'.length);
    const own = days.get(day) ?? {
      ...{ day, labels: 0, decisions: 0, skips: 0, activeMs: 0, idleMs: 0, measured: 0 },
    };
    days.set(day, own);
    if (event.kind === 'label') own.labels++;
    else if (event.kind === 'skip') own.skips++;
    else own.decisions++;
    own.activeMs += event.activeMs ?? 0;
    own.idleMs += event.idleMs ?? 0;
    if (event.activeMs !== undefined) own.measured++;
  }
  return [...days.values()].sort((a, b) => (a.day < b.day ? -1 : 1));
}
