/** The ledger: every judgement ever made, appended and never changed. */
import type { LedgerSummary } from './ledger/summarise.ts';
import type { EventKind, Judge, LedgerEvent, NewEvent } from './ledger-event.ts';

/** Which events to read; all conditions must hold. */
export interface EventFilter {
  readonly kinds?: readonly EventKind[];
  readonly project?: string;
  readonly taskId?: string;
  readonly runId?: string;
  readonly itemHash?: string;
  readonly promptHash?: string;
  readonly judgeKind?: Judge['kind'];
  readonly judgeId?: string;
  readonly judgeGroup?: string;
  /** Events that name this principle. */
  readonly principle?: string;
  readonly constitutionHash?: string;
  /** True: only events that stand, without superseded ones and withdrawals. Default false: all. */
  readonly current?: boolean;
  /** Only events after this place. Default 0 = from the first. */
  readonly after?: number;
  /** Only events up to this place, as things stood then. Default: the ledger's head when reading begins. */
  readonly until?: number;
}

/** In which order, how many, and how much of each. */
export interface ReadOptions {
  /** Default false: the oldest first. */
  readonly newestFirst?: boolean;
  /** At most so many. Default all. */
  readonly limit?: number;
  /** False: events come without their items, which is several times as fast where texts are long. Default true. */
  readonly items?: boolean;
}

/** The end of the chain. */
export interface LedgerHead {
  /** Number of events. */
  readonly count: number;
  /** Hash of the last event; it pins every event up to it. */
  readonly hash: string;
}

/** Names a selection of events by its content. */
export interface LedgerDigest {
  readonly events: number;
  /** `sha256:…` over the hashes of the selected events in order. */
  readonly hash: string;
  /** Hash of the first and of the last selected event; null when there is none. */
  readonly firstEvent: string | null;
  readonly lastEvent: string | null;
  /** The ledger's head when the selection was made; reading `until` its count selects the same events again. */
  readonly head: LedgerHead;
}

/** What a check of the chain found. */
export type LedgerCheck =
  | {
      readonly ok: true;
      readonly head: LedgerHead;
      /** Triggers that should refuse changes and are not there; empty in a healthy database. */
      readonly missingGuards: readonly string[];
    }
  | {
      readonly ok: false;
      /** Events before the first broken one. */
      readonly intact: number;
      /** The first broken place, its event's id where it can be read, and what is wrong with it. */
      readonly seq: number;
      readonly id: string | null;
      readonly reason: string;
    };

export interface Ledger {
  /**
   * Appends one event, or several all or none. When it returns, the events are on disk and will not be lost.
   * Events whose id is stored already with the same content are not stored again; the stored ones are returned.
   * @returns the events as stored, in the order given
   * @throws TenetError('store') when an id is taken by an event with other content, or what is superseded is unknown
   *   or superseded already; TenetError('data') for events that contradict themselves
   */
  append(event: NewEvent): Promise<LedgerEvent>;
  append(events: readonly NewEvent[]): Promise<LedgerEvent[]>;
  /** Events in order, in pages: a consistent view as of the moment reading began, whatever is appended meanwhile. */
  read(filter?: EventFilter & ReadOptions): AsyncIterable<LedgerEvent>;
  /** The event with this id, or null. */
  get(id: string): Promise<LedgerEvent | null>;
  /** An event with all its corrections, oldest first; empty when the id is unknown. */
  history(id: string): Promise<LedgerEvent[]>;
  count(filter?: EventFilter): Promise<number>;
  head(): Promise<LedgerHead>;
  /** Names a selection by its content, for a run's manifest. */
  digest(filter?: EventFilter): Promise<LedgerDigest>;
  /** Names a selection, and says who judged in it and under which principles. */
  describe(filter?: EventFilter): Promise<{ readonly digest: LedgerDigest; readonly summary: LedgerSummary }>;
  /**
   * Checks every event against the chain.
   * @param expected heads noted earlier, which the ledger must still contain: only they show that nothing was cut off
   *   the end, or that the whole chain was not written anew
   */
  verify(expected?: readonly LedgerHead[]): Promise<LedgerCheck>;
}
