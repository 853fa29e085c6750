/** Waiting that ends when the caller's signal fires. */
import { TenetError } from '../../base/index.ts';

/** @throws TenetError('interrupted') when the signal fires first */
export function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(interrupted());
      return;
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, milliseconds);
    const abort = (): void => {
      clearTimeout(timer);
      reject(interrupted());
    };
    signal?.addEventListener('abort', abort, { once: true });
  });
}

/** What every call throws when its signal fires. */
export function interrupted(): TenetError {
  return new TenetError('interrupted', 'The call was interrupted.');
}
