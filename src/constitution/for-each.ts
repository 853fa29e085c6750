/** Works through items several at a time, and goes on when one of them fails. */
import { TenetError } from '../base/index.ts';

/** An item that could not be done. */
export interface FailedItem {
  /** Place among the items, from 0. */
  readonly index: number;
  readonly reason: string;
}

export interface ForEachOptions {
  /** Items under way at once. */
  readonly concurrency: number;
  readonly signal?: AbortSignal;
  /** Told after each item, done or failed. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** So many failures without a success in between, and the model is taken to be out of reach. */
const hopeless = 10;

/**
 * Does `work` for each item. Where the model fails (`provider`), the item is listed and the others go on, unless it
 * fails for all of them; any other error, an interruption and a used-up budget among them, ends the job after what is
 * under way. Done items must have been kept by `work`.
 * @returns the failed items, in order
 */
export async function forEachItem<T>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<void>,
  { concurrency, signal, onProgress }: ForEachOptions,
): Promise<FailedItem[]> {
  const failed: FailedItem[] = [];
  let [next, done, inARow] = [0, 0, 0];
  let fatal: unknown;
  const worker = async (): Promise<void> => {
    while (next < items.length && fatal === undefined) {
      if (signal?.aborted) {
        fatal = new TenetError('interrupted', 'Stopped; what is finished is kept.');
        return;
      }
      const index = next++;
      try {
        await work(items[index], index);
        inARow = 0;
      } catch (error) {
        if (!TenetError.is(error) || error.code !== 'provider') {
          fatal ??= error;
          return;
        }
        failed.push({ index, reason: error.message });
        if (++inARow >= hopeless && inARow === failed.length) fatal ??= error;
      }
      onProgress?.(++done, items.length);
    }
  };
  const workers = Math.max(1, Math.min(concurrency, items.length));
  await Promise.all(Array.from({ length: workers }, worker));
  if (fatal !== undefined) throw fatal;
  return failed.sort((a, b) => a.index - b.index);
}
