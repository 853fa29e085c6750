/** Writing an adapter's own files, as `peft` loads them. */
import { join, resolve } from 'node:path';
import { writeFileAtomic } from '../../base/index.ts';
import type { ModelHead } from '../architectures.ts';
import type { DecoderConfig } from '../decoder-config.ts';
import type { FloatDtype } from '../float-formats.ts';
import { scoreHeadName } from '../parameters.ts';
import { type RewardHeads, rewardHeadsConfig } from '../reward-heads.ts';
import { writeSafetensors } from '../safetensors-write.ts';
import type { AdaptedParameters } from './adapted-parameters.ts';
import { baseRecord, baseRecordName } from './base-folder.ts';
import { adapterConfigName, adapterWeightsName, peftPrefix, toPeftConfig } from './peft-config.ts';

/** Files that only an adapter's folder has. */
export const adapterFileNames: readonly string[] = [adapterConfigName, adapterWeightsName, baseRecordName];

/** Parameters that are saved: the adapter's, and a reward model's head; no value head. */
export function savedNames(parameters: AdaptedParameters, head: ModelHead): string[] {
  const others = new Set(parameters.extra.map(({ name }) => name));
  if (head === 'reward') others.delete(scoreHeadName);
  return parameters.names.filter((name) => !others.has(name));
}

/**
 * @param folder        where to write
 * @param options.place where the folder will stand in the end
 * @param options.base  folder of the base model
 */
export async function writeAdapter(
  folder: string,
  parameters: AdaptedParameters,
  options: {
    readonly config: DecoderConfig;
    readonly head: ModelHead;
    readonly dtype: FloatDtype;
    readonly base: string;
    readonly place: string;
    /** Of a reward model. */
    readonly heads: RewardHeads;
  },
): Promise<void> {
  const { config, head, dtype } = options;
  const base = resolve(options.base);
  const peft = toPeftConfig(config, parameters.settings, parameters.modules, { base, head });
  const record = baseRecord(
    resolve(options.place),
    { folder: base, weights: parameters.baseHash },
    head === 'reward' ? rewardHeadsConfig(options.heads) : undefined,
  );
  await writeFileAtomic(join(folder, adapterConfigName), `${JSON.stringify(peft, null, 2)}\n`);
  await writeFileAtomic(join(folder, baseRecordName), `${JSON.stringify(record, null, 2)}\n`);
  const tensors = savedNames(parameters, head).map((name) => ({
    name: peftPrefix + name,
    shape: parameters.shapeOf(name),
    data: parameters.view(name),
  }));
  await writeSafetensors(join(folder, adapterWeightsName), tensors, { dtype });
}
