/** The linear layers that an adapter can change, and which of them a list of names means. */
import { nearest, TenetError } from '../../base/index.ts';
import type { DecoderConfig } from '../decoder-config.ts';
import { layerNames } from '../layer-names.ts';
import type { ParameterShapes } from '../parameter-store.ts';
import type { AdapterSettings } from './adapter-settings.ts';

/** A linear layer of the decoder. */
export interface LinearModule {
  /** Its tensor without `.weight`, e.g. `model.layers.0.self_attn.q_proj`. */
  readonly path: string;
  /** Name of its matrix. */
  readonly weight: string;
  readonly inputs: number;
  readonly outputs: number;
}

/** Every linear layer inside the decoder; the output projection is not among them (as in `peft`'s `all-linear`). */
export function linearModules(config: DecoderConfig, shapes: ParameterShapes): LinearModule[] {
  return Array.from({ length: config.layers }, (_, i) => i).flatMap((i) => {
    const names = layerNames(config, i);
    const { queryKeyValue: layout } = names;
    const attention = layout.kind === 'fused' ? [layout.fused] : [layout.query, layout.key, layout.value];
    const linear = [...attention, names.attentionOutput, names.gate, names.up, names.down];
    return linear.flatMap((layer) => {
      if (!layer) return [];
      const [first, second] = shapes.shapeOf(layer.weight);
      const [outputs, inputs] = storesInputsFirst(config) ? [second, first] : [first, second];
      return { path: layer.weight.replace(/\.weight$/, ''), weight: layer.weight, inputs, outputs };
    });
  });
}

/** True: matrices are [in, out] (`Conv1D`, `fan_in_fan_out`), false: [out, in]. */
export function storesInputsFirst({ family }: Pick<DecoderConfig, 'family'>): boolean {
  return family === 'gpt2';
}

/**
 * The layers that the settings name: those whose path is a name, or ends in a dot and the name.
 * @throws TenetError('usage') naming every name that fits no layer, and those that would
 */
export function targetedModules(
  modules: readonly LinearModule[],
  targets: AdapterSettings['targetModules'],
): LinearModule[] {
  if (targets === 'all-linear') return [...modules];
  const fits = ({ path }: LinearModule, target: string): boolean =>
    path === target || path.endsWith(`.${target}`);
  const unknown = targets.filter((target) => !modules.some((module) => fits(module, target)));
  if (unknown.length > 0 || targets.length === 0) {
    const known = [...new Set(modules.map(({ path }) => path.slice(path.lastIndexOf('.') + 1)))];
    const near = unknown[0] && nearest(unknown[0], known);
    throw new TenetError(
      'usage',
      `targetModules: ${unknown.length > 0 ? `no linear layer of this model is called ${unknown.join(', ')}` : 'the list is empty'}` +
        `; it has ${known.join(', ')}, or say all-linear for all of them.${near ? ` Did you mean ${near}?` : ''}`,
    );
  }
  return modules.filter((module) => targets.some((target) => fits(module, target)));
}
