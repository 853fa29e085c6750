/** Finds the folder of a model where a run folder or a model folder may be given. */
import { join } from 'node:path';
import { exists, TenetError } from '../base/index.ts';
import { fetchHubModel, isHubName } from '../hub/index.ts';
import { adapterConfigName } from '../model/adapter/peft-config.ts';
import { readManifest } from './manifest.ts';

export interface FoundModel {
  readonly folder: string;
  /** Of a run: the stage that made it. */
  readonly stage?: string;
  /** Of a run: the hash of its weights as recorded. */
  readonly weights?: string;
}

type StageHead = 'causal' | 'reward' | 'guard';

const headWords = { causal: 'language model', reward: 'reward model', guard: 'guard' } as const;

/** What a stage leaves in the manifest, as far as it matters here. */
interface StageModel {
  readonly model?: { readonly folder: string; readonly head: StageHead; readonly weights: string };
}

/**
 * @param source a run folder, a model folder, or a model on the Hub (`hub:owner/name`)
 * @param stage  of a run: whose model. Default: the newest of the kind
 * @param head   of a run: which kind is wanted. Default: a language model
 * @throws TenetError('usage') when there is no such model, naming those that there are
 */
export async function findModel(
  source: string,
  stage?: string,
  head: StageHead = 'causal',
): Promise<FoundModel> {
  if (isHubName(source)) return { folder: (await fetchHubModel(source)).folder };
  if (!(await exists(join(source, 'manifest.json')))) {
    const isModel =
      (await exists(join(source, 'config.json'))) || (await exists(join(source, adapterConfigName)));
    if (!isModel) {
      throw new TenetError(
        'usage',
        (await exists(source))
          ? `${source} is neither a run folder (no manifest.json) nor a model folder (no config.json or adapter_config.json).`
          : `${source} does not exist; give a run folder such as runs/quickstart, or a model folder.`,
      );
    }
    if (stage === undefined) return { folder: source };
    throw new TenetError('usage', `${source} is a model folder and has no stages; leave --stage out.`);
  }
  const manifest = await readManifest(source);
  const made = manifest.stages.flatMap(({ name, results }) => {
    const { model } = (results ?? {}) as StageModel;
    return model ? [{ name, ...model }] : [];
  });
  const chosen =
    stage === undefined
      ? (made.findLast((model) => model.head === head) ?? made.at(-1))
      : made.find(({ name }) => name === stage);
  if (chosen) return { folder: join(source, chosen.folder), stage: chosen.name, weights: chosen.weights };
  const known = made.map(({ name, head }) => `${name} (${headWords[head]})`);
  throw new TenetError(
    'usage',
    stage === undefined
      ? `run ${manifest.name} has no model yet (${manifest.status}); a stage writes its model when it ends.`
      : `run ${manifest.name} has no model of a stage "${stage}"; it has: ${known.join(', ') || 'none yet'}.`,
  );
}
