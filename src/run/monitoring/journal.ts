/**
 * What the monitors of a stage have seen, kept beside its checkpoints, so that a resumed stage is watched as if it had
 * never stopped.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Entry } from '../../monitor/index.ts';
import { JsonLinesWriter, readJsonLines } from '../json-lines.ts';

export class MonitorJournal {
  private readonly path: string;
  private readonly earlier: readonly Entry[];
  private writer: JsonLinesWriter | null = null;

  private constructor(path: string, earlier: readonly Entry[]) {
    this.path = path;
    this.earlier = earlier;
  }

  /** @param resume false: what an earlier start of the stage has left counts for nothing */
  static async open(folder: string, resume: boolean): Promise<MonitorJournal> {
    const path = join(folder, 'monitor.jsonl');
    const { records } = resume ? await readJsonLines(path) : { records: [] };
    return new MonitorJournal(path, records as Entry[]);
  }

  /**
   * Begins at a step. What was seen of it and of later ones is forgotten: the stage goes on from a checkpoint before it
   * and will show it again.
   * @returns what was seen before, oldest first
   */
  begin(step: number): readonly Entry[] {
    const kept = this.earlier.filter((entry) => entry.step < step);
    const temporary = `${this.path}.tmp`;
    writeFileSync(temporary, kept.map((entry) => `${JSON.stringify(entry)}\n`).join(''), { flush: true });
    renameSync(temporary, this.path);
    this.writer = new JsonLinesWriter(this.path);
    return kept;
  }

  /** Adds a line that is on the disk before the checkpoint that counts on it. */
  append(entry: Entry): void {
    this.writer?.append(entry);
    this.writer?.sync();
  }

  close(): void {
    this.writer?.close();
    this.writer = null;
  }
}
