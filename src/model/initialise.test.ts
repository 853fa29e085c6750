import { expect, it } from 'vitest';
import { Random } from '../base/random.ts';
import { initialiseParameters } from './initialise.ts';
import { makeLlamaConfig } from './llama-config.ts';
import { ParameterStore } from './parameter-store.ts';
import { parameterSpecs, scalarHeadSpec } from './parameters.ts';

const config = makeLlamaConfig({
  vocabSize: 500,
  width: 64,
  layers: 2,
  heads: 4,
  innerWidth: 96,
  maxPositions: 32,
  initializerRange: 0.03,
});

function fresh(seed: number, withHead = false): ParameterStore {
  const store = new ParameterStore([
    ...parameterSpecs(config),
    ...(withHead ? [scalarHeadSpec(config)] : []),
  ]);
  initialiseParameters(store, new Random(seed));
  return store;
}

it('draws what the specs say', () => {
  const store = fresh(1);
  const embedding = store.view('model.embed_tokens.weight'); // 32,000 draws
  const meanSquare = embedding.reduce((sum, x) => sum + x * x, 0) / embedding.length;
  // Standard error of the estimated standard deviation: σ / √(2n) = 1.2e-4.
  expect(Math.abs(Math.sqrt(meanSquare) - 0.03)).toBeLessThan(6e-4);
  expect(store.view('model.norm.weight').every((x) => x === 1)).toBe(true);
});

it('same seed, same weights; other seed, other weights; a head changes nothing else', () => {
  expect(fresh(1).hash()).toBe(fresh(1).hash());
  expect(fresh(1).hash()).not.toBe(fresh(2).hash());
  const name = 'model.layers.1.mlp.down_proj.weight';
  expect(fresh(1, true).view(name)).toEqual(fresh(1).view(name));
  const other = 'model.layers.0.mlp.down_proj.weight';
  expect(fresh(1).view(name)).not.toEqual(fresh(1).view(other));
});

it('can draw only some parameters', () => {
  const store = new ParameterStore([...parameterSpecs(config), scalarHeadSpec(config)]);
  initialiseParameters(store, new Random(1), ['score.weight']);
  expect(store.view('model.norm.weight')[0]).toBe(0);
  expect(store.view('score.weight').some((x) => x !== 0)).toBe(true);
});
