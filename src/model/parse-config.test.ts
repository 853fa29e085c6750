import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TenetError } from '../base/error.ts';
import { sharedData } from '../base/testing.ts';
import { headOf } from './architectures.ts';
import { toHuggingFaceConfig } from './hugging-face-config.ts';
import { makeLlamaConfig } from './llama-config.ts';
import { parseDecoderConfig } from './parse-config.ts';

const llama = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  vocab_size: 100,
  hidden_size: 48,
  intermediate_size: 96,
  num_hidden_layers: 3,
  num_attention_heads: 6,
};

function messageOf(json: unknown): string {
  try {
    parseDecoderConfig(json, 'm/config.json');
  } catch (error) {
    expect(TenetError.is(error) && error.code).toBe('model');
    return (error as Error).message;
  }
  throw new Error('was accepted');
}

describe('families', () => {
  it('llama: defaults of the class for keys that are left out', () => {
    expect(parseDecoderConfig(llama, 'x')).toMatchObject({
      family: 'llama',
      kvHeads: 6,
      headWidth: 8,
      maxPositions: 2048,
      normEps: 1e-6,
      activation: 'silu',
      gated: true,
      tiedEmbeddings: false,
      queryKeyValueBias: false,
      slidingWindows: [null, null, null],
      bosId: null,
      eosIds: [],
      initializerRange: 0.02,
    });
  });

  it('llama: biases, head width, several end tokens, -1 for none', () => {
    const config = parseDecoderConfig(
      {
        ...llama,
        attention_bias: true,
        mlp_bias: true,
        head_dim: 10,
        eos_token_id: [2, 5],
        pad_token_id: -1,
      },
      'x',
    );
    expect(config).toMatchObject({
      queryKeyValueBias: true,
      attentionOutputBias: true,
      feedForwardBias: true,
      headWidth: 10,
      eosIds: [2, 5],
      padId: null,
    });
  });

  it('mistral: one window for all layers, or none', () => {
    const mistral = {
      ...llama,
      architectures: ['MistralForCausalLM'],
      model_type: 'mistral',
      num_key_value_heads: 2,
    };
    expect(parseDecoderConfig({ ...mistral, sliding_window: 8 }, 'x').slidingWindows).toEqual([8, 8, 8]);
    expect(parseDecoderConfig({ ...mistral, sliding_window: null }, 'x').slidingWindows).toEqual([
      null,
      null,
      null,
    ]);
    expect(parseDecoderConfig(mistral, 'x').slidingWindows).toEqual([4096, 4096, 4096]);
  });

  it('qwen2: windows from max_window_layers or layer_types, only when switched on', () => {
    const qwen = {
      ...llama,
      architectures: ['Qwen2ForCausalLM'],
      model_type: 'qwen2',
      num_key_value_heads: 2,
    };
    const windows = (more: object): unknown => parseDecoderConfig({ ...qwen, ...more }, 'x').slidingWindows;
    expect(windows({ sliding_window: 8 })).toEqual([null, null, null]);
    expect(windows({ sliding_window: 8, use_sliding_window: true, max_window_layers: 1 })).toEqual([
      null,
      8,
      8,
    ]);
    const layer_types = ['sliding_attention', 'full_attention', 'sliding_attention'];
    expect(windows({ sliding_window: 8, use_sliding_window: true, layer_types })).toEqual([8, null, 8]);
    expect(() => windows({ layer_types })).toThrow(
      /names sliding_attention, but use_sliding_window is false/,
    );
    expect(() => windows({ layer_types: ['full_attention'] })).toThrow(/1 entries for 3 layers/);
    expect(parseDecoderConfig(qwen, 'x')).toMatchObject({
      queryKeyValueBias: true,
      attentionOutputBias: false,
    });
    // Its class in transformers names no head_dim, and its attention reads one that the file has, as Llama's does.
    expect(parseDecoderConfig({ ...qwen, head_dim: 10 }, 'x').headWidth).toBe(10);
  });

  it('qwen3: heads of 128 unless said otherwise, query and key norms', () => {
    const qwen = {
      ...llama,
      architectures: ['Qwen3ForCausalLM'],
      model_type: 'qwen3',
      num_key_value_heads: 2,
    };
    expect(parseDecoderConfig(qwen, 'x')).toMatchObject({
      headWidth: 128,
      queryKeyNorm: true,
      queryKeyValueBias: false,
    });
  });

  it('gpt2: inner width four times the width, tied', () => {
    const gpt2 = {
      model_type: 'gpt2',
      vocab_size: 9,
      n_embd: 12,
      n_layer: 1,
      n_head: 3,
      n_positions: 7,
      n_inner: null,
    };
    expect(parseDecoderConfig(gpt2, 'x')).toMatchObject({
      innerWidth: 48,
      headWidth: 4,
      maxPositions: 7,
      rotary: null,
      norm: 'layer',
      activation: 'gelu_tanh',
      tiedEmbeddings: true,
    });
    expect(messageOf({ ...gpt2, scale_attn_by_inverse_layer_idx: true })).toMatch(
      /scale_attn_by_inverse_layer_idx/,
    );
  });

  it('gpt_neox: parallel residual and biases unless switched off', () => {
    const neox = { ...llama, architectures: ['GPTNeoXForCausalLM'], model_type: 'gpt_neox' };
    expect(parseDecoderConfig(neox, 'x')).toMatchObject({
      parallelResidual: true,
      attentionOutputBias: true,
    });
    expect(
      parseDecoderConfig({ ...neox, use_parallel_residual: false, attention_bias: false }, 'x'),
    ).toMatchObject({
      parallelResidual: false,
      attentionOutputBias: false,
      queryKeyValueBias: false,
      feedForwardBias: true,
    });
  });
});

