/** Works through items several at a time; what is done is kept by the work itself, in the ledger. */
import { mapItems } from '../llm/index.ts';

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

/**
 * Does `work` for each item, with a signal that fires when the job stops. An item that fails is listed, and the others
 * go on; what would stop every item (an interruption, the budget, a wrong key) stops the job, as `mapItems` says.
 * @returns the failed items, in order
 */
export async function forEachItem<T>(
  items: readonly T[],
  work: (item: T, index: number, signal: AbortSignal) => Promise<void>,
  { concurrency, signal, onProgress }: ForEachOptions,
): Promise<FailedItem[]> {
  const outcomes = await mapItems(
    items,
    async (item, context) => {
      await work(item, context.index, context.signal);
      return null;
    },
    { concurrency, signal, onProgress: ({ done, failed, total }) => onProgress?.(done + failed, total) },
  );
  return outcomes.flatMap((outcome, index) =>
    outcome.status === 'failed' ? { index, reason: outcome.reason } : [],
  );
}
