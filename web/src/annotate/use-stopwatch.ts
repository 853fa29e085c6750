/** A stopwatch that sees the signs of life of this page. */
import { useEffect, useMemo } from 'react';
import { Stopwatch } from './stopwatch.ts';

/** @param key another key, another stopwatch that begins at nothing */
export function useStopwatch(key: string): Stopwatch {
  // biome-ignore lint/correctness/useExhaustiveDependencies: another key stands for another task
  const stopwatch = useMemo(() => new Stopwatch(), [key]);
  useEffect(() => {
    const touch = (): void => stopwatch.touch();
    const show = (): void => stopwatch.show(document.visibilityState === 'visible');
    const signs = ['keydown', 'pointerdown', 'pointermove', 'scroll'] as const;
    for (const sign of signs) addEventListener(sign, touch, { passive: true, capture: true });
    document.addEventListener('visibilitychange', show);
    return () => {
      for (const sign of signs) removeEventListener(sign, touch, { capture: true });
      document.removeEventListener('visibilitychange', show);
    };
  }, [stopwatch]);
  return stopwatch;
}
