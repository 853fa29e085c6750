/** Answers that are kept: no question is paid for twice, however often a job is interrupted. */
import { canonicalJson, hashOf, type Json } from '../../base/index.ts';
import type { CallCache } from '../../store/index.ts';
import type { CallOptions, LanguageModel } from '../language-model.ts';
import { type Answered, type Question, withLayer } from './layer.ts';
import { interrupted, onAbort } from './signals.ts';

/** What the key of an answer is made of; another number when the meaning of a request changes. */
const keyVersion = 1;

/**
 * The key of a question: a hash of the model's id and of everything that decides the answer, with defaults filled in.
 */
export function cacheKey(model: string, { kind, request }: Question): string {
  const defaults = kind === 'chat' ? { maxTokens: 512, stop: [] } : { votes: 5 };
  const whole = { temperature: 1, topP: 1, ...defaults, ...given(request) };
  return hashOf(canonicalJson({ version: keyVersion, kind, model, request: whole }));
}

/** A question that is being asked, and how many wait for the answer. */
interface Asking {
  readonly answer: Promise<Answered>;
  readonly controller: AbortController;
  waiting: number;
}

/**
 * The model with its answers kept. The same question asked again while it is being answered is asked once; it is
 * interrupted when all who wait for it are.
 */
export function cachedModel(model: LanguageModel, cache: CallCache): LanguageModel {
  const underWay = new Map<string, Asking>();
  return withLayer(
    model,
    async <Answer extends Answered>(
      question: Question,
      ask: (options: CallOptions) => Promise<Answer>,
      { signal, onText }: CallOptions,
    ): Promise<Answer> => {
      if (signal?.aborted) throw interrupted();
      const key = cacheKey(model.id, question);
      const other = underWay.get(key);
      if (other && !other.controller.signal.aborted) {
        return fromCache((await waitFor(other, signal)) as Answer);
      }
      const controller = new AbortController();
      const answer = lookUp(key, () => ask({ signal: controller.signal, onText }));
      const own: Asking = { answer, controller, waiting: 0 };
      underWay.set(key, own);
      const forget = (): void => {
        if (underWay.get(key) === own) underWay.delete(key);
      };
      answer.then(forget, forget);
      return (await waitFor(own, signal)) as Answer;
    },
  );

  async function lookUp<Answer extends Answered>(key: string, ask: () => Promise<Answer>): Promise<Answer> {
    const stored = await cache.get(key);
    if (stored !== null) return fromCache(stored as unknown as Answer);
    const answer = await ask();
    const { inputTokens, outputTokens, costUsd, latencyMs } = answer.usage;
    const meta = { model: model.id, inputTokens, outputTokens, costUsd, latencyMs };
    const kept = await cache.put(key, answer as unknown as Json, meta);
    // Another process may have been first; its answer holds for everyone, though ours was paid for too.
    return { ...(kept as unknown as Answer), usage: answer.usage };
  }
}

/**
 * The answer. When the signal fires, whoever waits with others goes away, and whoever waits alone passes the signal on
 * and still takes the answer if it comes: it is paid for.
 */
async function waitFor(asking: Asking, signal: AbortSignal | undefined): Promise<Answered> {
  asking.waiting++;
  let forget = (): void => {};
  try {
    return await new Promise<Answered>((resolve, reject) => {
      forget = onAbort(signal, () => {
        // Counted at once: one signal may send all of them away.
        asking.waiting--;
        if (asking.waiting === 0) asking.controller.abort();
        else reject(interrupted());
      });
      asking.answer.then(resolve, reject);
    });
  } finally {
    forget();
    if (!signal?.aborted) asking.waiting--;
  }
}

function fromCache<Answer extends Answered>(answer: Answer): Answer {
  return { ...answer, usage: { ...answer.usage, latencyMs: 0, cached: true } };
}

/** What was given; an option set to undefined is one left out. */
function given(request: object): object {
  return Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined));
}
