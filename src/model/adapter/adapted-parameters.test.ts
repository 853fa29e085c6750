import { describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import * as tensor from '../../tensor/index.ts';
import { checkGradients } from '../../tensor/testing/index.ts';
import type { DecoderConfig } from '../decoder-config.ts';
import { initialiseParameters } from '../initialise.ts';
import { ParameterStore } from '../parameter-store.ts';
import { parameterSpecs } from '../parameters.ts';
import { parseDecoderConfig } from '../parse-config.ts';
import { largestDifference } from '../testing/largest-difference.ts';
import { LossGraph } from '../testing/loss-graph.ts';
import { tinyModel } from '../testing/tiny-model.ts';
import { tokenRows } from '../testing/token-rows.ts';
import { adaptedLinear } from './adapted-linear.ts';
import { type AdaptedParameters, adapterNames, adaptParameters } from './adapted-parameters.ts';
import type { AdapterSettings } from './adapter-settings.ts';
import { mergeAdapter } from './merge.ts';
import { linearModules, storesInputsFirst } from './target-modules.ts';

const settings: AdapterSettings = {
  type: 'lora',
  rank: 3,
  alpha: 5,
  rsLora: false,
  dropout: 0,
  targetModules: 'all-linear',
};

/** Small random models of the layouts there are: separate matrices, [in, out] matrices, interleaved ones. */
const families: readonly [string, () => { config: DecoderConfig; parameters: ParameterStore }][] = [
  ['llama', tinyModel],
  ['gpt2', () => random({ model_type: 'gpt2', n_embd: 16, n_layer: 2, n_head: 4, n_positions: 32 })],
  [
    'gpt_neox',
    () =>
      random({
        model_type: 'gpt_neox',
        ...{ hidden_size: 16, num_hidden_layers: 2, num_attention_heads: 4, intermediate_size: 24 },
        max_position_embeddings: 32,
      }),
  ],
];

function random(source: Record<string, unknown>): { config: DecoderConfig; parameters: ParameterStore } {
  const config = parseDecoderConfig({ vocab_size: 29, initializer_range: 0.4, ...source }, 'config.json');
  const parameters = new ParameterStore(parameterSpecs(config));
  initialiseParameters(parameters, new Random(11));
  return { config, parameters };
}

/** An adapter that has learnt something. */
function trained(
  config: DecoderConfig,
  base: ParameterStore,
  some: Partial<AdapterSettings> = {},
): AdaptedParameters {
  const adapted = adaptParameters(config, base, { ...settings, ...some }, { random: new Random(5) });
  const draws = new Random(6);
  for (const { path } of adapted.modules) {
    const b = adapted.view(adapterNames(path).b);
    for (let i = 0; i < b.length; i++) b[i] = 0.3 * draws.normal();
    if (some.type === 'dora') {
      const magnitude = adapted.view(adapterNames(path).magnitude);
      for (let i = 0; i < magnitude.length; i++) magnitude[i] *= 1 + 0.3 * draws.normal();
    }
  }
  return adapted;
}

const batch = tokenRows([[[3, 7, 1, 9, 22, 4]], [[5, 5, 28]]]);

async function evaluate(config: DecoderConfig, parameters: ParameterStore) {
  const graph = await LossGraph.create(config, parameters);
  const values = await graph.run(batch);
  await graph.release();
  return values;
}

describe.each(families)('an adapter on %s', (_, make) => {
  const { config, parameters: base } = make();

  it.each(['lora', 'dora'] as const)('changes nothing while it is fresh: %s', async (type) => {
    const fresh = adaptParameters(config, base, { ...settings, type }, { random: new Random(1) });
    const [plain, adapted] = [await evaluate(config, base), await evaluate(config, fresh)];
    // DoRA divides magnitudes by lengths that it computes anew, in another order.
    expect(largestDifference(adapted.logProbs, plain.logProbs)).toBeLessThanOrEqual(
      type === 'lora' ? 0 : 2e-5,
    );
  });

  it.each([
    ['LoRA', {}],
    ['rsLoRA', { rsLora: true }],
    ['DoRA', { type: 'dora' as const }],
    ['some layers', { targetModules: [linearModules(config, base)[0].path.split('.').at(-1)!] }],
  ])('merged computes the same as beside the weights: %s', async (_name, some) => {
    const adapted = trained(config, base, some);
    const merged = await mergeAdapter(config, adapted);
    expect(merged.names).toEqual(base.names);
    const [beside, inside] = [await evaluate(config, adapted), await evaluate(config, merged)];
    const plain = await evaluate(config, base);
    expect(largestDifference(beside.logProbs, inside.logProbs)).toBeLessThan(1e-4);
    expect(largestDifference(beside.logProbs, plain.logProbs)).toBeGreaterThan(0.1);
  });

  it('has the gradients that the chain rule gives from those of the merged matrices', async () => {
    // W' = W + s B A, so dB = s dW' Aᵀ and dA = s Bᵀ dW'; both from full gradients of the merged model.
    const adapted = trained(config, base);
    const scale = 5 / 3;
    const { gradients } = await evaluate(config, adapted);
    const merged = await evaluate(config, await mergeAdapter(config, adapted));
    for (const { path, weight, inputs, outputs, rank } of adapted.modules) {
      const full = merged.gradients.get(weight)!;
      const at = (o: number, i: number): number =>
        storesInputsFirst(config) ? full[i * outputs + o] : full[o * inputs + i];
      const { a, b } = adapterNames(path);
      const [A, B] = [adapted.view(a), adapted.view(b)];
      const expectedA = new Float64Array(rank * inputs);
      const expectedB = new Float64Array(outputs * rank);
      for (let o = 0; o < outputs; o++) {
        for (let i = 0; i < inputs; i++) {
          for (let r = 0; r < rank; r++) {
            expectedA[r * inputs + i] += scale * B[o * rank + r] * at(o, i);
            expectedB[o * rank + r] += scale * at(o, i) * A[r * inputs + i];
          }
        }
      }
      expect(largestDifference(gradients.get(a)!, expectedA)).toBeLessThan(1e-4);
      expect(largestDifference(gradients.get(b)!, expectedB)).toBeLessThan(1e-4);
    }
  });
});

describe('adapters', () => {
  const { config, parameters: base } = tinyModel();

  it('share their base: only A and B are their own', () => {
    const adapted = trained(config, base);
    // Per layer: q and o 16→16, k and v 16→8, gate and up 16→24, down 24→16; rank 3 times inputs and outputs.
    expect(adapted.count).toBe(2 * 3 * (2 * 32 + 2 * 24 + 2 * 40 + 40));
    expect(adapted.owns('model.norm.weight')).toBe(false);
    expect(adapted.view('model.norm.weight').buffer).toBe(base.values.buffer);
    const copy = adapted.clone();
    expect(copy.base).toBe(base);
    expect(copy.values).toEqual(adapted.values);
    expect(copy.values.buffer).not.toBe(adapted.values.buffer);
  });

  it('are told apart by what they and their bases hold', () => {
    const adapted = trained(config, base);
    const same = adapted.clone();
    expect(same.hash()).toBe(adapted.hash());
    same.values[0] += 1;
    expect(same.hash()).not.toBe(adapted.hash());
    const other = tinyModel({ initializerRange: 0.3 }).parameters;
    expect(trained(config, other).hash()).not.toBe(adapted.hash());
  });

  it('refuse layers that the model does not have, another adapter as base, and being lost in a copy', () => {
    const adapt = (targetModules: readonly string[]) => trained(config, base, { targetModules });
    expect(() => adapt(['q_prj'])).toThrow(
      'no linear layer of this model is called q_prj; it has q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj, or say all-linear for all of them. Did you mean q_proj?',
    );
    expect(() => adapt([])).toThrow('targetModules: the list is empty');
    expect(() => adaptParameters(config, adapt(['q_proj']), settings, { random: new Random(1) })).toThrow(
      'not on another adapter',
    );
    expect(() => new ParameterStore(parameterSpecs(config)).copyShared(adapt(['q_proj']))).toThrow(
      'Cannot copy "model.layers.0.self_attn.q_proj.weight" without its adapter',
    );
  });
});

describe('adaptedLinear', () => {
  it('has the gradients of finite differences', async () => {
    const shapes = { x: [2, 3, 5], W: [4, 5], V: [6, 5], a: [2, 5], b: [4, 2], c: [3, 5], d: [6, 3] };
    await checkGradients(
      (_graph, { x, W, V, a, b, c, d }) => {
        const layers = [
          { matrix: W, bias: null, lowRank: { a, b, scale: 0.7, magnitude: null } },
          { matrix: V, bias: null, lowRank: { a: c, b: d, scale: 1.3, magnitude: null } },
        ];
        const { linear, add, sum, square } = tensor;
        const [y, z] = adaptedLinear(x, layers, {
          plain: (matrix) => linear(x, matrix),
          inputsFirst: false,
          dropout: null,
        });
        return add(sum(square(y)), sum(square(z)));
      },
      Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, { shape }])) as never,
    );
  });
});
