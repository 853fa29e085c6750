/** Takes a model out of a run folder, or copies a model folder, as a folder in Hugging Face layout. */
import { readdir, readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { TenetError, writeFileAtomic } from '../base/index.ts';
import type { FloatDtype } from '../model/float-formats.ts';
import { loadModelFolder, plainParameters, saveModelFolder } from '../model/index.ts';
import { mergedCard } from '../model/model-card.ts';
import { findModel } from './find-model.ts';
import { collectProvenance } from './trace/collect-provenance.ts';
import { writeExportRecord } from './trace/export-record.ts';

export interface ExportModelOptions {
  /** A run folder, or a model folder. */
  readonly source: string;
  /** The folder to write. */
  readonly output: string;
  /** Of a run: the stage whose model is taken. Default: the newest language model. */
  readonly stage?: string;
  /** How to store the weights. Default: as they are stored in the source. */
  readonly dtype?: FloatDtype;
  /** Write an adapter into the weights of its base, as one plain model. Default false: the adapter is written. */
  readonly merge?: boolean;
  /** Replace a model that is in the output folder. Default false. */
  readonly overwrite?: boolean;
}

export interface ExportedModel {
  /** Absolute path of the folder written. */
  readonly output: string;
  /** Of a run: the stage that made the model. */
  readonly stage?: string;
  readonly head: 'causal' | 'reward';
  readonly parameters: number;
  readonly dtype: FloatDtype;
  readonly files: readonly string[];
  /** True: what was written is an adapter, which needs its base. */
  readonly isAdapter: boolean;
  /** Hash of the weights in float32; as the run recorded it, unless an adapter was merged. */
  readonly weights: string;
}

/**
 * Writes the model with its tokenizer, its card and `provenance.json`, the record of how it was made. A run's model
 * must be the one that the run recorded.
 * @throws TenetError('usage') when the source holds no such model or the output folder is taken;
 *   TenetError('model') when the weights are not those that the run made
 */
export async function exportModel(options: ExportModelOptions): Promise<ExportedModel> {
  const output = resolve(options.output);
  const source = resolve(options.source);
  if (output === source) throw new TenetError('usage', `--output is the folder to export itself: ${output}.`);
  if (!options.overwrite) await refuseTaken(output);
  const found = await findModel(source, options.stage);
  const loaded = await loadModelFolder(found.folder);
  const hash = loaded.parameters.hash();
  if (found.weights !== undefined && found.weights !== hash) {
    throw new TenetError(
      'model',
      `the weights in ${found.folder} are not those that stage "${found.stage}" made: they hash to ${hash}, the run recorded ${found.weights}. ` +
        'Restore the folder, or run the stage again.',
    );
  }
  const dtype = options.dtype ?? storedDtypes[loaded.storedDtype] ?? 'float32';
  const parameters = options.merge
    ? await plainParameters(loaded.config, loaded.parameters)
    : loaded.parameters;
  const { files, weightsHash: weights } = await saveModelFolder(output, {
    ...loaded,
    parameters,
    dtype,
    // Replaced below by the card that the model has; this one stands where it has none.
    card: { name: basename(output), summary: `A copy of the model in ${found.folder}.`, stages: [] },
  });
  const card = await readFile(join(found.folder, 'README.md'), 'utf8').catch(() => null);
  const isMerged = parameters !== loaded.parameters;
  if (card !== null) {
    await writeFileAtomic(join(output, 'README.md'), isMerged ? mergedCard(card, weights) : card);
  }
  const made = await collectProvenance(found.folder);
  const provenance = isMerged ? { ...made, hash: weights } : { hash: weights, ...made };
  await writeExportRecord(output, files, provenance);
  return {
    output,
    stage: found.stage,
    head: loaded.head,
    parameters: parameters.count,
    isAdapter: loaded.baseFolder !== null && !isMerged,
    dtype,
    files,
    weights,
  };
}

const storedDtypes: Readonly<Record<string, FloatDtype>> = {
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
};

async function refuseTaken(folder: string): Promise<void> {
  const entries = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    if (error.code === 'ENOTDIR')
      throw new TenetError('usage', `${folder} is a file; give a folder with --output.`);
    throw error;
  });
  if (entries.length === 0) return;
  throw new TenetError(
    'usage',
    `${folder} is not empty; give another folder with --output, or --overwrite to replace the model in it.`,
  );
}
