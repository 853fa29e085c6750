/** A stream of parts of any form under guard: what is cleared comes out; when it is blocked, the refusal follows. */
import type { GuardedAnswer } from '../enforce/guarded-answer.ts';
import { batchesOf } from '../wire/batches.ts';

export interface PartsOptions<T> {
  /** What is written, also to be cancelled where nobody wants more. */
  readonly source: ReadableStreamDefaultReader<T>;
  readonly answer: GuardedAnswer<T>;
  /** What a part says. `ahead`: it waits for what comes next, as the end of the answer does; null: it is left out. */
  readonly read: (part: T) => { readonly text: string; readonly ahead?: boolean } | null;
  /** The refusal, after what has left already. */
  readonly refuse: (left: readonly T[]) => readonly T[];
}

/** Parts read ahead while earlier ones are screened. */
const mostWaiting = 1024;

/** @throws ScreeningFailure where failures close; what the source throws */
export async function* guardedParts<T>(
  options: PartsOptions<T>,
): AsyncGenerator<readonly T[], void, undefined> {
  const { source, answer, read, refuse } = options;
  /** Parts that have begun something which a refusal may have to end. */
  const left: T[] = [];
  async function* parts(): AsyncGenerator<readonly T[]> {
    for (;;) {
      const { done, value } = await source.read();
      if (done) return;
      yield [value];
    }
  }
  for await (const batch of batchesOf(parts(), mostWaiting, () => cancel(source))) {
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

export interface StreamOptions<T> {
  /** @returns what is sent last */
  readonly onEnd: (how: 'done' | 'cancelled' | { readonly error: unknown }) => readonly T[] | undefined;
  /** What the batches are made of: cancelled with the stream, since nothing else ends the wait for its next part. */
  readonly source: ReadableStreamDefaultReader<unknown>;
}

/** Batches as a stream, one value at a time, made only as they are asked for. */
export function streamOf<T>(
  batches: AsyncGenerator<readonly T[], void, undefined>,
  { onEnd, source }: StreamOptions<T>,
): ReadableStream<T> {
  let isCancelled = false;
  return new ReadableStream<T>(
    {
      async pull(controller) {
        try {
          const { done, value } = await batches.next();
          if (isCancelled) return;
          if (!done) {
            for (const part of value) controller.enqueue(part);
            return;
          }
          onEnd('done');
        } catch (error) {
          if (isCancelled) return;
          for (const part of onEnd({ error }) ?? []) controller.enqueue(part);
        }
        controller.close();
      },
      async cancel() {
        isCancelled = true;
        onEnd('cancelled');
        cancel(source);
        await batches.return();
      },
    },
    { highWaterMark: 0 },
  );
}

/** Ends the work of whoever writes; a read under way ends too. */
function cancel(source: ReadableStreamDefaultReader<unknown>): void {
  source.cancel().catch(() => {});
}
