/** What happens in a run, as it happens: one set of eyes on its files, however many look on. */
import { join } from 'node:path';
import type { EventRecord, WarningRecord } from '../../run/index.ts';
import type { RunSummary, RunsFolder } from './runs-folder.ts';
import { FileTail } from './tail-file.ts';

/** What those who look on are told; `reset` comes first whenever everything is sent anew. */
export type RunMessage =
  | { readonly kind: 'reset' }
  | { readonly kind: 'events'; readonly events: readonly EventRecord[] }
  | { readonly kind: 'warnings'; readonly warnings: readonly WarningRecord[] }
  | { readonly kind: 'summary'; readonly summary: RunSummary };

type Listener = (message: RunMessage) => void;

const lookEveryMs = 500;

export class RunStreams {
  private readonly runs: RunsFolder;
  private readonly streams = new Map<string, RunStream>();

  constructor(runs: RunsFolder) {
    this.runs = runs;
  }

  /** Tells everything so far and then what comes, until the signal. @throws HttpError when there is no such run */
  async follow(name: string, listener: Listener, signal: AbortSignal): Promise<void> {
    const folder = await this.runs.folderOf(name);
    if (signal.aborted) return;
    let stream = this.streams.get(name);
    if (!stream) {
      stream = new RunStream(folder, () => this.runs.summary(name));
      this.streams.set(name, stream);
    }
    const leave = stream.join(listener);
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    leave();
    if (stream.listeners === 0 && this.streams.get(name) === stream) this.streams.delete(name);
  }
}

class RunStream {
  private readonly folder: string;
  private readonly readSummary: () => Promise<RunSummary>;
  private readonly present = new Set<Listener>();
  private events: FileTail;
  private warnings: FileTail;
  private pastEvents: EventRecord[] = [];
  private pastWarnings: WarningRecord[] = [];
  private lastSummary: RunSummary | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(folder: string, readSummary: () => Promise<RunSummary>) {
    this.folder = folder;
    this.readSummary = readSummary;
    this.events = new FileTail(join(folder, 'events.jsonl'));
    this.warnings = new FileTail(join(folder, 'warnings.jsonl'));
  }

  get listeners(): number {
    return this.present.size;
  }

  join(listener: Listener): () => void {
    listener({ kind: 'reset' });
    if (this.lastSummary) listener({ kind: 'summary', summary: this.lastSummary });
    if (this.pastEvents.length > 0) listener({ kind: 'events', events: this.pastEvents });
    if (this.pastWarnings.length > 0) listener({ kind: 'warnings', warnings: this.pastWarnings });
    this.present.add(listener);
    if (this.present.size === 1) this.look();
    return () => {
      this.present.delete(listener);
      if (this.present.size === 0) clearTimeout(this.timer);
    };
  }

  private look(): void {
    this.readOnce()
      // A file that cannot be read now may be readable at the next look; a run that was deleted stays silent.
      .catch(() => undefined)
      .finally(() => {
        if (this.present.size > 0) this.timer = setTimeout(() => this.look(), lookEveryMs);
      });
  }

  private async readOnce(): Promise<void> {
    const [events, warnings] = await Promise.all([this.events.read(), this.warnings.read()]);
    if (events.restarted || warnings.restarted) {
      this.events = new FileTail(join(this.folder, 'events.jsonl'));
      this.warnings = new FileTail(join(this.folder, 'warnings.jsonl'));
      this.pastEvents = [];
      this.pastWarnings = [];
      this.tell({ kind: 'reset' });
      return this.readOnce();
    }
    const [newEvents, newWarnings] = [events.records as EventRecord[], warnings.records as WarningRecord[]];
    this.pastEvents.push(...newEvents);
    this.pastWarnings.push(...newWarnings);
    if (newEvents.length > 0) this.tell({ kind: 'events', events: newEvents });
    if (newWarnings.length > 0) this.tell({ kind: 'warnings', warnings: newWarnings });
    const summary = await this.readSummary();
    if (JSON.stringify(summary) !== JSON.stringify(this.lastSummary)) {
      this.lastSummary = summary;
      this.tell({ kind: 'summary', summary });
    }
  }

  private tell(message: RunMessage): void {
    for (const listener of this.present) listener(message);
  }
}
