/** Examines a data file before it is trained on: format, sizes, repetitions, leaks, and every problem. */
import { TenetError } from '../base/index.ts';
import type { Tokenizer } from '../text/index.ts';
import { checkExample, type ProblemKind } from './check-example.ts';
import { Encoder } from './encode.ts';
import { type Example, examplesOf } from './example.ts';
import { comparedText, contentText, partsOf } from './example-text.ts';
import { FingerprintSet } from './fingerprint-set.ts';
import { NearDuplicateIndex } from './near-duplicates.ts';
import type { Problem } from './problem.ts';
import { LengthList, type LengthSummary } from './quantiles.ts';
import { type ReadOptions, type Row, readRecords } from './read-records.ts';
import type { Container } from './read-rows.ts';
import type { RecordFormat } from './record.ts';

export interface CheckOptions extends Pick<ReadOptions, 'format' | 'fields'> {
  /** Measures lengths in its tokens, as training would encode the rows. Default: words. */
  tokenizer?: Tokenizer;
  /** Counts what is longer than this, prompt and response together; in tokens (words without tokenizer). */
  maxLength?: number;
  /** True: texts go through the chat template as one user message and one answer. Default false. */
  wrapInChat?: boolean;
  /** A file that must not share prompts with this one, usually the test set; `fields` hold for it too. It is held in memory. */
  against?: string;
  /** Similarity from which two prompts count as nearly the same: Jaccard over runs of 3 words. Default 0.8. */
  similarity?: number;
}

/** A problem and what it is about. */
export interface CheckProblem extends Problem {
  readonly kind: ProblemKind;
}

export interface FileReport {
  file: string;
  container: Container | null;
  format: RecordFormat | null;
  /** Rows in the file, good and bad. */
  rows: number;
  badRows: number;
  /** Examples that are lists of messages; the others are texts. */
  conversational: number;
  /** Unit of the lengths. */
  unit: 'tokens' | 'words';
  /** Lengths of prompts, of single responses, and of prompt and response together (or of texts). */
  lengths: { prompt: LengthSummary; response: LengthSummary; whole: LengthSummary };
  /** The problems, at most 10,000; `counts` has them all. */
  problems: CheckProblem[];
  counts: Partial<Record<ProblemKind, number>>;
  /** Set when a length was given. */
  truncation?: { maxLength: number; tooLong: number; responseLost: number };
  /** Set when compared to another file: rows whose prompt occurs there, word for word or nearly. */
  against?: { file: string; rows: number; exact: number; near: number };
}

/** Most problems kept. */
const KEPT = 10_000;

/** Examines a file; problems are in the report, and only unreadable files are errors. Memory does not grow with texts. */
export async function checkFile(path: string, options: CheckOptions = {}): Promise<FileReport> {
  return new FileChecker(path, options).run();
}

class FileChecker {
  private readonly options: CheckOptions;
  private readonly rows;
  private readonly encoder: Encoder | null;
  private readonly specialTokens: string[];
  private readonly lengths = {
    prompt: new LengthList(),
    response: new LengthList(),
    whole: new LengthList(),
  };
  private readonly seen = new FingerprintSet();
  private readonly problems: CheckProblem[] = [];
  private readonly counts: Partial<Record<ProblemKind, number>> = {};
  private conversational = 0;
  private tooLong = 0;
  private responseLost = 0;

  constructor(path: string, options: CheckOptions) {
    this.options = options;
    const { format, fields, tokenizer, wrapInChat } = options;
    this.rows = readRecords(path, { format, fields, onBadRow: 'collect' });
    this.encoder = tokenizer
      ? new Encoder({ tokenizer, wrapInChat, appendEos: tokenizer.eosId !== null })
      : null;
    this.specialTokens = tokenizer ? [...tokenizer.specialIds].map((id) => tokenizer.tokenOf(id)!) : [];
  }

  async run(): Promise<FileReport> {
    const other = this.options.against ? await readOther(this.options.against, this.options) : null;
    let exact = 0;
    let near = 0;
    for await (const row of this.rows) {
      if (this.seen.add(JSON.stringify(row.record)))
        this.note(row, 'duplicate', '', 'is a repetition of an earlier row');
      for (const example of examplesOf(row.record, row.format)) {
        this.examine(row, example);
        const match = other?.find(example);
        if (!match) continue;
        if (match.similarity === 1) exact++;
        else near++;
        const how = match.similarity === 1 ? 'the same words' : `similarity ${match.similarity.toFixed(2)}`;
        this.note(row, 'near-duplicate', '', `its prompt is also in ${match.place} (${how})`);
      }
    }
    const { summary } = this.rows;
    for (const problem of summary.problems.kept) this.keep({ ...problem, kind: 'bad row' });
    if (summary.badRows > 0) this.counts['bad row'] = summary.badRows;
    this.problems.sort((a, b) => a.line - b.line);
    const { maxLength } = this.options;
    return {
      file: summary.file,
      container: summary.container,
      format: summary.format,
      rows: summary.rows,
      badRows: summary.badRows,
      conversational: this.conversational,
      unit: this.encoder ? 'tokens' : 'words',
      lengths: {
        prompt: this.lengths.prompt.summary(),
        response: this.lengths.response.summary(),
        whole: this.lengths.whole.summary(),
      },
      problems: this.problems,
      counts: this.counts,
      ...(maxLength !== undefined && {
        truncation: { maxLength, tooLong: this.tooLong, responseLost: this.responseLost },
      }),
      ...(other && { against: { file: this.options.against!, rows: other.rows, exact, near } }),
    };
  }

