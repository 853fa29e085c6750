/** `provenance.json` of an exported model: how it was made, without the places it was made in. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { hashFile, TenetError, writeFileAtomic } from '../../base/index.ts';
import { type ProvenanceNode, withoutPlaces } from './provenance.ts';

const fileName = 'provenance.json';

export interface ExportRecord {
  readonly format: 1;
  /** `sha256:…` of the files of weights, by name. */
  readonly files: Readonly<Record<string, string>>;
  /** The model that was exported; its hash is of the weights before any rounding to the type of the files. */
  readonly provenance: ProvenanceNode;
}

const nodeSchema: z.ZodType<ProvenanceNode> = z.lazy(() =>
  z.object({
    id: z.string(),
    kind: z.enum([
      ...(['model', 'stage', 'recipe', 'data', 'constitution', 'labels'] as const),
      ...(['code', 'judges', 'principle', 'reference'] as const),
    ]),
    name: z.string(),
    role: z.string().optional(),
    hash: z.string().optional(),
    facts: z.array(z.string()),
    children: z.array(nodeSchema),
  }),
);
const recordSchema: z.ZodType<ExportRecord> = z.object({
  format: z.literal(1),
  files: z.record(z.string(), z.string()),
  provenance: nodeSchema,
});

/** Writes the record into the folder of a model that has just been exported. */
export async function writeExportRecord(
  folder: string,
  files: readonly string[],
  provenance: ProvenanceNode,
): Promise<void> {
  const hashes: Record<string, string> = {};
  for (const file of files.filter(isWeights)) hashes[file] = await hashFile(join(folder, file));
  const record: ExportRecord = { format: 1, files: hashes, provenance: withoutPlaces(provenance) };
  await writeFileAtomic(join(folder, fileName), `${JSON.stringify(record, null, 2)}\n`);
}

/** The record in a model folder; null where there is none. @throws TenetError('model') when it is damaged */
export async function readExportRecord(folder: string): Promise<ExportRecord | null> {
  const path = join(folder, fileName);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message;
    throw new TenetError('model', `${path} is not a record of how a model was made:\n${reason}`, { cause });
  }
}

function isWeights(file: string): boolean {
  return file.endsWith('.safetensors');
}
