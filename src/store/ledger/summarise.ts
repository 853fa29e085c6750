/** Counts who judged, and under which principles. */
import type { Judge, LedgerEvent } from '../ledger-event.ts';

export interface LedgerSummary {
  /** Events by kind. */
  readonly kinds: Readonly<Record<string, number>>;
  /** By kind of judge: how many there were and how many events are theirs. */
  readonly judges: readonly {
    readonly kind: Judge['kind'];
    readonly judges: number;
    readonly events: number;
  }[];
  /** By principle and constitution, the most used first. */
  readonly principles: readonly {
    readonly id: string;
    readonly constitution: string | null;
    readonly events: number;
  }[];
  readonly constitutions: readonly {
    readonly hash: string;
    readonly version: string | null;
    readonly events: number;
  }[];
}

export async function summarise(events: AsyncIterable<LedgerEvent>): Promise<LedgerSummary> {
  const kinds = new Counter<string>();
  const judges = new Counter<string>();
  const judgeKinds = new Counter<Judge['kind']>();
  const principles = new Counter<string>();
  const constitutions = new Counter<string>();
  for await (const event of events) {
    const { kind, judge, constitution } = event;
    kinds.add(kind);
    judgeKinds.add(judge.kind);
    judges.add(JSON.stringify([judge.kind, judge.id]));
    for (const id of event.principles ?? []) principles.add(JSON.stringify([id, constitution?.hash ?? null]));
    if (constitution) constitutions.add(JSON.stringify([constitution.hash, constitution.version ?? null]));
  }
  const idsOf = (kind: string): number =>
    judges.counts().filter(([key]) => (JSON.parse(key) as string[])[0] === kind).length;
  return {
    kinds: Object.fromEntries(kinds.counts()),
    judges: judgeKinds.counts().map(([kind, count]) => ({ kind, judges: idsOf(kind), events: count })),
    principles: principles.counts().map(([key, count]) => {
      const [id, constitution] = JSON.parse(key) as [string, string | null];
      return { id, constitution, events: count };
    }),
    constitutions: constitutions.counts().map(([key, count]) => {
      const [hash, version] = JSON.parse(key) as [string, string | null];
      return { hash, version, events: count };
    }),
  };
}

/** Counts keys; the most frequent first, equal ones in the order of their names. */
class Counter<Key extends string> {
  private readonly numbers = new Map<Key, number>();

  add(key: Key): void {
    this.numbers.set(key, (this.numbers.get(key) ?? 0) + 1);
  }

  counts(): [Key, number][] {
    return [...this.numbers].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  }
}
