import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeLlamaConfig } from './llama-config.ts';
import { ParameterStore } from './parameter-store.ts';
import { decoderSpecs, type ParameterSpec, parameterSpecs, scalarHeadSpec } from './parameters.ts';
import { parseDecoderConfig } from './parse-config.ts';

const zeros = { kind: 'zeros' } as const;
const config = makeLlamaConfig({
  vocabSize: 11,
  width: 6,
  layers: 2,
  heads: 3,
  kvHeads: 1,
  innerWidth: 5,
  maxPositions: 8,
});

describe('parameterSpecs', () => {
  it('keeps query, key, value and gate, up next to each other', () => {
    const names = parameterSpecs(config).map(({ name }) => name);
    const attention = 'model.layers.1.self_attn';
    expect(names.slice(names.indexOf(`${attention}.q_proj.weight`)).slice(0, 3)).toEqual([
      `${attention}.q_proj.weight`,
      `${attention}.k_proj.weight`,
      `${attention}.v_proj.weight`,
    ]);
    expect(names[names.indexOf('model.layers.0.mlp.gate_proj.weight') + 1]).toBe(
      'model.layers.0.mlp.up_proj.weight',
    );
    expect(names).not.toContain('lm_head.weight');
  });

  it('adds the output projection when it is not tied, biases when there are some', () => {
    const untied = parseDecoderConfig(
      { ...config.source, tie_word_embeddings: false, attention_bias: true },
      'x',
    );
    const specs = parameterSpecs(untied);
    expect(specs.at(-1)).toMatchObject({ name: 'lm_head.weight', shape: [11, 6] });
    const biases = specs.filter(({ name }) => name.startsWith('model.layers.0') && name.endsWith('.bias'));
    expect(biases.map(({ shape }) => shape)).toEqual([[6], [2], [2], [6]]);
  });

  it('gpt2: [in, out] weights, smaller start for what enters the residual stream', () => {
    const gpt2 = { model_type: 'gpt2', vocab_size: 9, n_embd: 4, n_layer: 8, n_head: 2, n_positions: 7 };
    const specs = new Map(parameterSpecs(parseDecoderConfig(gpt2, 'x')).map((spec) => [spec.name, spec]));
    expect(specs.get('transformer.h.0.attn.c_attn.weight')?.shape).toEqual([4, 12]);
    expect(specs.get('transformer.h.7.mlp.c_proj.weight')).toMatchObject({
      shape: [16, 4],
      initialisation: { kind: 'normal', std: 0.005 }, // 0.02 / √(2 · 8)
    });
    expect(specs.get('transformer.ln_f.weight')?.initialisation).toEqual({ kind: 'ones' });
  });
});

describe('ParameterStore', () => {
  it('lays tensors out aligned, groups without a gap, nothing overlapping', () => {
    const described = fc.array(
      fc.record({ shape: fc.array(fc.nat(5), { maxLength: 3 }), joined: fc.boolean() }),
      {
        minLength: 1,
        maxLength: 12,
      },
    );
    fc.assert(
      fc.property(described, (entries) => {
        let group = 0;
        const specs = entries.map(({ shape, joined }, i): ParameterSpec => {
          if (!joined) group++;
          return { name: `p${i}`, shape, initialisation: zeros, group: `g${group}` };
        });
        const store = new ParameterStore(specs);
        for (const [i, spec] of specs.entries()) store.view(spec.name).fill(i + 1);
        let count = 0;
        let end = 0;
        specs.forEach((spec, i) => {
          const size = spec.shape.reduce((a, b) => a * b, 1);
          count += size;
          expect(store.view(spec.name)).toHaveLength(size);
          expect(store.view(spec.name).every((value) => value === i + 1)).toBe(true);
          const offset = store.offsetOf(spec.name);
          if (spec.group === specs[i - 1]?.group) expect(offset).toBe(end);
          else expect(offset % 16).toBe(0);
          end = offset + size;
        });
        expect(store.count).toBe(count);
      }),
    );
  });

  it('shows fused matrices, and refuses what is not contiguous', () => {
    const store = new ParameterStore(parameterSpecs(config));
    const [q, k, v] = ['q', 'k', 'v'].map((p) => `model.layers.0.self_attn.${p}_proj.weight`);
    store.view(k).fill(3);
    const fused = store.fusedView([q, k, v]); // q [6, 6], k and v [2, 6]
    expect(fused).toHaveLength(60);
    expect(fused.indexOf(3)).toBe(36);
    expect(fused.lastIndexOf(3)).toBe(47);
    expect(() => store.fusedView([q, v])).toThrow(/not contiguous: .*v_proj.weight" starts at/);
  });

  it('copies whole, copies what is shared, clones', () => {
    const policy = new ParameterStore(parameterSpecs(config));
    policy.values.fill(1.5);
    const reward = new ParameterStore([...decoderSpecs(config), scalarHeadSpec(config)]);
    expect(reward.copyShared(policy)).toEqual(['score.weight']);
    expect(reward.view('model.norm.weight')[0]).toBe(1.5);
    expect(reward.view('score.weight')[0]).toBe(0);
    expect(() => reward.copyFrom(policy)).toThrow(/different parameters/);
    const clone = policy.clone();
    clone.values[0] = 9;
    expect(policy.values[0]).toBe(1.5);
    policy.copyFrom(clone);
    expect(policy.values[0]).toBe(9);
    const wider = makeLlamaConfig({
      vocabSize: 12,
      width: 6,
      layers: 2,
      heads: 3,
      innerWidth: 5,
      maxPositions: 8,
    });
    expect(() => reward.copyShared(new ParameterStore(parameterSpecs(wider)))).toThrow(
      /shape \[12,6\] into \[11,6\]/,
    );
  });

  it('has a hash that sees every value, name and shape, and nothing else', () => {
    const spec = (name: string, shape: number[]): ParameterSpec => ({ name, shape, initialisation: zeros });
    const hashOf = (specs: ParameterSpec[], index = -1): string => {
      const store = new ParameterStore(specs);
      if (index >= 0) store.view(specs[0].name)[index] = 1;
      return store.hash();
    };
    const hashes = [
      hashOf([spec('a', [2, 3])]),
      hashOf([spec('a', [3, 2])]),
      hashOf([spec('b', [2, 3])]),
      hashOf([spec('a', [2, 3])], 0),
      hashOf([spec('a', [2, 3])], 5),
    ];
    expect(new Set(hashes).size).toBe(5);
    expect(hashOf([{ ...spec('a', [2, 3]), group: 'g' }])).toBe(hashes[0]);
    // printf '["a",[1]]\n\0\0\0\0' | sha256sum
    expect(hashOf([spec('a', [1])])).toBe(
      'sha256:ffd8562c1b8d55dbce79ddf56104b1415fbbdc1e874d97fe6ece95f37dcaad0e',
    );
  });

  it('says which name is unknown or repeated', () => {
    const store = new ParameterStore(parameterSpecs(config));
    expect(() => store.view('model.norm.wieght')).toThrow(/Did you mean "model.norm.weight"/);
    expect(() => new ParameterStore([...store.specs, store.specs[0]])).toThrow(/named twice/);
  });
});
