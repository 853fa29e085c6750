/** Answers of the server kept in this browser, for when it cannot be reached. */
import { ApiError, OfflineError } from './api.ts';

const prefix = 'tenet kept ';

/**
 * What the server says, or what it said last where it cannot be reached.
 * @param key also names the person where it is not the same for everybody
 * @throws what `load` does where nothing was kept, or the server refuses
 */
export async function keptAnswer<T>(key: string, load: () => Promise<T>): Promise<T> {
  try {
    const data = await load();
    keep(key, data);
    return data;
  } catch (error) {
    const kept = isUnreachable(error) ? keptBefore<T>(key) : null;
    if (kept === null) throw error;
    return kept;
  }
}

/** Without a connection, or with a proxy that has no server behind it. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof OfflineError || (error instanceof ApiError && error.status >= 502);
}

export function keep(key: string, data: unknown): void {
  try {
    localStorage.setItem(prefix + key, JSON.stringify(data));
  } catch {
    // The storage is full or not allowed; without a connection there will be less.
  }
}

export function keptBefore<T>(key: string): T | null {
  return JSON.parse(localStorage.getItem(prefix + key) ?? 'null') as T | null;
}

/** The browser's storage, which makes room for what must not be lost by forgetting what was only kept for later. */
export const roomy: Pick<Storage, 'getItem' | 'setItem'> = {
  getItem: (key) => localStorage.getItem(key),
  setItem: (key, value) => {
    try {
      localStorage.setItem(key, value);
    } catch {
      forgetKept();
      localStorage.setItem(key, value);
    }
  },
};

/** Forgets everything that was kept, for whoever signs out; answers on their way and drafts stay. */
export function forgetKept(): void {
  for (const key of Object.keys(localStorage)) if (key.startsWith(prefix)) localStorage.removeItem(key);
}
