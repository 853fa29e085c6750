/** From a `DecoderConfig` back to the `config.json` that transformers reads. */
import { TenetError } from '../base/error.ts';
import { architectureName, type ModelHead } from './architectures.ts';
import type { DecoderConfig } from './decoder-config.ts';
import type { FloatDtype } from './float-formats.ts';
import { parseDecoderConfig } from './parse-config.ts';
import { type RewardHeads, rewardHeadsConfig, rewardHeadsKeys, singleHead } from './reward-heads.ts';

/**
 * The configuration to save. Keys of the one that was read are kept; vocabulary size, token ids, context
 * length and tying follow `config`, architecture and dtype what is being saved. A reward model has a label for each
 * score that it gives.
 * @throws TenetError('model') when other fields of `config` were changed so that the file would describe
 * another model; change `source` (or build a new configuration) instead.
 */
export function toHuggingFaceConfig(
  config: DecoderConfig,
  options: { head?: ModelHead; heads?: RewardHeads; dtype?: FloatDtype } = {},
): Record<string, unknown> {
  const { head = 'causal', heads = singleHead, dtype = 'float32' } = options;
  const result: Record<string, unknown> = {
    ...config.source,
    architectures: [architectureName(config.family, head)],
    model_type: config.family,
    vocab_size: config.vocabSize,
    [config.family === 'gpt2' ? 'n_positions' : 'max_position_embeddings']: config.maxPositions,
    tie_word_embeddings: config.tiedEmbeddings,
    bos_token_id: config.bosId,
    eos_token_id: config.eosIds.length > 1 ? [...config.eosIds] : (config.eosIds[0] ?? null),
    pad_token_id: config.padId,
    initializer_range: config.initializerRange,
    dtype,
    torch_dtype: dtype, // what releases before 4.56 read
  };
  for (const key of [...rewardHeadsKeys, '_name_or_path']) delete result[key];
  if (head === 'reward') Object.assign(result, rewardHeadsConfig(heads));
  checkSame(config, parseDecoderConfig(result, 'configuration to be saved'));
  return Object.fromEntries(Object.entries(result).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Refuses to write a configuration that would be read back as another model. */
function checkSame(config: DecoderConfig, written: DecoderConfig): void {
  const differing = (Object.keys(written) as (keyof DecoderConfig)[]).filter(
    (key) => key !== 'source' && JSON.stringify(config[key]) !== JSON.stringify(written[key]),
  );
  if (differing.length === 0) return;
  const changes = differing.map(
    (key) => `${key}: ${JSON.stringify(config[key])}, but its source says ${JSON.stringify(written[key])}`,
  );
  throw new TenetError(
    'model',
    `The configuration was changed away from its source, so it cannot be saved:\n  ${changes.join('\n  ')}\n` +
      'Change the source and parse it again.',
  );
}
