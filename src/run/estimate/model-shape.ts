/** The sizes of a model that decide what computing with it costs. */
import { linearModules, targetedModules } from '../../model/adapter/target-modules.ts';
import type { DecoderConfig } from '../../model/index.ts';
import { parameterSpecs } from '../../model/index.ts';
import type { AdapterOptions } from '../adapter-option.ts';

/** Parameters of an adapter. */
export function adapterParametersOf(
  config: DecoderConfig,
  { type, rank, targetModules }: AdapterOptions,
): number {
  const shapes = new Map(parameterSpecs(config).map(({ name, shape }) => [name, shape]));
  const all = linearModules(config, { shapeOf: (name) => shapes.get(name)! });
  return targetedModules(all, targetModules).reduce(
    (sum, { inputs, outputs }) => sum + rank * (inputs + outputs) + (type === 'dora' ? outputs : 0),
    0,
  );
}

export interface ModelShape {
  /** N: all parameters. */
  readonly parameters: number;
  /** N_body: those of the matrices that every token is multiplied with; no embeddings, output, norms, biases. */
  readonly bodyParameters: number;
  readonly layers: number;
  readonly width: number;
  /** H */
  readonly heads: number;
  /** H·W */
  readonly queryWidth: number;
  /** K·W */
  readonly keyWidth: number;
  readonly innerWidth: number;
  readonly vocabSize: number;
}

export function shapeOf(config: DecoderConfig): ModelShape {
  const { layers, width, heads, kvHeads, headWidth, innerWidth, vocabSize } = config;
  const sizes = parameterSpecs(config).map(({ name, shape }) => ({
    size: shape.reduce((a, b) => a * b, 1),
    isBody: shape.length === 2 && /\.\d+\./.test(name), // matrices of a numbered layer
  }));
  const total = (list: typeof sizes): number => list.reduce((sum, { size }) => sum + size, 0);
  return {
    parameters: total(sizes),
    bodyParameters: total(sizes.filter(({ isBody }) => isBody)),
    layers,
    width,
    heads,
    queryWidth: heads * headWidth,
    keyWidth: kvHeads * headWidth,
    innerWidth,
    vocabSize,
  };
}
