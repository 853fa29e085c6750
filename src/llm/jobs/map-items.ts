/**
 * Runs a function over many items: several at a time, each result at its own item's place, and every finished item kept.
 */
import { canonicalJson, hashOf, type Json, TenetError } from '../../base/index.ts';
import type { WorkQueue } from '../../store/index.ts';
import { interrupted, onAbort, pause } from '../layers/signals.ts';
import { failureDetails } from '../providers/provider-error.ts';
import {
  type ItemOutcome,
  ListSource,
  QueueSource,
  reasonOf,
  type Task,
  type WorkSource,
} from './work-source.ts';

export interface MapOptions<Item> {
  /** Items worked on at once. Default 16. */
  readonly concurrency?: number;
  /** Stops the job; what is finished is kept. */
  readonly signal?: AbortSignal;
  /**
   * Where items and results are kept, so that a job that was interrupted goes on where it stopped; several processes
   * may share it. Name it after everything that decides a result (model, prompt template, settings), since finished
   * items are not done again. Default: in memory.
   */
  readonly queue?: WorkQueue;
  /** The job stops when so many items fail one after another, since then it is not the items. Default 25. */
  readonly mostFailuresInARow?: number;
  /** Names an item, whatever its place in the list. Default: a hash of its content; equal items are counted. */
  readonly key?: (item: Item, index: number) => string;
  /** Told whenever an item is finished or has failed. */
  readonly onProgress?: (progress: MapProgress) => void;
}

export interface MapProgress {
  readonly done: number;
  readonly failed: number;
  readonly total: number;
  /** Of those done, how many were done before this call. */
  readonly doneBefore: number;
}

/** What the function is told besides the item. */
export interface ItemContext {
  /** The item's place in the list. */
  readonly index: number;
  /** Fires when the job stops. */
  readonly signal: AbortSignal;
}

const defaultConcurrency = 16;
const defaultFailuresInARow = 25;
/** Milliseconds between looks at items that other processes work on. */
const pollMs = 500;

/**
 * @param work gives an item's result, which JSON can hold. A failure is the item's own: it is kept with its reason, is
 *   tried again when the job is resumed, and stops no other item
 * @returns [items] in the order of the items
 * @throws what stops a whole job, once the items under way have ended: TenetError('interrupted') when the signal fires;
 *   TenetError('budget'); TenetError('provider') when no request can succeed (a wrong key or model); TenetError('store');
 *   the last failure of too many in a row
 * @example
 * const outcomes = await mapItems(prompts, async (prompt, { signal }) => {
 *   const { text } = await model.chat({ messages: [{ role: 'user', content: prompt }] }, { signal });
 *   return text;
 * }, { queue: store.queue('answers:2026-11'), signal });
 */
export async function mapItems<Item, Result extends Json>(
  items: readonly Item[],
  work: (item: Item, context: ItemContext) => Promise<Result>,
  options: MapOptions<Item> = {},
): Promise<ItemOutcome<Result>[]> {
  const { concurrency = defaultConcurrency, queue } = options;
  if (!(Number.isInteger(concurrency) && concurrency > 0)) {
    throw new TenetError('usage', `concurrency is ${concurrency}, must be a whole number > 0.`);
  }
  const source: WorkSource<Result> = queue
    ? await QueueSource.open<Result>(queue, keysOf(items, options.key))
    : new ListSource<Result>(items.length);
  try {
    await new Job(source, items, work, { ...options, concurrency }).run();
    const outcomes = await source.outcomes();
    const missing = outcomes.indexOf(null);
    if (missing >= 0)
      throw new TenetError('internal', `Item ${missing} has no outcome though all are finished.`);
    return outcomes as ItemOutcome<Result>[];
  } finally {
    source.close();
  }
}

class Job<Item, Result extends Json> {
  private readonly source: WorkSource<Result>;
  private readonly items: readonly Item[];
  private readonly work: (item: Item, context: ItemContext) => Promise<Result>;
  private readonly options: MapOptions<Item> & { readonly concurrency: number };
  private readonly running = new Set<Promise<void>>();
  private readonly stopping = new AbortController();
  /** Why the whole job stops, once it does. */
  private stopped: unknown = null;
  private done: number;
  private failed = 0;
  private failedInARow = 0;

  constructor(
    source: WorkSource<Result>,
    items: readonly Item[],
    work: (item: Item, context: ItemContext) => Promise<Result>,
    options: MapOptions<Item> & { readonly concurrency: number },
  ) {
    this.source = source;
    this.items = items;
    this.work = work;
    this.options = options;
    this.done = source.doneBefore;
  }

  async run(): Promise<void> {
    const { signal, concurrency } = this.options;
    if (signal?.aborted) throw interrupted();
    const forget = onAbort(signal, () => this.stop(interrupted()));
    try {
      while (!this.stopped) {
        const tasks = await this.source.take(concurrency - this.running.size);
        for (const task of tasks) this.start(task);
        if (this.running.size > 0) await Promise.race(this.running);
        else if (await this.source.isFinished()) break;
        else await pause(pollMs, this.stopping.signal).catch(() => {}); // others are at work; or we were stopped
      }
    } catch (error) {
      this.stop(error);
    } finally {
      await Promise.all(this.running);
      forget();
    }
    if (this.stopped) throw this.stopped;
  }

  private stop(reason: unknown): void {
    this.stopped ??= reason;
    this.stopping.abort();
  }

  private start(task: Task): void {
    const running = this.workOn(task)
      .catch((error: unknown) => this.stop(error)) // the store failed, not the item
      .finally(() => this.running.delete(running));
    this.running.add(running);
  }

  private async workOn(task: Task): Promise<void> {
    const { index } = task;
    let value: Result;
    try {
      if (this.stopped) throw interrupted();
      value = await this.work(this.items[index], { index, signal: this.stopping.signal });
    } catch (error) {
      if (this.stopped || stopsTheJob(error)) {
        this.stop(error);
        await this.source.giveBack(task);
      } else {
        await this.source.fail(task, error);
        this.failed++;
        this.failedInARow++;
        this.tell();
        const { mostFailuresInARow = defaultFailuresInARow } = this.options;
        if (this.failedInARow >= mostFailuresInARow) this.stop(tooManyFailures(this.failedInARow, error));
      }
      return;
    }
    await this.source.finish(task, value);
    this.done++;
    this.failedInARow = 0;
    this.tell();
  }

  private tell(): void {
    const { done, failed, source, items } = this;
    this.options.onProgress?.({ done, failed, total: items.length, doneBefore: source.doneBefore });
  }
}

/** True for failures that the next item would meet as well. */
function stopsTheJob(error: unknown): boolean {
  if (!TenetError.is(error)) return false;
  if (['interrupted', 'budget', 'store'].includes(error.code)) return true;
  return failureDetails(error)?.hopeless === true;
}

function tooManyFailures(count: number, last: unknown): TenetError {
  const code = TenetError.is(last) ? last.code : 'internal';
  const message = `${count} items failed one after another, so the job stops; the last because: ${reasonOf(last)}`;
  return new TenetError(code, message, { cause: last, details: TenetError.is(last) ? last.details : {} });
}

function keysOf<Item>(
  items: readonly Item[],
  key: (item: Item, index: number) => string = (item) => hashOf(canonicalJson(item)),
): string[] {
  const counts = new Map<string, number>();
  return items.map((item, index) => {
    const name = key(item, index);
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    return count === 1 ? name : `${name}#${count}`;
  });
}
