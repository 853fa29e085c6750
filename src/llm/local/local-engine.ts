/**
 * A model folder on Tenet's own engine, in a thread of its own, so that the process stays responsive.
 *
 * Whatever is asked at the same time is computed together: a request joins the running batch as soon as there is
 * room and leaves it when it is finished. See docs/decisions/2026-11-26-one-batch-for-all-callers.md.
 */
import type { Worker } from 'node:worker_threads';
import { receivedError, startWorker, TenetError } from '../../base/index.ts';
import type { TextRequest } from '../../model/index.ts';
import { interrupted, onAbort } from '../layers/signals.ts';
import type {
  EngineAnswer,
  EngineFacts,
  EngineJob,
  EngineOptions,
  EngineScores,
  EngineToken,
  FromEngine,
  ToEngine,
} from './protocol.ts';

export interface GenerateCall {
  readonly signal?: AbortSignal;
  /** Told each token as it is chosen. */
  readonly onToken?: (token: EngineToken) => void;
  /** Told each piece of text as soon as it is certain, after the token that made it so. */
  readonly onText?: (piece: string) => void;
}

interface Pending extends GenerateCall {
  readonly resolve: (result: EngineAnswer | EngineScores) => void;
  readonly reject: (error: unknown) => void;
}

export class LocalEngine {
  readonly facts: EngineFacts;
  private readonly worker: Worker;
  private readonly ended: Promise<void>;
  private readonly pending = new Map<number, Pending>();
  private nextId = 0;
  private closed = false;

  private constructor(worker: Worker, ended: Promise<void>, facts: EngineFacts) {
    this.worker = worker;
    this.ended = ended;
    this.facts = facts;
    worker.on('message', (message: FromEngine) => this.take(message));
    worker.on('error', (error) => this.failAll(error));
    worker.on('exit', () => this.failAll(closedError()));
    worker.unref(); // an engine that nobody waits for does not keep the process alive
  }

  /** @throws TenetError('model') when the folder holds no language model */
  static async load(folder: string, options: EngineOptions = {}): Promise<LocalEngine> {
    const job: EngineJob = { folder, options };
    const worker = startWorker(new URL('./engine-thread.ts', import.meta.url), { workerData: job });
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    const facts = await new Promise<EngineFacts>((resolve, reject) => {
      worker.once('message', (message: FromEngine) => {
        if (message.kind === 'ready') resolve(message.facts);
        else if (message.kind === 'unusable') reject(receivedError(message.error));
      });
      worker.once('error', reject);
      worker.once('exit', () =>
        reject(new TenetError('internal', `The engine’s thread for ${folder} ended before it was ready.`)),
      );
    });
    worker.removeAllListeners('error');
    return new LocalEngine(worker, ended, facts);
  }

  /** Requests under way. */
  get load(): number {
    return this.pending.size;
  }

  /**
   * Writes one response.
   * @throws TenetError('usage') for a request that is wrong; TenetError('interrupted') when the signal fires
   */
  generate(request: TextRequest, call: GenerateCall = {}): Promise<EngineAnswer> {
    const follow = call.onToken !== undefined || call.onText !== undefined;
    return this.ask((id) => ({ kind: 'generate', id, request, follow }), call) as Promise<EngineAnswer>;
  }

  /**
   * Log-probabilities of texts as the beginning of the response; the prompt is read once for all of them.
   * @throws as `generate` does
   */
  score(
    request: TextRequest,
    texts: readonly string[],
    call: { readonly signal?: AbortSignal } = {},
  ): Promise<EngineScores> {
    return this.ask((id) => ({ kind: 'score', id, request, texts }), call) as Promise<EngineScores>;
  }

  /** Stops what is under way and frees the model's memory. */
  async close(): Promise<void> {
    if (!this.closed) {
      this.closed = true;
      this.worker.ref();
      // The thread ends by itself: ended from outside in the middle of a computation, it would take the process along.
      this.send({ kind: 'close' });
    }
    await this.ended;
  }

  private async ask(
    message: (id: number) => ToEngine,
    call: GenerateCall,
  ): Promise<EngineAnswer | EngineScores> {
    const { signal } = call;
    if (this.closed) throw closedError();
    if (signal?.aborted) throw interrupted();
    const id = this.nextId++;
    const forget = onAbort(signal, () => {
      this.send({ kind: 'cancel', id });
      this.settle(id)?.reject(interrupted());
    });
    try {
      return await new Promise<EngineAnswer | EngineScores>((resolve, reject) => {
        this.pending.set(id, { ...call, resolve, reject });
        this.worker.ref();
        this.send(message(id));
      });
    } finally {
      forget();
    }
  }

  private send(message: ToEngine): void {
    this.worker.postMessage(message);
  }

  private take(message: FromEngine): void {
    if (message.kind === 'token') this.pending.get(message.id)?.onToken?.(message.token);
    else if (message.kind === 'text') this.pending.get(message.id)?.onText?.(message.piece);
    else if (message.kind === 'done') this.settle(message.id)?.resolve(message.result);
    else if (message.kind === 'failed') this.settle(message.id)?.reject(receivedError(message.error));
  }

  /** Takes a request off the list. */
  private settle(id: number): Pending | undefined {
    const pending = this.pending.get(id);
    this.pending.delete(id);
    if (this.pending.size === 0 && !this.closed) this.worker.unref();
    return pending;
  }

  private failAll(error: unknown): void {
    this.closed = true;
    for (const { reject } of this.pending.values()) reject(error);
    this.pending.clear();
  }
}

function closedError(): TenetError {
  return new TenetError('internal', 'The local model was closed while it was in use.');
}
