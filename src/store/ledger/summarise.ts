/** Counts who judged, and under which principles. */
import type { EventContent, Judge } from '../ledger-event.ts';
import type { LedgerEventTable } from '../tables.ts';

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

/** What is counted of an event. */
export interface SummarisedRow
  extends Pick<LedgerEventTable, 'seq' | 'hash' | 'kind' | 'judge_kind' | 'judge_id' | 'principles'> {
  /** Null where it names no constitution. */
  readonly content: string | null;
}

/** What is counted of an event that is whole. */
interface Counted extends Pick<EventContent, 'judge' | 'principles' | 'constitution'> {
  readonly kind: string;
}

/** Counts events as they are read. */
export class Summary {
  private readonly kinds = new Counter<string>();
  private readonly judges = new Map<string, Counter<string>>();
  private readonly judgeKinds = new Counter<string>();
  private readonly principles = new Counter<string>();
  private readonly constitutions = new Counter<string>();

  /** A row of the table. */
  add({ kind, judge_kind, judge_id, principles, content }: SummarisedRow): void {
    this.addEvent({
      kind,
      judge: { kind: judge_kind as Judge['kind'], id: judge_id },
      ...(principles !== null && { principles: principles.trim().split(' ') }),
      ...(content !== null && { constitution: (JSON.parse(content) as EventContent).constitution }),
    });
  }

  addEvent({ kind, judge, principles = [], constitution }: Counted): void {
    this.kinds.add(kind);
    this.judgeKinds.add(judge.kind);
    let judges = this.judges.get(judge.kind);
    if (!judges) this.judges.set(judge.kind, (judges = new Counter()));
    judges.add(judge.id);
    const { hash = null, version = null } = constitution ?? {};
    for (const id of principles) this.principles.add(JSON.stringify([id, hash]));
    if (hash !== null) this.constitutions.add(JSON.stringify([hash, version]));
  }

  result(): LedgerSummary {
    return {
      kinds: Object.fromEntries(this.kinds.counts()),
      judges: this.judgeKinds.counts().map(([kind, events]) => ({
        ...{ kind: kind as Judge['kind'], events },
        judges: this.judges.get(kind)!.counts().length,
      })),
      principles: this.principles.counts().map(([key, events]) => {
        const [id, constitution] = JSON.parse(key) as [string, string | null];
        return { id, constitution, events };
      }),
      constitutions: this.constitutions.counts().map(([key, events]) => {
        const [hash, version] = JSON.parse(key) as [string, string | null];
        return { hash, version, events };
      }),
    };
  }
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