describe('refusals', () => {
  it('an unknown family or architecture, with the supported ones and the nearest', () => {
    expect(messageOf({ ...llama, model_type: 'lama' })).toMatch(
      /"lama" is not supported. Supported: llama, mistral.*Did you mean llama/s,
    );
    expect(messageOf({ ...llama, model_type: 'bert' })).toMatch(/model_type "bert" is not supported/);
    expect(messageOf({ ...llama, architectures: ['LlamaForCausalML'] })).toMatch(
      /Did you mean LlamaForCausalLM/,
    );
    expect(messageOf({ ...llama, architectures: ['MistralForCausalLM'] })).toMatch(
      /architecture for llama "MistralForCausalLM"/,
    );
    expect(messageOf({})).toMatch(/model_type is missing/);
    expect(messageOf([])).toMatch(/must be a JSON object/);
  });

  it('every missing and mistyped key at once', () => {
    const message = messageOf({
      model_type: 'llama',
      vocab_size: '100',
      hidden_size: -4,
      rms_norm_eps: 'small',
    });
    for (const key of [
      'vocab_size: "100"',
      'hidden_size: -4',
      'rms_norm_eps: "small"',
      'num_hidden_layers: missing',
    ]) {
      expect(message).toContain(key);
    }
  });

  it('sizes that do not fit together, all at once', () => {
    const message = messageOf({
      ...llama,
      hidden_size: 50,
      num_key_value_heads: 4,
      eos_token_id: 100,
      quantization_config: { bits: 4 },
    });
    expect(message).toMatch(/hidden_size: 50 is not divisible by num_attention_heads 6/);
    expect(message).toMatch(/num_key_value_heads: 4 does not divide num_attention_heads 6/);
    expect(message).toMatch(/eos_token_id: 100 is outside the vocabulary of 100/);
    expect(message).toMatch(/quantised weights cannot be trained/);
  });

  it('rotary settings it cannot honour', () => {
    const withRope = (rope_parameters: object): string => messageOf({ ...llama, rope_parameters });
    expect(withRope({ rope_type: 'longrope' })).toMatch(
      /"longrope" is not supported; supported are default, linear/,
    );
    expect(withRope({ rope_type: 'llama3', factor: 8 })).toMatch(
      /low_freq_factor: missing.*\n.*high_freq_factor: missing/,
    );
    expect(withRope({ partial_rotary_factor: 0.5 })).toMatch(
      /partial_rotary_factor: 0.5 is not supported here/,
    );
    expect(withRope({ full_attention: { rope_theta: 1 } })).toMatch(/per kind of layer/);
    expect(messageOf({ ...llama, hidden_act: 'tanh' })).toMatch(/hidden_act: "tanh": .*silu, swish/);
  });
});

