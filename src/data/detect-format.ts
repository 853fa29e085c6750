/** Finds out which format a file's rows have. */
import { RECORD_FORMATS, type RecordFormat } from './record.ts';

/** Field names → format; a row has the first format all of whose fields it has. */
const KEY_FIELDS: Readonly<Record<RecordFormat, readonly string[]>> = {
  ranking: ['prompt', 'responses', 'ranks'],
  'stepwise-supervision': ['prompt', 'completions', 'labels'],
  'unpaired-preference': ['prompt', 'completion', 'label'],
  preference: ['prompt', 'chosen', 'rejected'],
  'sharegpt-preference': ['conversations', 'chosen', 'rejected'],
  'hh-transcript': ['chosen', 'rejected'],
  'implicit-preference': ['chosen', 'rejected'],
  'labelled-messages': ['messages', 'label'],
  'prompt-responses': ['prompt', 'responses'],
  'prompt-completion': ['prompt', 'completion'],
  alpaca: ['instruction', 'output'],
  'output-pair': ['input', 'output_1', 'output_2', 'label'],
  'seed-task': ['instruction', 'instances'],
  sharegpt: ['conversations'],
  'language-modeling': ['text'],
  'prompt-only': ['prompt'],
};

/** The format of one row by its fields, or null when it has none of the known sets of fields. */
export function formatOfRow(row: unknown): RecordFormat | null {
  if (typeof row !== 'object' || row === null || Array.isArray(row)) return null;
  const has = (field: string) => (row as Record<string, unknown>)[field] !== undefined;
  for (const format of RECORD_FORMATS) {
    if (format === 'hh-transcript' && !looksLikeTranscript((row as Record<string, unknown>).chosen)) continue;
    if (KEY_FIELDS[format].every(has) || (format === 'language-modeling' && has('messages'))) return format;
  }
  return null;
}

function looksLikeTranscript(value: unknown): boolean {
  return typeof value === 'string' && /^\s*Human:/.test(value);
}

/**
 * The format that most of the given rows have; of equally frequent ones the first seen.
 * @returns null when no row has a known format.
 */
export function detectFormat(rows: readonly unknown[]): RecordFormat | null {
  const counts = new Map<RecordFormat, number>();
  for (const row of rows) {
    const format = formatOfRow(row);
    if (format) counts.set(format, (counts.get(format) ?? 0) + 1);
  }
  let best: RecordFormat | null = null;
  for (const [format, count] of counts) if (best === null || count > counts.get(best)!) best = format;
  return best;
}
