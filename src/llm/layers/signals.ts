/** What calls do when their signal fires. */
import { setMaxListeners } from 'node:events';
import { TenetError } from '../../base/index.ts';

/**
 * Calls back when the signal fires, if it has not fired yet.
 * @returns a function that takes the call back
 */
export function onAbort(signal: AbortSignal | undefined, callback: () => void): () => void {
  if (!signal) return () => {};
  setMaxListeners(0, signal); // one signal stops hundreds of calls; that is no leak
  signal.addEventListener('abort', callback, { once: true });
  return () => signal.removeEventListener('abort', callback);
}

/** Waits. @throws TenetError('interrupted') when the signal fires first */
export function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(interrupted());
      return;
    }
    const forget = onAbort(signal, () => {
      clearTimeout(timer);
      reject(interrupted());
    });
    const timer = setTimeout(() => {
      forget();
      resolve();
    }, milliseconds);
  });
}

/** What every call throws when its signal fires. */
export function interrupted(): TenetError {
  return new TenetError('interrupted', 'The call was interrupted.');
}
