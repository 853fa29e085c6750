/**
 * Requests that come at any time, decoded together.
 *
 * A request joins the batch that is running as soon as there is room, and leaves it when it is finished or its
 * signal fires or a listener of its own throws. What it gets does not depend on its company, but for the rounding that
 * `Generator` tells of.
 */
import { TenetError } from '../../base/index.ts';
import { ActiveSequence } from './active-sequence.ts';
import { DecodeBatch, type Engine } from './decode-batch.ts';
import type { Generation, GenerationEvents, GenerationRequest } from './generation.ts';
import { PromptReader } from './prompt-reader.ts';

/** Rows and tokens that a batch has room for at first; it grows when more is needed. */
const firstRoom = { rows: 8, slots: 64 };

interface Job {
  readonly reject: (error: unknown) => void;
  readonly signal: AbortSignal | undefined;
  /** True: a listener of the request threw, and nobody waits for it any more. */
  hasFailed: boolean;
}

export class GenerationQueue {
  private readonly engine: Engine;
  /** Outlives batches, and with it what prompts begin with. */
  private readonly reader: PromptReader;
  /** Not finished yet. */
  private readonly jobs = new Map<ActiveSequence, Job>();
  private waiting: ActiveSequence[] = [];
  private running: Promise<void> | null = null;

  constructor(engine: Engine) {
    this.engine = engine;
    this.reader = new PromptReader(engine, { reusePrefixes: true });
  }

  /** Requests that are waiting or being decoded. */
  get size(): number {
    return this.jobs.size;
  }

  /**
   * Adds a request.
   * @throws TenetError('usage') for a request that is wrong; TenetError('interrupted') when the signal fires
   */
  async add(
    request: GenerationRequest,
    options: Omit<GenerationEvents, 'onFinish'> & { readonly signal?: AbortSignal } = {},
  ): Promise<Generation> {
    const { signal, onToken, onPrompt, onRead } = options;
    const { shouldStop } = request;
    if (signal?.aborted) throw interrupted();
    return new Promise<Generation>((resolve, reject) => {
      const job: Job = { reject, signal, hasFailed: false };
      /** What a listener throws is its own request's failure, and none of the others'. */
      const guarded =
        <Told extends unknown[], Answer>(listener: (...told: Told) => Answer) =>
        (...told: Told): Answer | undefined => {
          try {
            return listener(...told);
          } catch (error) {
            job.hasFailed = true;
            reject(error);
            return undefined;
          }
        };
      const events: GenerationEvents = {
        onToken: onToken && guarded(onToken),
        onPrompt: onPrompt && guarded(onPrompt),
        onRead: onRead && guarded(onRead),
        onFinish: (generation) => {
          this.jobs.delete(sequence);
          resolve(generation);
        },
      };
      const stops = shouldStop && guarded(shouldStop);
      const asked = stops ? { ...request, shouldStop: (id: number) => stops(id) ?? false } : request;
      const sequence = new ActiveSequence(asked, this.engine, events, 'Generation request');
      this.jobs.set(sequence, job);
      this.waiting.push(sequence);
      this.running ??= this.run();
    });
  }

  /** Waits until nothing runs any more; whoever stops a queue aborts its requests first. */
  async idle(): Promise<void> {
    await this.running;
  }

  private async run(): Promise<void> {
    // Requests of the same moment are read together.
    await new Promise((resolve) => setImmediate(resolve));
    const batch = new DecodeBatch(this.engine, this.reader);
    try {
      while (true) {
        this.dropUnwanted(batch);
        if (batch.hasRoomFor(this.waiting)) await batch.admit(this.waiting, firstRoom);
        else if (batch.size > 0) await batch.step();
        else break;
      }
    } catch (error) {
      // The engine failed; the batch is lost, but not the queue.
      for (const { reject } of this.jobs.values()) reject(error);
      this.jobs.clear();
      this.waiting = [];
    }
    this.running = null;
  }

  /** Takes out the requests that nobody waits for. */
  private dropUnwanted(batch: DecodeBatch): void {
    const unwanted = new Set<ActiveSequence>();
    for (const [sequence, { signal, reject, hasFailed }] of this.jobs) {
      if (!hasFailed && !signal?.aborted) continue;
      unwanted.add(sequence);
      reject(interrupted()); // unless it was rejected before
    }
    if (unwanted.size === 0) return;
    for (const sequence of unwanted) this.jobs.delete(sequence);
    this.waiting = this.waiting.filter((sequence) => !unwanted.has(sequence));
    batch.drop((sequence) => unwanted.has(sequence));
  }
}

function interrupted(): TenetError {
  return new TenetError('interrupted', 'Generation was interrupted.');
}
