/**
 * Writes that come in together go to disk together: one flush for all that waited while the last one ran.
 *
 * Flushing is what a durable write costs, a few milliseconds whatever its size; this way fifty people who submit at
 * once wait for one flush and not for fifty.
 */
import type { Transaction } from 'kysely';
import type { Database } from './database.ts';
import type { Tables } from './tables.ts';

/** What became of one write; a refusal leaves the others as they are. */
export type Outcome<Answer> = { readonly answer: Answer } | { readonly refusal: Error };

interface Waiting<Write, Answer> {
  readonly write: Write;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

export class GroupCommit<Write, Answer> {
  private readonly database: Database;
  private readonly sizeOf: (write: Write) => number;
  private readonly apply: (
    transaction: Transaction<Tables>,
    writes: readonly Write[],
  ) => Promise<readonly Outcome<Answer>[]>;
  private readonly waiting: Waiting<Write, Answer>[] = [];
  private running: Promise<void> | null = null;

  /**
   * @param apply  carries out several writes in one transaction; gives one outcome each
   * @param sizeOf rows of a write; together at most `maxRows` or one write
   */
  constructor(
    database: Database,
    apply: GroupCommit<Write, Answer>['apply'],
    sizeOf: (write: Write) => number = () => 1,
  ) {
    this.database = database;
    this.apply = apply;
    this.sizeOf = sizeOf;
  }

  /** Carries out a write; resolves when it is on disk. */
  submit(write: Write): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ write, resolve, reject });
      this.running ??= this.drain();
    });
  }

  /** Resolves when everything submitted so far has been answered. */
  async settled(): Promise<void> {
    await this.running;
  }

  private async drain(): Promise<void> {
    while (this.waiting.length > 0) {
      const group = this.takeGroup();
      try {
        const outcomes = await this.database.write((transaction) =>
          this.apply(
            transaction,
            group.map(({ write }) => write),
          ),
        );
        for (const [i, outcome] of outcomes.entries()) {
          if ('answer' in outcome) group[i].resolve(outcome.answer);
          else group[i].reject(outcome.refusal);
        }
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    // In one step with the look at what waits: a write that comes in between would wait for ever.
    this.running = null;
  }

  /** The writes that waited longest, as many as one transaction takes; at least one. */
  private takeGroup(): Waiting<Write, Answer>[] {
    let count = 0;
    for (let rows = 0; count < this.waiting.length; count++) {
      rows += this.sizeOf(this.waiting[count].write);
      if (rows > maxRows && count > 0) break;
    }
    return this.waiting.splice(0, count);
  }
}

/** So that a queue that has grown long is acknowledged bit by bit. */
const maxRows = 1000;
