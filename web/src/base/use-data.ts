/** Data of the server, for a component as long as it is there. */
import { useCallback, useEffect, useRef, useState } from 'react';

export interface Loaded<T> {
  readonly data: T | undefined;
  readonly error: Error | undefined;
  readonly loading: boolean;
  /** Asks again. */
  readonly reload: () => void;
}

/**
 * @param key what it depends on: another key, another answer
 * @param everyMs asks again so often, while the page is looked at
 */
export function useData<T>(key: string, load: () => Promise<T>, everyMs?: number): Loaded<T> {
  const [state, setState] = useState<{ key: string; data?: T; error?: Error; loading: boolean }>({
    key,
    loading: true,
  });
  const latest = useRef(load);
  latest.current = load;
  const asked = useRef(0);
  const reload = useCallback(() => {
    const number = ++asked.current;
    const isNewest = (): boolean => number === asked.current;
    setState((before) => (before.key === key ? { ...before, loading: true } : { key, loading: true }));
    latest.current().then(
      (data) => isNewest() && setState({ key, data, loading: false }),
      // What was there stays in view: an answer of a minute ago is better than none.
      (error: Error) =>
        isNewest() && setState((before) => ({ key, data: before.data, error, loading: false })),
    );
  }, [key]);
  useEffect(() => {
    reload();
    if (everyMs === undefined) return undefined;
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') reload();
    }, everyMs);
    return () => clearInterval(timer);
  }, [reload, everyMs]);
  const current = state.key === key ? state : { key, loading: true };
  return { data: current.data, error: current.error, loading: current.loading, reload };
}
