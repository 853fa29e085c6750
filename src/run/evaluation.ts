/** `evaluation.json` in a run folder: tables of measured values with 95 % intervals. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { TenetError, writeFileAtomic } from '../base/index.ts';

/** One measured value. */
export interface EvaluationCell {
  /** null where nothing could be measured. */
  readonly value: number | null;
  /** Ends of the 95 % interval; both or neither. */
  readonly low?: number;
  readonly high?: number;
}

export interface EvaluationColumn {
  readonly name: string;
  /** E.g. `nats`, `tokens`, `%`; a value in % is given as 0 … 100. */
  readonly unit?: string;
  /** Which way is better; the best row is then emphasised. */
  readonly better?: 'higher' | 'lower';
  /** A bound that the values were to keep, in the column's units. */
  readonly atLeast?: number;
  readonly atMost?: number;
}

export interface EvaluationRow {
  /** What was measured, e.g. a model. */
  readonly name: string;
  /** One per column. */
  readonly cells: readonly EvaluationCell[];
}

export interface EvaluationTable {
  /** objectives: what the run's policies learn from, which the report also draws against one another. */
  readonly kind?: 'objectives';
  readonly title: string;
  readonly columns: readonly EvaluationColumn[];
  readonly rows: readonly EvaluationRow[];
  /** How it was measured: number of prompts, kind of interval, seeds. */
  readonly note?: string;
}

export interface Evaluation {
  readonly tables: readonly EvaluationTable[];
}

const evaluationSchema: z.ZodType<Evaluation> = z.object({
  tables: z.array(
    z
      .object({
        kind: z.literal('objectives').optional(),
        title: z.string(),
        columns: z.array(
          z.object({
            name: z.string(),
            unit: z.string().optional(),
            better: z.enum(['higher', 'lower']).optional(),
            atLeast: z.number().optional(),
            atMost: z.number().optional(),
          }),
        ),
        rows: z.array(
          z.object({
            name: z.string(),
            cells: z.array(
              z
                .object({
                  value: z.number().nullable(),
                  low: z.number().optional(),
                  high: z.number().optional(),
                })
                .refine((cell) => (cell.low === undefined) === (cell.high === undefined), {
                  message: 'an interval needs both low and high',
                })
                .refine(
                  (cell) => cell.low === undefined || cell.high === undefined || cell.low <= cell.high,
                  {
                    message: 'low must not be above high',
                  },
                ),
            ),
          }),
        ),
        note: z.string().optional(),
      })
      .refine((table) => table.rows.every((row) => row.cells.length === table.columns.length), {
        message: 'every row needs one cell per column',
      }),
  ),
});

/**
 * Writes the evaluation of a run, atomically.
 * @throws TenetError('usage') when a row has another number of cells than there are columns, an interval has
 *   one end only or is upside down, or a number is not finite (use null for what could not be measured).
 */
export async function writeEvaluation(runFolder: string, evaluation: Evaluation): Promise<void> {
  const path = join(runFolder, 'evaluation.json');
  await writeFileAtomic(path, `${JSON.stringify(checked(evaluation, path), null, 2)}\n`);
}

/** Adds tables to the evaluation of a run; those of the same title are replaced, as when a stage is begun again. */
export async function addTables(runFolder: string, tables: readonly EvaluationTable[]): Promise<void> {
  const titles = new Set(tables.map(({ title }) => title));
  const { tables: before } = await readEvaluation(runFolder);
  await writeEvaluation(runFolder, {
    tables: [...before.filter(({ title }) => !titles.has(title)), ...tables],
  });
}

/** Reads the evaluation of a run; without one, no tables. */
export async function readEvaluation(runFolder: string): Promise<Evaluation> {
  const path = join(runFolder, 'evaluation.json');
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { tables: [] };
    throw new TenetError('usage', `${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  return checked(json, path);
}

function checked(value: unknown, path: string): Evaluation {
  const parsed = evaluationSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new TenetError(
    'usage',
    `${path} does not hold evaluation tables:\n${z.prettifyError(parsed.error)}`,
    {
      details: { path },
    },
  );
}
