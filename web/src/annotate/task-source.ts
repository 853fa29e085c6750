/** The tasks of an annotator: the next ones are there before they are needed. */
import { asPerson, post, type TaskView } from '../base/api.ts';
import { isUnreachable, keep, keptBefore } from '../base/kept.ts';

/** So many are held at once. */
const held = 5;
/** More are asked for when so many are left. */
const low = 3;

export interface TaskSourceState {
  readonly tasks: readonly TaskView[];
  /** The server has no more for now. */
  readonly exhausted: boolean;
  readonly loading: boolean;
  readonly error: Error | null;
  /** The server cannot be reached, and the tasks are those that it gave before. */
  readonly fromBefore: boolean;
}

interface TaskSourceOptions {
  readonly project: string;
  /** Whose tasks: people who share a browser keep theirs apart. */
  readonly person: string;
  /** Answers on their way; the server still counts their tasks as given out. */
  readonly underWay: () => readonly { readonly taskId: string }[];
}

export class TaskSource {
  private readonly options: TaskSourceOptions;
  private readonly listeners = new Set<() => void>();
  /** Answered, perhaps not yet at the server, which would give them out again. */
  private readonly answered = new Set<string>();
  private current: TaskSourceState = {
    tasks: [],
    exhausted: false,
    loading: false,
    error: null,
    fromBefore: false,
  };

  constructor(options: TaskSourceOptions) {
    this.options = options;
  }

  get state(): TaskSourceState {
    return this.current;
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Goes on to the next task. */
  done(taskId: string): void {
    this.answered.add(taskId);
    this.set({ exhausted: false, tasks: this.current.tasks.filter((task) => task.taskId !== taskId) });
    this.refill();
  }

  /** Asks for more where few are left, or where the server could not be reached before. */
  refill(): void {
    const { tasks, exhausted, fromBefore } = this.current;
    if (fromBefore || (tasks.length < low && !exhausted)) void this.fill();
  }

  /** Gives back what is held, but for tasks to keep. Also works while the page is being closed. */
  release(isKept: (taskId: string) => boolean): void {
    const taskIds = this.current.tasks.map(({ taskId }) => taskId).filter((id) => !isKept(id));
    if (taskIds.length === 0) return;
    // What was kept stays so: without a connection it is not given back, and can be gone on with.
    this.current = { ...this.current, tasks: this.current.tasks.filter(({ taskId }) => isKept(taskId)) };
    for (const listener of this.listeners) listener();
    void fetch(`/api/label/projects/${encodeURIComponent(this.options.project)}/release`, {
      method: 'POST',
      keepalive: true,
      headers: { 'content-type': 'application/json', ...asPerson(this.options.person) },
      body: JSON.stringify({ taskIds }),
    }).catch(() => undefined); // the lease ends by itself
  }

  async fill(): Promise<void> {
    if (this.current.loading) return;
    this.set({ loading: true, error: null });
    try {
      const limit = Math.min(20, held + this.options.underWay().length);
      const path = `/api/label/projects/${encodeURIComponent(this.options.project)}/claim`;
      const { tasks } = await post<{ tasks: TaskView[] }>(path, { limit }, this.options.person);
      const known = new Set(this.current.tasks.map(({ taskId }) => taskId));
      const fresh = tasks.filter(({ taskId }) => !known.has(taskId) && !this.answered.has(taskId));
      this.set({
        tasks: [...this.current.tasks, ...fresh],
        exhausted: tasks.length < limit,
        loading: false,
        fromBefore: false,
      });
    } catch (error) {
      this.set({ loading: false, error: error as Error, ...(isUnreachable(error) && this.before()) });
    }
  }

  /** What is at hand without a server: what is held, or else what was held when the page was last open. */
  private before(): Partial<TaskSourceState> {
    if (this.current.tasks.length > 0) return { fromBefore: true };
    const sent = new Set(this.options.underWay().map(({ taskId }) => taskId));
    const tasks = (keptBefore<readonly TaskView[]>(this.key) ?? []).filter(
      ({ taskId }) => !sent.has(taskId) && !this.answered.has(taskId),
    );
    return { tasks, fromBefore: tasks.length > 0 };
  }

  private get key(): string {
    return `tasks ${this.options.person} ${this.options.project}`;
  }

  private set(change: Partial<TaskSourceState>): void {
    this.current = { ...this.current, ...change };
    // Before the first answer nothing is known that would be worth more than what was kept.
    if (change.tasks) keep(this.key, this.current.tasks);
    for (const listener of this.listeners) listener();
  }
}
