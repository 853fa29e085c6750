import { expect, it } from 'vitest';
import { makeLlamaConfig } from './llama-config.ts';
import { parseDecoderConfig } from './parse-config.ts';

// inv_freq and attention_scaling of LlamaRotaryEmbedding, transformers 5.18.0, torch 2.13.0, float32.
const plain = [
  1.0, 0.3162277638912201, 0.10000000149011612, 0.03162277862429619, 0.009999999776482582,
  0.003162277862429619, 0.0010000000474974513, 0.0003162277862429619,
];
const golden = [
  { rope: { rope_type: 'default', rope_theta: 10000 }, frequencies: plain, attentionFactor: 1 },
  {
    rope: { rope_type: 'linear', factor: 3, rope_theta: 10000 },
    frequencies: [
      0.3333333432674408, 0.10540925711393356, 0.03333333507180214, 0.010540925897657871,
      0.003333333181217313, 0.0010540926596149802, 0.0003333333588670939, 0.0001054092645063065,
    ],
    attentionFactor: 1,
  },
  { rope: { rope_type: 'dynamic', factor: 3, rope_theta: 10000 }, frequencies: plain, attentionFactor: 1 },
  {
    rope: {
      rope_type: 'llama3',
      factor: 8,
      rope_theta: 500000,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 8192,
    },
    frequencies: [
      1.0, 0.44036662578582764, 0.193922758102417, 0.08539710193872452, 0.03760603070259094,
      0.016560440883040428, 0.00729266507551074, 0.0032114461064338684, 0.0005248460220173001,
      7.784655463183299e-5, 3.428102354519069e-5, 1.5096217794052791e-5, 6.647869668086059e-6,
      2.927499735960737e-6, 1.289173155782919e-6, 5.677088097399974e-7,
    ],
    attentionFactor: 1,
  },
  {
    rope: { rope_type: 'yarn', factor: 4, rope_theta: 1000000, original_max_position_embeddings: 32768 },
    frequencies: [
      1.0, 0.4216965138912201, 0.17782793939113617, 0.07498941570520401, 0.03162277862429619,
      0.01333521492779255, 0.00477990135550499, 0.001659961650148034, 0.0005499999970197678,
      0.00016867858357727528, 4.4456985051510856e-5, 1.8747356079984456e-5, 7.905693564680405e-6,
      3.3338035336782923e-6, 1.405853367941745e-6, 5.928434347879374e-7,
    ],
    attentionFactor: 1.138629436111989,
  },
  {
    rope: {
      rope_type: 'yarn',
      factor: 40,
      rope_theta: 10000,
      original_max_position_embeddings: 4096,
      beta_fast: 16,
      beta_slow: 2,
      mscale: 0.7,
      mscale_all_dim: 1.2,
      truncate: false,
    },
    frequencies: [
      1.0, 0.3162277638912201, 0.10000000149011612, 0.03162277862429619, 0.005790104623883963,
      0.00012395245721563697, 2.499999936844688e-5, 7.905694474175107e-6,
    ],
    attentionFactor: 0.8721505655360163,
  },
  {
    rope: {
      rope_type: 'yarn',
      factor: 4,
      rope_theta: 10000,
      original_max_position_embeddings: 2048,
      attention_factor: 1.25,
    },
    frequencies: [
      1.0, 0.3162277638912201, 0.10000000149011612, 0.025693506002426147, 0.00624999962747097,
      0.0013834965648129582, 0.0002500000118743628, 7.905694656074047e-5,
    ],
    attentionFactor: 1.25,
  },
];

const source = makeLlamaConfig({
  vocabSize: 8,
  width: 64,
  layers: 1,
  heads: 4,
  innerWidth: 8,
  maxPositions: 2048,
}).source;

it.each(golden)(
  '$rope.rope_type agrees with transformers, in the new layout and the older one',
  (expected) => {
    const headWidth = 2 * expected.frequencies.length;
    const { rope_theta: theta, rope_type: type, ...rest } = expected.rope;
    const layouts = [
      { ...source, head_dim: headWidth, rope_parameters: expected.rope },
      { ...source, head_dim: headWidth, rope_theta: theta, rope_scaling: { type, ...rest } },
    ];
    for (const layout of layouts) {
      const { rotary } = parseDecoderConfig(layout, 'test');
      expect(rotary?.dimensions).toBe(headWidth);
      expect(rotary?.attentionFactor).toBeCloseTo(expected.attentionFactor, 12);
      expected.frequencies.forEach((frequency, i) => {
        // Two units in the last place of float32: torch and V8 may round a power differently.
        expect(Math.abs(rotary!.inverseFrequencies[i] / frequency - 1)).toBeLessThan(2.4e-7);
      });
    }
  },
);

it('turns a part of each head in GPT-NeoX, rounded up to whole pairs', () => {
  const neox = {
    model_type: 'gpt_neox',
    vocab_size: 8,
    hidden_size: 48,
    intermediate_size: 96,
    num_hidden_layers: 1,
    num_attention_heads: 4,
  };
  // Heads of 12, a quarter of them: 3 dimensions, so 2 pairs with exponents 0 and 2/3. 10000^(-2/3) = 0.00215443
  for (const rope of [
    { rotary_pct: 0.25 },
    { rope_parameters: { partial_rotary_factor: 0.25, rope_theta: 1e4 } },
  ]) {
    const { rotary } = parseDecoderConfig({ ...neox, ...rope }, 'test');
    expect(rotary?.dimensions).toBe(4);
    expect(rotary?.inverseFrequencies[1]).toBeCloseTo(0.00215443469, 9);
  }
});
