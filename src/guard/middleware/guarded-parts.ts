/** A stream of parts of any form under guard: what is cleared comes out; when it is blocked, the refusal follows. */
import type { GuardedAnswer } from '../enforce/guarded-answer.ts';
import { batchesOf } from '../wire/batches.ts';

export interface PartsOptions<T> {
  readonly source: ReadableStream<T>;
  readonly answer: GuardedAnswer<T>;
  /** What a part says. `ahead`: it waits for what comes next, as the end of the answer does; null: it is left out. */
  readonly read: (part: T) => { readonly text: string; readonly ahead?: boolean } | null;
  /** The refusal, after what has left already. */
  readonly refuse: (left: readonly T[]) => readonly T[];
  /** Ends the work of whoever writes. */
  readonly stop?: () => void;
}

/** Parts read ahead while earlier ones are screened. */
const mostWaiting = 1024;

/** @throws ScreeningFailure where failures close; what the source throws */
export async function* guardedParts<T>(
  options: PartsOptions<T>,
): AsyncGenerator<readonly T[], void, undefined> {
  const { answer, read, refuse } = options;
  const reader = options.source.getReader();
  const stop = (): void => {
    options.stop?.();
    reader.cancel().catch(() => {});
  };
  /** Parts that have begun something which a refusal may have to end. */
  const left: T[] = [];
  async function* parts(): AsyncGenerator<readonly T[]> {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield [value];
    }
  }
  for await (const batch of batchesOf(parts(), mostWaiting, stop)) {
    const pieces = batch.flatMap((item) => {
      const said = read(item);
      return said === null ? [] : [{ item, ...said }];
    });
    const out = await answer.add(pieces);
    left.push(...out);
    if (out.length > 0) yield out;
    if (answer.isBlocked) break;
  }
  if (!answer.isBlocked) {
    const out = await answer.end();
    left.push(...out);
    if (out.length > 0) yield out;
  }
  if (answer.isBlocked) yield refuse(left);
}

/** Batches as a stream, one value at a time, made only as they are asked for. */
export function streamOf<T>(
  batches: AsyncGenerator<readonly T[], void, undefined>,
  onEnd: (how: 'done' | 'cancelled' | { readonly error: unknown }) => readonly T[] | undefined,
): ReadableStream<T> {
  return new ReadableStream<T>(
    {
      async pull(controller) {
        try {
          const { done, value } = await batches.next();
          if (!done) {
            for (const part of value) controller.enqueue(part);
            return;
          }
          onEnd('done');
        } catch (error) {
          for (const part of onEnd({ error }) ?? []) controller.enqueue(part);
        }
        controller.close();
      },
      async cancel() {
        onEnd('cancelled');
        await batches.return();
      },
    },
    { highWaterMark: 0 },
  );
}
