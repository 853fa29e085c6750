/** Follows a file of JSON lines as it grows. */
import { open } from 'node:fs/promises';

/** What came since the last look. */
export interface TailPart {
  readonly records: readonly unknown[];
  /** The file was begun anew: what was read before no longer counts. */
  readonly restarted: boolean;
}

const mostBytesAtOnce = 8 * 2 ** 20;

export class FileTail {
  private readonly path: string;
  private offset = 0;

  constructor(path: string) {
    this.path = path;
  }

  /** Whole lines since the last call; a line that is still being written waits for the next. */
  async read(): Promise<TailPart> {
    let file: Awaited<ReturnType<typeof open>>;
    try {
      file = await open(this.path, 'r');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      const restarted = this.offset > 0;
      this.offset = 0;
      return { records: [], restarted };
    }
    try {
      const { size } = await file.stat();
      // A resumed run cuts off at most an unfinished line, which was never read.
      const restarted = size < this.offset;
      if (restarted) this.offset = 0;
      const length = Math.min(size - this.offset, mostBytesAtOnce);
      if (length === 0) return { records: [], restarted };
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, this.offset);
      const end = buffer.subarray(0, bytesRead).lastIndexOf(0x0a) + 1;
      this.offset += end;
      return { records: parseLines(buffer.toString('utf8', 0, end)), restarted };
    } finally {
      await file.close();
    }
  }
}

function parseLines(text: string): unknown[] {
  return text.split('\n').flatMap((line) => {
    if (line === '') return [];
    try {
      return [JSON.parse(line)];
    } catch {
      return []; // a damaged line; the report names it
    }
  });
}
