/** For tests: a random Llama that is built in a moment. */
import { Random } from '../../base/index.ts';
import type { DecoderConfig } from '../decoder-config.ts';
import { initialiseParameters } from '../initialise.ts';
import { type LlamaShape, makeLlamaConfig } from '../llama-config.ts';
import { ParameterStore } from '../parameter-store.ts';
import { parameterSpecs } from '../parameters.ts';

/** Two layers of grouped-query attention; weights large enough to make distributions far from uniform. */
export function tinyModel(shape: Partial<LlamaShape> = {}): {
  config: DecoderConfig;
  parameters: ParameterStore;
} {
  const config = makeLlamaConfig({
    vocabSize: 29,
    width: 16,
    layers: 2,
    heads: 4,
    kvHeads: 2,
    innerWidth: 24,
    maxPositions: 256,
    initializerRange: 0.4,
    ...shape,
  });
  const parameters = new ParameterStore(parameterSpecs(config));
  initialiseParameters(parameters, new Random(11));
  return { config, parameters };
}
