/**
 * Answers on their way to the server. They are written down in the browser before anything else, sent in order, and sent
 * again until the server says that it has them; each carries an id of its own, so the server stores it once.
 */
import { ApiError, OfflineError } from '../base/api.ts';

export interface Letter {
  /** The id of the answer. */
  readonly id: string;
  readonly taskId: string;
  readonly path: string;
  readonly body: unknown;
}

export interface OutboxState {
  readonly waiting: readonly Letter[];
  /** At the last try the server could not be reached, or could not take something. */
  readonly offline: boolean;
  /** What the server refused for good, with why. */
  readonly refused: readonly { readonly letter: Letter; readonly why: string }[];
}

/** The part of the browser's storage that is needed. */
export type Keep = Pick<Storage, 'getItem' | 'setItem'>;

export interface OutboxOptions {
  /** Whose answers: people who share a browser keep theirs apart. */
  readonly person: string;
  readonly send: (letter: Letter) => Promise<unknown>;
  readonly keep: Keep;
  /** Runs one at a time over all tabs. */
  readonly alone?: (work: () => Promise<void>) => Promise<void>;
  readonly retryMs?: readonly number[];
}

const defaultRetryMs = [1000, 2000, 5000, 10_000, 20_000];

export class Outbox {
  private readonly options: OutboxOptions;
  private readonly key: string;
  private readonly listeners = new Set<() => void>();
  private current: OutboxState;
  private sending = false;
  private closed = false;
  private failures = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: OutboxOptions) {
    this.options = options;
    this.key = `tenet outbox ${options.person}`;
    this.current = { waiting: this.read(), offline: false, refused: [] };
  }

  get state(): OutboxState {
    return this.current;
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Takes an answer: from here on it is sent, also after the page is closed and opened again. */
  put(letter: Letter): void {
    this.write([...this.read(), letter]);
    void this.flush();
  }

  /** Sends what waits, now. */
  async flush(): Promise<void> {
    if (this.sending) return;
    this.sending = true;
    clearTimeout(this.timer);
    const alone = this.options.alone ?? ((work) => work());
    try {
      await alone(() => this.sendAll());
    } finally {
      this.sending = false;
    }
    // Something may have come in between.
    if (this.read().length > 0 && !this.current.offline) await this.flush();
  }

  /** Tries nothing again; what is left is sent by the next outbox of the same person. */
  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
  }

  private async sendAll(): Promise<void> {
    /** Tasks with an answer that the server stumbles over: it holds up what follows about the same task, and nothing else. */
    const stuck = new Set<string>();
    for (;;) {
      const letter = this.read().find(({ taskId }) => !stuck.has(taskId));
      if (letter === undefined) break;
      try {
        await this.options.send(letter);
      } catch (error) {
        if (error instanceof ApiError && error.status === 500) {
          stuck.add(letter.taskId);
          continue;
        }
        if (isPassing(error)) {
          this.tell({ offline: true });
          this.retryLater();
          return;
        }
        const refused = [...this.current.refused, { letter, why: (error as Error).message }];
        this.tell({ refused });
      }
      this.write(this.read().filter(({ id }) => id !== letter.id));
      this.failures = 0;
      this.tell({ offline: false });
    }
    this.tell({ offline: stuck.size > 0 });
    if (stuck.size > 0) this.retryLater();
  }

  private retryLater(): void {
    if (this.closed) return;
    const { retryMs = defaultRetryMs } = this.options;
    const wait = retryMs[Math.min(this.failures++, retryMs.length - 1)];
    this.timer = setTimeout(() => void this.flush(), wait);
  }

  /** Always from the storage: another tab may have written. */
  private read(): Letter[] {
    try {
      return JSON.parse(this.options.keep.getItem(this.key) ?? '[]') as Letter[];
    } catch {
      return [];
    }
  }

  private write(waiting: readonly Letter[]): void {
    this.options.keep.setItem(this.key, JSON.stringify(waiting));
    this.tell({ waiting });
  }

  private tell(change: Partial<OutboxState>): void {
    this.current = { ...this.current, ...change };
    for (const listener of this.listeners) listener();
  }
}

/**
 * What may go well at the next try: no connection, a server in trouble, a session that has ended, a word that is not the
 * server's own but of what stands before it.
 */
function isPassing(error: unknown): boolean {
  if (!(error instanceof ApiError)) return error instanceof OfflineError;
  return error.status >= 500 || [401, 429].includes(error.status) || error.code === 'unknown';
}
