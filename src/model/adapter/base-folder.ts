/** Where the base of a saved adapter is. */
import { readFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { z } from 'zod';
import { exists, TenetError } from '../../base/index.ts';
import { cachedHubModel } from '../../hub/index.ts';
import { adapterConfigName, parsePeftConfig } from './peft-config.ts';

/**
 * Beside `adapter_config.json`, whose path is absolute: the base as seen from the adapter's folder, so that both can
 * be moved together, and the hash of its weights; of a reward model also the labels of its scores.
 */
export const baseRecordName = 'base.json';

const recordSchema = z.object({
  path: z.string(),
  weights: z.string(),
  /** Keys that the reward model's `config.json` would have. */
  labels: z.record(z.string(), z.unknown()).optional(),
});
export type BaseRecord = z.infer<typeof recordSchema>;

/** As Tenet records it. @param folder where the adapter will stand @param base folder of the base model */
export function baseRecord(
  folder: string,
  base: { readonly folder: string; readonly weights: string },
  labels?: Readonly<Record<string, unknown>>,
): BaseRecord {
  return { path: relative(folder, base.folder), weights: base.weights, ...(labels && { labels }) };
}

export interface FoundBase {
  readonly folder: string;
  /** `ParameterStore.hash` of its weights when the adapter was saved; null for adapters made elsewhere. */
  readonly weights: string | null;
  readonly labels: Readonly<Record<string, unknown>>;
}

/**
 * Finds it: where Tenet recorded it, else where `adapter_config.json` says, as an absolute path, from the working
 * directory, or from the adapter's folder, or as a model of the Hub that is in the cache.
 * @param name `base_model_name_or_path`
 * @throws TenetError('model') naming all places that were tried
 */
export async function findBaseFolder(folder: string, name: string | null | undefined): Promise<FoundBase> {
  const record = await readRecord(folder);
  const cached = name ? await cachedHubModel(name) : null;
  const places = [
    ...(record ? [resolve(folder, record.path)] : []),
    ...(name ? [resolve(name), resolve(folder, name)] : []),
    ...(cached ? [cached] : []),
  ];
  for (const place of new Set(places)) {
    if (!(await exists(join(place, 'config.json')))) continue;
    return { folder: place, weights: record?.weights ?? null, labels: record?.labels ?? {} };
  }
  throw new TenetError(
    'model',
    places.length === 0
      ? `${folder} holds an adapter and does not say of which model; set base_model_name_or_path in its adapter_config.json to the folder of its base.`
      : `${folder} holds an adapter of ${name ?? record?.path}, and there is no such model folder (looked for ${[...new Set(places)].join(', ')}). ` +
          'Put the base model there, set base_model_name_or_path in adapter_config.json to its folder, or, if it is the name of a ' +
          `model on the Hub, fetch it once: tenet generate --model hub:${name ?? 'owner/name'} --prompt Hello`,
    { details: { folder, places } },
  );
}

/** Folder of the model that the adapter in a folder stands on; null where the folder holds no adapter. */
export async function baseFolderOf(folder: string): Promise<string | null> {
  const path = join(folder, adapterConfigName);
  if (!(await exists(path))) return null;
  const { base_model_name_or_path: name } = parsePeftConfig(JSON.parse(await readFile(path, 'utf8')), path);
  return (await findBaseFolder(folder, name)).folder;
}

async function readRecord(folder: string): Promise<BaseRecord | null> {
  const path = join(folder, baseRecordName);
  if (!(await exists(path))) return null;
  try {
    return recordSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    throw new TenetError('model', `Cannot read ${path}: ${(cause as Error).message}.`, { cause });
  }
}
