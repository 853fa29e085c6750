/**
 * Work that several processes or people share out among themselves: each item is done once.
 *
 * An item is claimed under a lease. Whoever claimed it completes it, fails it or gives it back; when nothing is heard
 * before the lease ends, it can be claimed again. Results stay with their item, so a failed item shifts no other.
 */
import type { Json } from '../base/index.ts';

export interface NewWorkItem {
  /** Unique in the queue; adding it again changes nothing. */
  readonly id: string;
  readonly payload: Json;
  /** Higher is claimed first; equal in the order added. Default 0. */
  readonly priority?: number;
  /** Items that belong together, such as the copies of a task for several annotators. */
  readonly group?: string;
  /** Only claims that name this audience get the item, e.g. a language. Default: anyone. */
  readonly audience?: string;
  /**
   * Claims without success after which the item counts as failed; null = never, for people, who come and go.
   * Default 3.
   */
  readonly maxAttempts?: number | null;
}

export type WorkStatus = 'waiting' | 'leased' | 'done' | 'failed';

/** An item as it stands. */
export interface WorkItem {
  readonly id: string;
  readonly payload: Json;
  readonly priority: number;
  readonly group: string | null;
  readonly audience: string | null;
  readonly status: WorkStatus;
  /** Claims so far, without those that were given back. */
  readonly attempts: number;
  readonly maxAttempts: number | null;
  /** Who has it or did it. */
  readonly owner: string | null;
  /** What `complete` was given; null until then. */
  readonly result: Json;
  /** Why it failed last; kept until it is done. */
  readonly error: string | null;
}

/** A claimed item. */
export interface Lease {
  readonly id: string;
  readonly payload: Json;
  readonly owner: string;
  /** Which attempt this is, from 1. */
  readonly attempt: number;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  /** Proves that the lease is still the newest one. */
  readonly token: string;
}

/** Where delivered work was kept. */
export interface Delivery {
  /** Of the item. */
  readonly id: string;
  /** `leased`: somebody else held it. */
  readonly item: 'own' | 'waiting' | 'leased' | 'extra';
}

/** What an owner has done for a group. */
export interface Work {
  readonly group: string;
  readonly owner: string;
  /** Of the item that it becomes where none waits. */
  readonly payload: Json;
  readonly result: Json;
}

export interface ClaimOptions {
  /** Who claims: an annotator's id or a process. */
  readonly owner: string;
  /** At most so many items. Default 1. */
  readonly limit?: number;
  /** Milliseconds until the items can be claimed by others. Default 10 minutes. */
  readonly leaseMs?: number;
  /** Audiences that the claimer belongs to. Default none: only items for anyone. */
  readonly audiences?: readonly string[];
  /** True: no item of a group from which this owner has one already, done or leased. Default false. */
  readonly oncePerGroup?: boolean;
}

export interface DeliverOptions {
  /** `failed` for whoever gives up. Default `done`. */
  readonly status?: 'done' | 'failed';
  /**
   * True: of a group only one counts, so that nothing is kept with a new item. Who comes late takes the item of whoever
   * holds it now, and is refused like an owner who has finished before once somebody else has done an item of the group.
   * Default false.
   */
  readonly once?: boolean;
}

export interface WorkQueue {
  readonly name: string;
  /** Adds items that are not there yet, all or none. @returns how many were new */
  add(items: readonly NewWorkItem[]): Promise<number>;
  /** Leases the next items; fewer than asked for, or none, when there are no more. */
  claim(options: ClaimOptions): Promise<Lease[]>;
  /** Leases that an owner holds now, in the order in which items are claimed: to go on with after a restart. */
  held(owner: string): Promise<Lease[]>;
  /** Prolongs a lease, from now on. @throws TenetError('store') when the item is no longer this lease's */
  extend(lease: Lease, leaseMs: number): Promise<Lease>;
  /**
   * Marks an item as done, with its result. Doing so again with the same lease changes nothing.
   * @throws TenetError('store') when the item is no longer this lease's
   */
  complete(lease: Lease, result?: Json): Promise<void>;
  /**
   * Records that an attempt failed. The item waits to be claimed again until its attempts are used up. Throws as
   * `extend` does.
   * @param options.retryInMs claimed again not before this time has passed; default 0
   * @param options.final     true: do not try again; default false
   */
  fail(
    lease: Lease,
    reason: string,
    options?: { readonly retryInMs?: number; readonly final?: boolean },
  ): Promise<void>;
  /** Gives an item back unused; the attempt does not count. Throws as `extend` does. */
  release(lease: Lease): Promise<void>;
  /**
   * Takes the work of an owner on a group, whatever has become of the lease, so that what a person has done late or
   * without a connection is not lost. It is kept with the owner's own item; else with one that waits; else with a new one,
   * which is then one more than was asked for.
   * @throws TenetError('store') when the owner has finished an item of the group before, or there is no such group
   */
  deliver(group: string, owner: string, result: Json, options?: DeliverOptions): Promise<Delivery>;
  /**
   * `deliver` for many at once, also on groups that are not there yet, such as for work that was done elsewhere. What an
   * owner has finished before stays as it is.
   * @returns for each what was kept; null for work on a group that its owner had finished before
   */
  deliverAll(works: readonly Work[]): Promise<(Delivery | null)[]>;
  /** Lets the item of a group that the owner has finished be claimed again, by anyone. @returns false when there is none */
  reopen(group: string, owner: string): Promise<boolean>;
  /** Takes items out that wait and that nobody has to do any more; others stay. @returns how many */
  remove(ids: readonly string[]): Promise<number>;
  /** Lets failed items be claimed again with fresh attempts: all, or those named. @returns how many */
  retry(ids?: readonly string[]): Promise<number>;
  /** Changes the priority of items, named by id or all of a group at once. @returns how many were found */
  prioritise(priorities: ReadonlyMap<string, number>, by?: 'id' | 'group'): Promise<number>;
  get(id: string): Promise<WorkItem | null>;
  /** Items in the order added. */
  read(filter?: { readonly status?: WorkStatus; readonly group?: string }): AsyncIterable<WorkItem>;
  counts(): Promise<Readonly<Record<WorkStatus, number>>>;
}
