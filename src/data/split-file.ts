/** Splits a data file into parts such as train and test, with no prompt in two of them. */
import { createHash } from 'node:crypto';
import { TenetError } from '../base/index.ts';
import { type Example, examplesOf } from './example.ts';
import { contentText } from './example-text.ts';
import { textOf } from './hh-transcript.ts';
import { type ReadOptions, readRecords } from './read-records.ts';
import type { Content } from './record.ts';
import { RecordWriter } from './write-records.ts';

export interface SplitPart {
  /** Name for the report, such as 'train'. */
  name: string;
  /** Share of the groups, in (0, 1]. The shares of all parts sum to 1. */
  fraction: number;
  /** File to write (.jsonl, .json or .csv, each also .gz, or .parquet). */
  path: string;
}

export interface SplitOptions extends ReadOptions {
  parts: readonly SplitPart[];
  /** Another seed gives another split. Default 0. */
  seed?: number;
  /** 'prompt' (default): rows with the same first user turn or prompt stay together. 'row': each for itself. */
  groupBy?: 'prompt' | 'row';
}

export interface SplitReport {
  rowsRead: number;
  badRows: number;
  parts: { name: string; path: string; fraction: number; rows: number }[];
}

/**
 * Splits by a hash of seed and prompt, so that the part of a row depends on nothing but its prompt: the split is the
 * same for any order of rows, and rows added later do not move others. Sizes come out near the fractions, not exact.
 * Rows are written as they were read. The parts appear together, when all went well.
 */
export async function splitFile(input: string, options: SplitOptions): Promise<SplitReport> {
  checkParts(options.parts);
  const { parts, seed = 0, groupBy = 'prompt' } = options;
  const rows = readRecords(input, options);
  const writers: RecordWriter[] = [];
  try {
    for (const part of parts) writers.push(await RecordWriter.open(part.path));
    for await (const row of rows) {
      const [example] = examplesOf(row.record, row.format);
      const key = groupBy === 'prompt' ? groupKey(example) : JSON.stringify(row.record);
      await writers[partOf(uniformHash(`${seed}\n${key}`), parts)].write(row.record);
    }
    for (const writer of writers) await writer.finish();
  } catch (error) {
    for (const writer of writers) await writer.abort();
    throw error;
  }
  for (const [i, writer] of writers.entries()) {
    try {
      await writer.publish();
    } catch (error) {
      for (const other of writers.slice(i + 1)) await other.abort();
      throw error;
    }
  }
  return {
    rowsRead: rows.summary.rows,
    badRows: rows.summary.badRows,
    parts: parts.map((part, i) => ({ ...part, rows: writers[i].count })),
  };
}

/**
 * What rows must share to stay together: the first user message of a conversation, so that longer and shorter
 * versions of one conversation are one group; or the prompt, or the text where there is none. Without a prompt it is what
 * answers it: rows that have none are not all alike.
 */
export function groupKey(example: Example): string {
  return promptKey(example) || responsesOf(example).map(contentText).join('\n').trim();
}

function responsesOf(example: Example): readonly Content[] {
  switch (example.kind) {
    case 'completion':
      return [example.completion];
    case 'ranking':
      return example.responses;
    case 'steps':
      return example.completions;
    default:
      return [];
  }
}

function promptKey(example: Example): string {
  if (example.kind === 'text') return example.text.trim();
  const content: Content = example.kind === 'chat' ? example.messages : example.prompt;
  if (typeof content === 'string') return content.trim();
  const first = content.find((message) => message.role === 'user') ?? content[0];
  return first ? textOf(first).trim() : '';
}

function checkParts(parts: readonly SplitPart[]): void {
  const sum = parts.reduce((total, part) => total + part.fraction, 0);
  const names = parts.map((part) => `${part.name}=${part.fraction}`).join(', ');
  if (parts.length < 2)
    throw new TenetError('usage', `A split needs at least two parts; got ${names || 'none'}.`);
  if (parts.some((part) => !(part.fraction > 0)) || Math.abs(sum - 1) > 1e-9) {
    throw new TenetError('usage', `The fractions must be above 0 and sum to 1; got ${names} (sum ${sum}).`);
  }
  const paths = new Set(parts.map((part) => part.path));
  if (paths.size !== parts.length)
    throw new TenetError('usage', 'Two parts would be written to the same file.');
}

/** A number in [0, 1) that depends on the text alone (the first 48 bits of its SHA-256). */
function uniformHash(text: string): number {
  return createHash('sha256').update(text).digest().readUIntBE(0, 6) / 2 ** 48;
}

function partOf(position: number, parts: readonly SplitPart[]): number {
  let end = 0;
  for (let i = 0; i < parts.length - 1; i++) {
    end += parts[i].fraction;
    if (position < end) return i;
  }
  return parts.length - 1;
}
