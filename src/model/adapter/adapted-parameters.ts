/**
 * A model of which only an adapter is its own: the matrices are those of a base, which is not changed and which any
 * number of adapted models share in memory.
 */
import { createHash } from 'node:crypto';
import { type Random, TenetError } from '../../base/index.ts';
import type { DecoderConfig } from '../decoder-config.ts';
import { initialiseParameters } from '../initialise.ts';
import { type LowRank, ParameterStore } from '../parameter-store.ts';
import type { ParameterSpec } from '../parameters.ts';
import { type AdapterSettings, scaleOf } from './adapter-settings.ts';
import { type LinearModule, linearModules, storesInputsFirst, targetedModules } from './target-modules.ts';

/** An adapter on one linear layer. */
export interface AdaptedModule extends LinearModule {
  readonly rank: number;
  readonly alpha: number;
}

/** The three tensors of an adapter on the layer at `path`, named as in `peft`. */
export function adapterNames(path: string): {
  readonly a: string;
  readonly b: string;
  readonly magnitude: string;
} {
  return {
    a: `${path}.lora_A.weight`,
    b: `${path}.lora_B.weight`,
    magnitude: `${path}.lora_magnitude_vector`,
  };
}

export class AdaptedParameters extends ParameterStore {
  /** Read through this store, never written. */
  readonly base: ParameterStore;
  readonly settings: AdapterSettings;
  readonly modules: readonly AdaptedModule[];
  /** Parameters of its own besides the adapter's, such as a reward model's head. */
  readonly extra: readonly ParameterSpec[];
  readonly #lowRank: ReadonlyMap<string, LowRank>;

  /** Zeros, so that the model is none yet; see `adaptParameters` for a fresh adapter. */
  constructor(
    base: ParameterStore,
    settings: AdapterSettings,
    modules: readonly AdaptedModule[],
    extra: readonly ParameterSpec[] = [],
  ) {
    if (base instanceof AdaptedParameters) {
      throw new TenetError(
        'model',
        'An adapter stands on a plain model, not on another adapter; merge that first.',
      );
    }
    super([...modules.flatMap((module) => adapterSpecs(module, settings)), ...extra]);
    this.base = base;
    this.settings = settings;
    this.modules = modules;
    this.extra = extra;
    this.#lowRank = new Map(
      modules.map(({ path, weight, rank, alpha }) => {
        const { a, b, magnitude } = adapterNames(path);
        const scale = scaleOf({ rank, alpha, rsLora: settings.rsLora });
        return [weight, { a, b, scale, magnitude: settings.type === 'dora' ? magnitude : null }];
      }),
    );
  }

  override has(name: string): boolean {
    return super.has(name) || this.base.has(name);
  }

  override lowRankOf(weight: string): LowRank | null {
    return this.#lowRank.get(weight) ?? null;
  }

  override specOf(name: string): ParameterSpec {
    return super.has(name) || !this.base.has(name) ? super.specOf(name) : this.base.specOf(name);
  }

  /** Of a parameter of its own, or of the base as it is there, without the adapter. */
  override view(name: string): Float32Array<ArrayBuffer> {
    return super.has(name) || !this.base.has(name) ? super.view(name) : this.base.view(name);
  }

  /** The same model again on the same base; only the adapter takes memory. */
  override clone(): AdaptedParameters {
    const copy = new AdaptedParameters(this.base, this.settings, this.modules, this.extra);
    copy.values.set(this.values);
    return copy;
  }

  /**
   * The same adapter with other parameters besides it; values that both have are taken over.
   * @returns also the names that are new, and zeros
   */
  withExtra(extra: readonly ParameterSpec[]): {
    readonly parameters: AdaptedParameters;
    readonly missing: string[];
  } {
    const parameters = new AdaptedParameters(this.base, this.settings, this.modules, extra);
    const missing: string[] = [];
    for (const { name } of parameters.specs) {
      if (this.has(name)) parameters.view(name).set(this.view(name));
      else missing.push(name);
    }
    return { parameters, missing };
  }

  /** Over the adapter and the base that it needs. */
  override hash(names?: readonly string[]): string {
    const changes = JSON.stringify([...this.#lowRank.values()]);
    const hash = createHash('sha256').update(`${super.hash(names)}\n${changes}\n${this.baseHash}\n`);
    return `sha256:${hash.digest('hex')}`;
  }

  /** `hash` of the base, which is computed once: it does not change. */
  get baseHash(): string {
    const hash = baseHashes.get(this.base) ?? this.base.hash();
    baseHashes.set(this.base, hash);
    return hash;
  }
}

const baseHashes = new WeakMap<ParameterStore, string>();

/**
 * A fresh adapter, which changes nothing yet: A is drawn evenly between ±1/√inputs, B is zero.
 * @param base not changed
 * @param options.extra parameters to train besides; drawn as their specs say
 * @throws TenetError('usage') when the settings name layers that the model does not have
 * @see Hu et al. 2022, arXiv:2106.09685, section 4.1 (with the draw that `peft` uses, Kaiming's for a = √5);
 * Liu et al. 2024, arXiv:2402.09353, eq. 5 for DoRA.
 */
export function adaptParameters(
  config: DecoderConfig,
  base: ParameterStore,
  settings: AdapterSettings,
  options: { readonly random: Random; readonly extra?: readonly ParameterSpec[] },
): AdaptedParameters {
  const { rank, alpha } = settings;
  const modules = targetedModules(linearModules(config, base), settings.targetModules);
  const adapted = new AdaptedParameters(
    base,
    settings,
    modules.map((module) => ({ ...module, rank, alpha })),
    options.extra,
  );
  initialiseParameters(adapted, options.random);
  if (settings.type === 'dora') for (const module of modules) setMagnitudes(config, adapted, module);
  return adapted;
}

function adapterSpecs(module: AdaptedModule, { type }: AdapterSettings): ParameterSpec[] {
  const { path, inputs, outputs, rank } = module;
  const { a, b, magnitude } = adapterNames(path);
  return [
    { name: a, shape: [rank, inputs], initialisation: { kind: 'uniform', limit: 1 / Math.sqrt(inputs) } },
    { name: b, shape: [outputs, rank], initialisation: { kind: 'zeros' } },
    ...(type === 'dora'
      ? [{ name: magnitude, shape: [outputs], initialisation: { kind: 'ones' } as const }]
      : []),
  ];
}

/** DoRA starts where the model is: magnitude = ‖w‖ of each output's weights w. */
function setMagnitudes(config: DecoderConfig, adapted: AdaptedParameters, module: LinearModule): void {
  const { path, weight, inputs, outputs } = module;
  const matrix = adapted.view(weight);
  const magnitudes = adapted.view(adapterNames(path).magnitude);
  const [outputStep, inputStep] = storesInputsFirst(config) ? [1, outputs] : [inputs, 1];
  for (let output = 0; output < outputs; output++) {
    let squares = 0;
    for (let input = 0; input < inputs; input++)
      squares += matrix[output * outputStep + input * inputStep] ** 2;
    magnitudes[output] = Math.sqrt(squares);
  }
}
