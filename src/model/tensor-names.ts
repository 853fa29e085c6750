/** From the tensor names found in a file to the canonical ones of `parameterSpecs`. */
import { tensorPrefix } from './architectures.ts';
import type { DecoderConfig, DecoderFamily } from './decoder-config.ts';
import { outputProjectionName } from './parameters.ts';

/** Tensors without a gradient that older releases saved along: rotary frequencies and causal masks. */
const buffers: Readonly<Partial<Record<DecoderFamily, RegExp>>> = {
  gpt2: /(^|\.)h\.\d+\.attn\.(bias|masked_bias)$/,
  gpt_neox: /(^|\.)layers\.\d+\.attention\.(bias|masked_bias|rotary_emb\.inv_freq)$/,
};
const rotaryBuffer = /(^|\.)rotary_emb\.inv_freq$/;

/**
 * The canonical name of a tensor in a file; null for one that carries nothing (a buffer).
 * Files saved from the bare decoder lack its prefix (`h.0…` for `transformer.h.0…`): it is added. Names that
 * fit nowhere come back as they are.
 */
export function canonicalName(config: DecoderConfig, name: string): string | null {
  if (rotaryBuffer.test(name) || buffers[config.family]?.test(name)) return null;
  const prefix = tensorPrefix(config.family);
  if (name.startsWith(prefix)) return name;
  if (name === 'lm_head.weight' || name === 'embed_out.weight') return outputProjectionName(config);
  const firstPart = name.split('.', 1)[0];
  return decoderParts[config.family].includes(firstPart) ? prefix + name : name;
}

const llamaParts = ['embed_tokens', 'layers', 'norm'];

/** What the decoder's own names start with, behind the prefix. */
const decoderParts: Readonly<Record<DecoderFamily, readonly string[]>> = {
  llama: llamaParts,
  mistral: llamaParts,
  qwen2: llamaParts,
  qwen3: llamaParts,
  gpt2: ['wte', 'wpe', 'h', 'ln_f'],
  gpt_neox: ['embed_in', 'layers', 'final_layer_norm'],
};
