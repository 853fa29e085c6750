/** Where a job takes its items from and leaves their results: in memory, or in a queue that outlives the process. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { type ErrorCode, type Json, TenetError } from '../../base/index.ts';
import type { Lease, WorkQueue } from '../../store/index.ts';

/** What became of an item. */
export type ItemOutcome<Result> =
  | { readonly status: 'done'; readonly value: Result }
  | { readonly status: 'failed'; readonly reason: string; readonly code: ErrorCode | null };

/** An item to be worked on. */
export interface Task {
  /** Its place in the list. */
  readonly index: number;
  readonly lease?: Lease;
}

export interface WorkSource<Result extends Json> {
  /** Items that are finished already. */
  readonly doneBefore: number;
  /** The next items, at most so many; none when there are none at the moment. */
  take(count: number): Promise<Task[]>;
  /** True: nothing is left, here or with other processes. */
  isFinished(): Promise<boolean>;
  /** When this returns, the result is kept. */
  finish(task: Task, value: Result): Promise<void>;
  fail(task: Task, error: unknown): Promise<void>;
  /** Gives an item back that was not worked on to the end. */
  giveBack(task: Task): Promise<void>;
  /** [items] in the order of the list; null where there is none yet. */
  outcomes(): Promise<(ItemOutcome<Result> | null)[]>;
  close(): void;
}

/** A list in memory. */
export class ListSource<Result extends Json> implements WorkSource<Result> {
  readonly doneBefore = 0;
  private readonly results: (ItemOutcome<Result> | null)[];
  private next = 0;

  constructor(count: number) {
    this.results = Array.from({ length: count }, () => null);
  }

  async take(count: number): Promise<Task[]> {
    const first = this.next;
    this.next = Math.min(this.results.length, first + count);
    return Array.from({ length: this.next - first }, (_, i) => ({ index: first + i }));
  }

  async isFinished(): Promise<boolean> {
    return this.next === this.results.length;
  }

  async finish({ index }: Task, value: Result): Promise<void> {
    this.results[index] = { status: 'done', value };
  }

  async fail({ index }: Task, error: unknown): Promise<void> {
    const code = TenetError.is(error) ? error.code : null;
    this.results[index] = { status: 'failed', reason: reasonOf(error), code };
  }

  async giveBack(): Promise<void> {}

  async outcomes(): Promise<(ItemOutcome<Result> | null)[]> {
    return this.results;
  }

  close(): void {}
}

/** Milliseconds after which items of a process that died are worked on by others. */
const leaseMs = 60_000;

/** A queue of a store. Each item has its key there, so results find their item whatever became of the list. */
export class QueueSource<Result extends Json> implements WorkSource<Result> {
  private readonly queue: WorkQueue;
  /** Key → place in the list. */
  private readonly places: ReadonlyMap<string, number>;
  private readonly owner: string = `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)}`;
  private readonly held = new Map<string, Lease>();
  private readonly heartbeat: NodeJS.Timeout;
  readonly doneBefore: number;

  private constructor(queue: WorkQueue, places: ReadonlyMap<string, number>, doneBefore: number) {
    this.queue = queue;
    this.places = places;
    this.doneBefore = doneBefore;
    this.heartbeat = setInterval(() => void this.extendAll(), leaseMs / 3).unref();
  }

  /** Adds the items that the queue does not have yet, and lets those that failed be tried again. */
  static async open<Result extends Json>(
    queue: WorkQueue,
    keys: readonly string[],
  ): Promise<QueueSource<Result>> {
    await queue.add(keys.map((id, index) => ({ id, payload: { index }, maxAttempts: null })));
    await queue.retry();
    const places = new Map(keys.map((key, index) => [key, index]));
    let done = 0;
    for await (const { id } of queue.read({ status: 'done' })) if (places.has(id)) done++;
    return new QueueSource<Result>(queue, places, done);
  }

  async take(count: number): Promise<Task[]> {
    const tasks: Task[] = [];
    while (tasks.length < count) {
      const wanted = count - tasks.length;
      const leases = await this.queue.claim({ owner: this.owner, limit: wanted, leaseMs });
      for (const lease of leases) {
        const index = this.places.get(lease.id);
        if (index === undefined) {
          await this.queue.fail(lease, 'not in the list any more', { final: true });
        } else {
          this.held.set(lease.id, lease);
          tasks.push({ index, lease });
        }
      }
      if (leases.length < wanted) break;
    }
    return tasks;
  }

  async isFinished(): Promise<boolean> {
    const { waiting, leased } = await this.queue.counts();
    return waiting + leased === 0;
  }

  async finish({ lease }: Task, value: Result): Promise<void> {
    await this.settle(lease!, () => this.queue.complete(lease!, value));
  }

  async fail({ lease }: Task, error: unknown): Promise<void> {
    await this.settle(lease!, () => this.queue.fail(lease!, reasonOf(error), { final: true }));
  }

  async giveBack({ lease }: Task): Promise<void> {
    await this.settle(lease!, () => this.queue.release(lease!));
  }

  async outcomes(): Promise<(ItemOutcome<Result> | null)[]> {
    const outcomes: (ItemOutcome<Result> | null)[] = Array.from({ length: this.places.size }, () => null);
    for await (const { id, status, result, error } of this.queue.read()) {
      const index = this.places.get(id);
      if (index === undefined) continue;
      if (status === 'done') outcomes[index] = { status, value: result as Result };
      else if (status === 'failed') outcomes[index] = { status, reason: error ?? '', code: null };
    }
    return outcomes;
  }

  close(): void {
    clearInterval(this.heartbeat);
  }

  private async settle(lease: Lease, change: () => Promise<void>): Promise<void> {
    this.held.delete(lease.id);
    try {
      await change();
    } catch (error) {
      // Another process has it: ours was too slow, and the queue keeps the other's result.
      if (!(TenetError.is(error) && error.code === 'store' && (await this.isTaken(lease)))) throw error;
    }
  }

  private async isTaken(lease: Lease): Promise<boolean> {
    const item = await this.queue.get(lease.id);
    return item !== null && (item.status === 'done' || item.owner !== this.owner);
  }

  private async extendAll(): Promise<void> {
    for (const lease of [...this.held.values()]) {
      try {
        await this.queue.extend(lease, leaseMs);
      } catch {
        // Lost to another process; whoever is first leaves the result.
      }
    }
  }
}

/** Why an item failed, in one line. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
