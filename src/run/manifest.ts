/** `manifest.json`: what went into a run, where it ran, and how far each stage came. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { TenetError, writeFileAtomic } from '../base/index.ts';
import { type LedgerSelection, ledgerSelectionSchema } from '../store/index.ts';

/** A model, data file, ledger, constitution or module of code that a run read, identified by its content. */
export interface InputRecord {
  readonly kind: 'model' | 'data' | 'constitution' | 'ledger' | 'code';
  /** What the run used it for, e.g. `base model`, `rankings`. */
  readonly name: string;
  readonly path: string;
  /** Where a file of the Hub's cache comes from: its name with the commit, e.g. `hub:owner/name@<commit>`. */
  readonly source?: string;
  /** `sha256:<hex>` of the content; of a ledger, the digest of the events selected. */
  readonly hash: string;
  /** The stage that read it; left out for what the run begins with. */
  readonly stage?: string;
  /** Of a constitution: its own version. */
  readonly version?: string;
  /** Of a ledger, or of data exported from one: the labels. */
  readonly labels?: LedgerSelection;
  /** Size of the content in bytes. */
  readonly bytes?: number;
  /** Records read from a data file. */
  readonly rows?: number;
  /** Rows left out because they were bad (with `onBadRow: skip`). */
  readonly skippedRows?: number;
  /** Parameters of a model. */
  readonly parameters?: number;
  /** Anything else worth a few words, e.g. the architecture or the constitution's title. */
  readonly note?: string;
}

export type StageStatus = 'waiting' | 'running' | 'finished' | 'failed' | 'interrupted';

/** What a stage took from an earlier stage or from a model folder. */
export interface StageUse {
  readonly kind: 'model' | 'data';
  /** What for, e.g. `policy`, `reward model`, `rankings`. */
  readonly role: string;
  /** The stage of this run that made it; left out for what comes from elsewhere. */
  readonly stage?: string;
  /** Relative to the run folder where a stage made it. */
  readonly path: string;
  /** `sha256:<hex>` of the weights, or of the file. */
  readonly hash: string;
}

/** One stage of a run. Times are ISO 8601 in UTC. */
export interface StageRecord {
  readonly name: string;
  /** Relative to the run folder, e.g. `stages/01-sft`. */
  readonly folder: string;
  readonly status: StageStatus;
  /** How often the stage was started: 1, and one more at each resume. */
  readonly attempts: number;
  readonly startedAt?: string;
  readonly finishedAt?: string;
  /** Models and data that it started from. */
  readonly uses?: readonly StageUse[];
  /** What the stage returned, as JSON. */
  readonly results?: unknown;
  /** The message of the error that ended a failed stage. */
  readonly error?: string;
}

/** A machine, as far as it matters to a run's results and speed. */
export interface Machine {
  readonly platform: string;
  readonly arch: string;
  readonly cpu: string;
  /** Cores this process may use. */
  readonly cores: number;
  /** Memory this process may use, in bytes. */
  readonly memoryBytes: number;
}

/** Versions of what computes. */
export interface Versions {
  readonly tenet: string;
  readonly node: string;
  readonly onnxruntime: string;
}

/** One start of a run: the first, or a resume. */
export interface Attempt {
  readonly startedAt: string;
  readonly versions: Versions;
  readonly machine: Machine;
}

export interface Manifest {
  /** Version of this file's layout. */
  readonly format: 1;
  readonly name: string;
  readonly createdAt: string;
  readonly finishedAt?: string;
  readonly status: StageStatus;
  /** One sentence about how the run ended, for the head of the report. */
  readonly outcome?: string;
  /** `sha256:<hex>` of `recipe.yaml`. */
  readonly recipeHash: string;
  readonly seeds: Readonly<Record<string, number>>;
  readonly attempts: readonly Attempt[];
  readonly inputs: readonly InputRecord[];
  readonly stages: readonly StageRecord[];
}

const status = z.enum(['waiting', 'running', 'finished', 'failed', 'interrupted']);
const manifestSchema: z.ZodType<Manifest> = z.object({
  format: z.literal(1),
  name: z.string(),
  createdAt: z.string(),
  finishedAt: z.string().optional(),
  status,
  outcome: z.string().optional(),
  recipeHash: z.string(),
  seeds: z.record(z.string(), z.number()),
  attempts: z.array(
    z.object({
      startedAt: z.string(),
      versions: z.object({ tenet: z.string(), node: z.string(), onnxruntime: z.string() }),
      machine: z.object({
        platform: z.string(),
        arch: z.string(),
        cpu: z.string(),
        cores: z.number(),
        memoryBytes: z.number(),
      }),
    }),
  ),
  inputs: z.array(
    z.object({
      kind: z.enum(['model', 'data', 'constitution', 'ledger', 'code']),
      name: z.string(),
      path: z.string(),
      source: z.string().optional(),
      hash: z.string(),
      stage: z.string().optional(),
      version: z.string().optional(),
      labels: ledgerSelectionSchema.optional(),
      bytes: z.number().optional(),
      rows: z.number().optional(),
      skippedRows: z.number().optional(),
      parameters: z.number().optional(),
      note: z.string().optional(),
    }),
  ),
  stages: z.array(
    z.object({
      name: z.string(),
      folder: z.string(),
      status,
      attempts: z.number(),
      startedAt: z.string().optional(),
      finishedAt: z.string().optional(),
      uses: z
        .array(
          z.object({
            kind: z.enum(['model', 'data']),
            role: z.string(),
            stage: z.string().optional(),
            path: z.string(),
            hash: z.string(),
          }),
        )
        .optional(),
      results: z.unknown().optional(),
      error: z.string().optional(),
    }),
  ),
});

/**
 * Reads the manifest of a run folder.
 * @throws TenetError('usage') when there is none, or it is not one.
 */
export async function readManifest(runFolder: string): Promise<Manifest> {
  const path = join(runFolder, 'manifest.json');
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    throw new TenetError(
      'usage',
      `${runFolder} is not a run folder: it has no manifest.json. Give the folder that a run wrote, such as runs/<name>.`,
      { details: { path } },
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new TenetError('usage', `${path} is not JSON: ${(error as Error).message}`, { cause: error });
  }
  const parsed = manifestSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new TenetError('usage', `${path} is not the manifest of a run:\n${z.prettifyError(parsed.error)}`, {
    details: { path },
  });
}

/** Writes the manifest of a run folder, atomically. */
export async function writeManifest(runFolder: string, manifest: Manifest): Promise<void> {
  await writeFileAtomic(join(runFolder, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}
