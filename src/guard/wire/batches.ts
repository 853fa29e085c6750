/** Reads ahead while what was read is worked on, and hands over all that has come meanwhile at once. */

/**
 * @param mostWaiting items read ahead; then the source waits, and so does who sends
 * @param stop        called when nobody wants more, so that a read under way ends
 */
export async function* batchesOf<T>(
  source: AsyncIterable<readonly T[]>,
  mostWaiting: number,
  stop: () => void,
): AsyncGenerator<T[], void, undefined> {
  let waiting: T[] = [];
  let ended: { readonly error?: unknown } | null = null;
  let isStopped = false;
  let wake = (): void => {};
  let goOn = (): void => {};
  void (async () => {
    try {
      for await (const items of source) {
        if (isStopped) return;
        for (const item of items) waiting.push(item);
        wake();
        if (waiting.length >= mostWaiting) await new Promise<void>((resolve) => (goOn = resolve));
      }
      ended = {};
    } catch (error) {
      ended = { error };
    } finally {
      wake();
    }
  })();
  try {
    for (;;) {
      if (waiting.length > 0) {
        const batch = waiting;
        waiting = [];
        goOn();
        yield batch;
      } else if (ended !== null) {
        if ('error' in ended) throw (ended as { error: unknown }).error;
        return;
      } else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    isStopped = true;
    stop();
    goOn();
  }
}
