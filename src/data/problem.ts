/** What is wrong with a row of a data file, and how many such rows are told of. */
import { TenetError } from '../base/index.ts';

export interface Problem {
  readonly file: string;
  /** Line of the file on which the row starts, from 1; in a JSON array the number of the item, from 1. */
  readonly line: number;
  /** What `line` counts. */
  readonly unit: 'line' | 'item';
  /** Path of the field inside the row, such as `messages[2].content`; '' for the row as a whole. */
  readonly field: string;
  /** What is wrong, and the rule. */
  readonly problem: string;
}

/** Most problems kept in memory; beyond it they are only counted. */
const KEPT = 10_000;

/** Problems printed in one error message by default; the rest are counted. */
const PRINTED = 20;

/** Collects problems, so that all are reported at once. */
export class ProblemList {
  /** The first 10,000. */
  readonly kept: Problem[] = [];
  /** All of them, kept or not. */
  count = 0;

  add(problem: Problem): void {
    this.count++;
    if (this.kept.length < KEPT) this.kept.push(problem);
  }

  /** One error that names every problem (printing the first `limit`). */
  toError(file: string, badRows: number, advice: string): TenetError {
    const head = `${file}: ${badRows} bad ${badRows === 1 ? 'row' : 'rows'}`;
    return new TenetError('data', `${head}\n${formatProblems(this.kept, this.count)}\n${advice}`, {
      details: { file, badRows, problems: this.kept },
    });
  }
}

/** One line per problem: `file:line field: problem`. */
export function formatProblems(
  problems: readonly Problem[],
  count: number = problems.length,
  limit: number = PRINTED,
): string {
  const lines = problems
    .slice(0, limit)
    .map((p) => `  ${placeOf(p)}${p.field ? ` ${p.field}` : ''}: ${p.problem}`);
  if (count > lines.length) lines.push(`  … and ${count - lines.length} more`);
  return lines.join('\n');
}

/** `file:12` for a line, `file[12]` for an item of a JSON array. */
export function placeOf(place: Pick<Problem, 'file' | 'line' | 'unit'>): string {
  return place.unit === 'line' ? `${place.file}:${place.line}` : `${place.file}[${place.line}]`;
}
