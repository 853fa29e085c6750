/** What a stage trains of the model it starts from: all weights, or an adapter on them. */
import { Random, TenetError } from '../../base/index.ts';
import {
  AdaptedParameters,
  type AdapterSettings,
  adaptParameters,
  initialiseParameters,
  type LoadedModel,
  mergeAdapter,
  type ParameterSpec,
} from '../../model/index.ts';
import type { AdapterOptions } from '../adapter-option.ts';

export interface TrainableOptions {
  readonly adapter: AdapterOptions | undefined;
  readonly seed: number;
  readonly threads: number | undefined;
  /** For messages. */
  readonly stage: string;
}

/**
 * With an adapter: a fresh one on a plain model, whose weights are then shared and stay as they are; or the one that
 * the model has already, which is trained on. Without: a plain model, its adapter merged if it had one.
 * @throws TenetError('usage') when the model has an adapter of another kind than the stage asks for
 */
export async function trainable<M extends LoadedModel & { readonly folder: string }>(
  model: M,
  options: TrainableOptions,
): Promise<M> {
  const { adapter, seed, threads } = options;
  const { config, parameters } = model;
  if (!adapter) {
    return parameters instanceof AdaptedParameters
      ? { ...model, parameters: await mergeAdapter(config, parameters, { threads }), baseFolder: null }
      : model;
  }
  const settings: AdapterSettings = { dropout: 0, ...adapter };
  const random = new Random(seed).fork('adapter');
  const fresh = (base: LoadedModel['parameters']): AdaptedParameters =>
    adaptParameters(config, base, settings, { random });
  if (!(parameters instanceof AdaptedParameters)) {
    return { ...model, parameters: fresh(parameters), baseFolder: model.folder };
  }
  refuseOtherAdapter(parameters, fresh(parameters.base), model.folder, options.stage);
  const continued = new AdaptedParameters(parameters.base, settings, parameters.modules);
  continued.copyFrom(parameters);
  return { ...model, parameters: continued };
}

/**
 * A model of its own that starts where another one is and shares its weights: a reward model beside a policy, a value
 * function beside a reward model.
 * @param options.extra  parameters besides the adapter's, such as a head; drawn where the other model has none
 */
export function adaptedCopy(
  { config, parameters }: Pick<LoadedModel, 'config' | 'parameters'>,
  adapter: AdapterOptions,
  options: { readonly extra: readonly ParameterSpec[]; readonly random: Random },
): AdaptedParameters {
  const { extra, random } = options;
  if (!(parameters instanceof AdaptedParameters)) {
    return adaptParameters(config, parameters, { dropout: 0, ...adapter }, options);
  }
  const copy = new AdaptedParameters(parameters.base, parameters.settings, parameters.modules, extra);
  initialiseParameters(copy, random, copy.copyShared(parameters));
  return copy;
}

/** An adapter is trained on as it is; another one on top of it would stand on weights that are in no folder. */
function refuseOtherAdapter(
  found: AdaptedParameters,
  wanted: AdaptedParameters,
  folder: string,
  stage: string,
): void {
  const differences: string[] = [];
  for (const key of ['type', 'rank', 'alpha', 'rsLora'] as const) {
    const [has, asks] = [found.settings[key], wanted.settings[key]];
    if (has !== asks) differences.push(`${key} is ${has} there and ${asks} here`);
  }
  const layers = ({ modules }: AdaptedParameters): string => String(modules.map(({ path }) => path));
  if (layers(found) !== layers(wanted)) {
    const names = ({ settings }: AdaptedParameters): string => [settings.targetModules].flat().join(', ');
    differences.push(`targetModules are ${names(found)} there and ${names(wanted)} here`);
  }
  if (differences.length === 0) return;
  throw new TenetError(
    'usage',
    `stage "${stage}" starts from the adapter in ${folder} and trains it on, so their options must be equal, but ` +
      `${differences.join('; ')}. Give the same options, or merge that adapter first (tenet export --merge) and start from the result.`,
  );
}
