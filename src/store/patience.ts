/** Waiting for other processes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isBusy, isTransient, toStoreError } from './store-error.ts';

/** How long an action waits for other processes before it gives up. */
const patienceMs = 30_000;

/**
 * Runs an action, again and again while another process is in its way.
 * @throws TenetError('store') where the database refuses, naming it by its address
 */
export async function patiently<T>(url: string, action: () => T | Promise<T>): Promise<T> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    try {
      return await action();
    } catch (error) {
      const again = isBusy(error) || isTransient(error);
      if (!again || Date.now() > deadline) throw toStoreError(error, url);
      // By chance, which has no part in any result, so that not all come back at once.
      await sleep(2 + Math.random() * 20);
    }
  }
}
