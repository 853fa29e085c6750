/** The tasks of an annotator: the next ones are there before they are needed. */
import { post, type TaskView } from '../base/api.ts';

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
}

export class TaskSource {
  private readonly project: string;
  /** How many answers are on their way; the server still counts their tasks as given out. */
  private readonly underWay: () => number;
  private readonly listeners = new Set<() => void>();
  /** Answered, perhaps not yet at the server, which would give them out again. */
  private readonly answered = new Set<string>();
  private current: TaskSourceState = { tasks: [], exhausted: false, loading: false, error: null };

  constructor(project: string, underWay: () => number) {
    this.project = project;
    this.underWay = underWay;
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

  /** Asks for more where few are left. */
  refill(): void {
    if (this.current.tasks.length < low && !this.current.exhausted) void this.fill();
  }

  /** Gives back what is held, but for tasks to keep. Also works while the page is being closed. */
  release(keep: (taskId: string) => boolean): void {
    const taskIds = this.current.tasks.map(({ taskId }) => taskId).filter((id) => !keep(id));
    if (taskIds.length === 0) return;
    this.set({ tasks: this.current.tasks.filter(({ taskId }) => keep(taskId)) });
    void fetch(`/api/label/projects/${encodeURIComponent(this.project)}/release`, {
      method: 'POST',
      keepalive: true,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ taskIds }),
    }).catch(() => undefined); // the lease ends by itself
  }

  async fill(): Promise<void> {
    if (this.current.loading) return;
    this.set({ loading: true, error: null });
    try {
      const limit = Math.min(20, held + this.underWay());
      const path = `/api/label/projects/${encodeURIComponent(this.project)}/claim`;
      const { tasks } = await post<{ tasks: TaskView[] }>(path, { limit });
      const known = new Set(this.current.tasks.map(({ taskId }) => taskId));
      const fresh = tasks.filter(({ taskId }) => !known.has(taskId) && !this.answered.has(taskId));
      this.set({
        tasks: [...this.current.tasks, ...fresh],
        exhausted: tasks.length < limit,
        loading: false,
      });
    } catch (error) {
      this.set({ loading: false, error: error as Error });
    }
  }

  private set(change: Partial<TaskSourceState>): void {
    this.current = { ...this.current, ...change };
    for (const listener of this.listeners) listener();
  }
}
