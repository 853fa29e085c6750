/** The rotary part of a configuration, in the layout of transformers 5 or of the releases before it. */
import type { RopeKeys, RotaryKeys } from './config-keys.ts';
import type { RotaryConfig } from './decoder-config.ts';
import { type RotaryParameters, rotaryConfig } from './rotary-frequencies.ts';

interface RotarySource {
  readonly keys: RotaryKeys;
  readonly maxPositions: number;
  readonly headWidth: number;
  /** Share of a head's dimensions that is rotated, and θ, where the rotary keys do not say. */
  readonly share: number;
  readonly theta: number;
}

const requiredKeys: Readonly<Record<RotaryParameters['type'], readonly (keyof RopeKeys)[]>> = {
  default: [],
  linear: ['factor'],
  dynamic: ['factor'],
  yarn: ['factor'],
  llama3: ['factor', 'low_freq_factor', 'high_freq_factor'],
};
const supportedTypes = Object.keys(requiredKeys) as readonly RotaryParameters['type'][];

/**
 * Reads `rope_parameters` (transformers 5: θ inside), or `rope_scaling` beside `rope_theta`; the older key
 * wins where both are given, as in transformers. Problems are added to the list.
 */
export function readRotary(source: RotarySource, problems: string[]): RotaryConfig | null {
  const { keys, maxPositions, headWidth } = source;
  const where = keys.rope_scaling ? 'rope_scaling' : 'rope_parameters';
  const rope: RopeKeys = keys.rope_scaling ?? keys.rope_parameters ?? {};
  const before = problems.length;
  for (const name of ['full_attention', 'sliding_attention']) {
    if (name in rope)
      problems.push(`${where}.${name}: separate rotary settings per kind of layer are not supported`);
  }
  const typeName = rope.rope_type ?? rope.type ?? 'default';
  const type = supportedTypes.find((known) => known === typeName);
  if (!type) {
    problems.push(
      `${where}.rope_type: "${typeName}" is not supported; supported are ${supportedTypes.join(', ')}`,
    );
  }
  const share = rope.partial_rotary_factor ?? source.share;
  const dimensions = Math.floor(headWidth * share);
  if (source.share === 1 && share !== 1) {
    problems.push(`${where}.partial_rotary_factor: ${share} is not supported here, only 1`);
  } else if (dimensions < 1 || dimensions + (dimensions % 2) > headWidth) {
    problems.push(`${where}: ${dimensions} rotated dimensions (in pairs) do not fit heads of ${headWidth}`);
  }
  for (const key of requiredKeys[type ?? 'default']) {
    if (typeof rope[key] !== 'number') problems.push(`${where}.${key}: missing; rope_type ${type} needs it`);
  }
  if (problems.length > before || !type) return null;
  const parameters: RotaryParameters = {
    type,
    theta: rope.rope_theta ?? keys.rope_theta ?? source.theta,
    factor: rope.factor ?? 1,
    originalMaxPositions:
      keys.original_max_position_embeddings ?? rope.original_max_position_embeddings ?? maxPositions,
    lowFrequencyFactor: rope.low_freq_factor ?? 1,
    highFrequencyFactor: rope.high_freq_factor ?? 1,
    betaFast: rope.beta_fast ?? 32,
    betaSlow: rope.beta_slow ?? 1,
    attentionFactor: rope.attention_factor ?? null,
    mscale: rope.mscale ?? null,
    mscaleAllDimensions: rope.mscale_all_dim ?? null,
    truncate: rope.truncate ?? true,
  };
  return rotaryConfig(dimensions, parameters);
}