it('survives hostile values: a TenetError or a configuration, nothing else', () => {
  const sources = [
    {
      ...llama,
      rope_parameters: { rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4 },
    },
    {
      ...llama,
      model_type: 'qwen2',
      architectures: ['Qwen2ForCausalLM'],
      rope_scaling: { type: 'yarn', factor: 2 },
    },
    { model_type: 'gpt2', vocab_size: 9, n_embd: 12, n_layer: 1, n_head: 3, n_positions: 7 },
    { ...llama, model_type: 'gpt_neox', architectures: ['GPTNeoXModel'], rotary_pct: 0.25 },
  ];
  const hostile = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom(
      0,
      -1,
      0.5,
      1,
      2,
      3,
      1e15,
      1e300,
      2 ** 31,
      '',
      null,
      'full_attention',
      ['full_attention'],
      {},
    ),
  );
  const extraKeys = [
    'layer_types',
    'use_sliding_window',
    'sliding_window',
    'head_dim',
    'rope_theta',
    '__proto__',
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...sources),
      fc.array(fc.tuple(fc.nat(), hostile), { maxLength: 3 }),
      (source, edits) => {
        const entries = Object.entries(structuredClone(source) as Record<string, unknown>);
        const keys = [...entries.map(([key]) => key), ...extraKeys];
        const edited = Object.fromEntries([
          ...entries,
          ...edits.map(([i, value]) => [keys[i % keys.length], value]),
        ]);
        try {
          const { layers, slidingWindows } = parseDecoderConfig(edited, 'fuzzed');
          expect(slidingWindows).toHaveLength(layers);
        } catch (error) {
          if (!TenetError.is(error)) throw error;
        }
      },
    ),
    { numRuns: 3000 },
  );
});

describe('toHuggingFaceConfig', () => {
  it('keeps unknown keys and follows the configuration where it changed', () => {
    const config = parseDecoderConfig(
      { ...llama, my_key: [1], bos_token_id: 1, torch_dtype: 'bfloat16' },
      'x',
    );
    const saved = toHuggingFaceConfig(
      { ...config, vocabSize: 101, padId: 100, eosIds: [2, 3] },
      { dtype: 'float16' },
    );
    expect(saved).toMatchObject({
      my_key: [1],
      vocab_size: 101,
      pad_token_id: 100,
      eos_token_id: [2, 3],
      bos_token_id: 1,
      dtype: 'float16',
      torch_dtype: 'float16',
      architectures: ['LlamaForCausalLM'],
    });
    expect(Object.keys(saved)).toEqual(Object.keys(saved).sort());
  });

  it('names the architecture and the single label of a reward model, and takes them away again', () => {
    const config = parseDecoderConfig(llama, 'x');
    const reward = toHuggingFaceConfig(config, { head: 'reward' });
    expect(reward).toMatchObject({
      architectures: ['LlamaForSequenceClassification'],
      id2label: { 0: 'LABEL_0' },
    });
    expect(headOf(reward)).toBe('reward');
    const back = toHuggingFaceConfig(parseDecoderConfig(reward, 'x'));
    expect(back).not.toHaveProperty('id2label');
    expect(headOf(back)).toBe('causal');
  });

  it('refuses to save a configuration that was changed behind its source', () => {
    const config = parseDecoderConfig(llama, 'x');
    expect(() => toHuggingFaceConfig({ ...config, layers: 2, slidingWindows: [null, null] })).toThrow(
      /layers: 2, but its source says 3/,
    );
  });
});

it('makes a new Llama configuration, or says which sizes do not fit', () => {
  const shape = {
    vocabSize: 64,
    width: 32,
    layers: 2,
    heads: 4,
    kvHeads: 2,
    innerWidth: 80,
    maxPositions: 128,
  };
  expect(makeLlamaConfig({ ...shape, eosId: 0 })).toMatchObject({
    family: 'llama',
    headWidth: 8,
    kvHeads: 2,
    tiedEmbeddings: true,
    eosIds: [0],
    normEps: 1e-5,
  });
  expect(() => makeLlamaConfig({ ...shape, heads: 5 })).toThrow(
    /hidden_size: 32 is not divisible by num_attention_heads 5/,
  );
});

const names = [
  'llama-tied-gqa',
  'llama3-rope-scaling',
  'mistral-sliding-window',
  'qwen2',
  'qwen3',
  'gpt2',
  'gpt-neox',
];
it.skipIf(sharedData('models/reference') === null).each(names)(
  '%s: read, written and read again is the same',
  (name) => {
    const path = sharedData(`models/reference/${name}/config.json`) as string;
    const config = parseDecoderConfig(JSON.parse(readFileSync(path, 'utf8')), path);
    const { source, ...again } = parseDecoderConfig(toHuggingFaceConfig(config), 'x');
    const { source: original, ...first } = config;
    expect(again).toEqual(first);
    expect(source).toMatchObject(original);
  },
);