  private examine(row: Row, example: Example): void {
    const parts = partsOf(example, row.record);
    if (parts.some((part) => typeof part.content !== 'string')) this.conversational++;
    for (const { kind, field, problem } of checkExample(example, row.record, this.specialTokens)) {
      this.note(row, kind, field, problem);
    }
    try {
      this.measure(row, example);
    } catch (error) {
      if (!TenetError.is(error)) throw error;
      this.note(row, 'cannot be encoded', '', error.message);
    }
  }

  private measure(row: Row, example: Example): void {
    const { prompt, responses } = this.encoder
      ? tokenLengths(this.encoder, example)
      : wordLengths(example, row.record);
    if (prompt !== null) this.lengths.prompt.add(prompt);
    for (const response of responses) this.lengths.response.add(response);
    const whole = (prompt ?? 0) + Math.max(0, ...responses);
    this.lengths.whole.add(whole);
    const { maxLength } = this.options;
    if (maxLength === undefined || whole <= maxLength) return;
    this.tooLong++;
    const unit = this.encoder ? 'tokens' : 'words';
    const isLost = responses.length > 0 && prompt !== null && prompt >= maxLength;
    if (isLost) this.responseLost++;
    const loss = isLost ? `; its prompt alone takes ${prompt}, so no response would be left` : '';
    this.note(row, 'too long', '', `has ${whole} ${unit}, over ${maxLength}${loss}`);
  }

  private note(row: Row, kind: ProblemKind, field: string, problem: string): void {
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
    this.keep({ kind, file: row.file, line: row.line, unit: row.unit, field, problem });
  }

  private keep(problem: CheckProblem): void {
    if (this.problems.length < KEPT) this.problems.push(problem);
  }
}

interface Lengths {
  /** null: the example has no prompt; its text is the only response. */
  prompt: number | null;
  responses: number[];
}

function tokenLengths(encoder: Encoder, example: Example): Lengths {
  if (example.kind === 'text' || example.kind === 'chat') {
    const [whole] = encoder.encodeText(example, { lossOn: 'all' });
    return { prompt: null, responses: [whole?.ids.length ?? 0] };
  }
  if (example.kind === 'prompt') return { prompt: encoder.encodePrompt(example)!.length, responses: [] };
  const responses =
    example.kind === 'ranking'
      ? example.responses
      : [example.kind === 'steps' ? example.completions.join('') : example.completion];
  const { prompt } = example;
  const encoded = encoder.encodeRanking({
    ...example,
    kind: 'ranking',
    prompt,
    responses,
    ranks: responses.map(() => null),
  });
  return {
    prompt: encoded?.prompt.length ?? 0,
    responses: encoded?.responses.map((ids) => ids.length) ?? [],
  };
}

function wordLengths(example: Example, record: object): Lengths {
  const parts = partsOf(example, record);
  const words = (role: string) =>
    parts
      .filter((part) => part.role === role)
      .map((part) => contentText(part.content).match(/\S+/g)?.length ?? 0);
  return { prompt: words('prompt')[0] ?? null, responses: [...words('response'), ...words('text')] };
}

/** The prompts of the other file, to be looked up. */
async function readOther(
  path: string,
  options: CheckOptions,
): Promise<{ rows: number; find(example: Example): { place: string; similarity: number } | null }> {
  const index = new NearDuplicateIndex(options.similarity);
  const places: string[] = [];
  const rows = readRecords(path, { fields: options.fields, onBadRow: 'collect' });
  for await (const row of rows) {
    for (const example of examplesOf(row.record, row.format)) {
      index.add(comparedText(example));
      places.push(row.unit === 'line' ? `line ${row.line}` : `item ${row.line}`);
    }
  }
  return {
    rows: rows.summary.rows,
    find(example) {
      const match = index.find(comparedText(example));
      return match && { place: `${path} ${places[match.index]}`, similarity: match.similarity };
    },
  };
}
