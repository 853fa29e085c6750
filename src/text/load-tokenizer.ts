/** Reads a tokenizer from a Hugging Face model folder. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TenetError } from '../base/index.ts';
import { byteLevelTokenizerJson } from './byte-level-json.ts';
import { Tokenizer } from './tokenizer.ts';
import type { TokenizerConfig, TokenizerJson } from './tokenizer-json.ts';

/** Every file that belongs to a tokenizer; those present travel with models saved later. */
export const TOKENIZER_FILES: readonly string[] = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'chat_template.jinja',
  'vocab.json',
  'merges.txt',
  'tokenizer.model',
];

/** Tokenizer classes whose vocab.json and merges.txt are plain GPT-2 byte-level BPE. */
const GPT2_CLASSES = ['GPT2Tokenizer', 'GPT2TokenizerFast', 'GPTNeoXTokenizer', 'GPTNeoXTokenizerFast'];

/**
 * Loads the tokenizer of a model folder: `tokenizer.json`, or GPT-2's older `vocab.json` with `merges.txt`.
 * @param folder a Hugging Face model folder, or one that holds only a tokenizer.
 * @throws TenetError('model') when the folder has no readable tokenizer, or one of another kind.
 */
export async function loadTokenizer(folder: string): Promise<Tokenizer> {
  if (!(await stat(folder).catch(() => null))?.isDirectory()) {
    throw new TenetError('model', `${folder} is not a folder; give a Hugging Face model folder.`);
  }
  const files = new Map<string, Uint8Array>();
  for (const name of TOKENIZER_FILES) {
    const bytes = await readFile(join(folder, name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw new TenetError('model', `${join(folder, name)} cannot be read: ${error.message}`, {
        cause: error,
      });
    });
    if (bytes) files.set(name, bytes);
  }
  const parse = (name: string): Record<string, unknown> | null => {
    const bytes = files.get(name);
    return bytes ? parseJson(bytes, join(folder, name)) : null;
  };
  const config: TokenizerConfig = { ...parse('special_tokens_map.json'), ...parse('tokenizer_config.json') };
  const added = (parse('added_tokens.json') ?? {}) as Record<string, number>;
  const json = (parse('tokenizer.json') ?? readGpt2Files(folder, files, config, added)) as TokenizerJson;
  return new Tokenizer(json, config, files);
}

/** @param added ids of the tokens that were added to the vocabulary later, by their text */
function readGpt2Files(
  folder: string,
  files: ReadonlyMap<string, Uint8Array>,
  config: TokenizerConfig,
  added: Readonly<Record<string, number>>,
): TokenizerJson {
  const vocab = files.get('vocab.json');
  const merges = files.get('merges.txt');
  if (!vocab || !merges) {
    const hint = files.has('tokenizer.model')
      ? ' It has a SentencePiece tokenizer.model: convert it once with transformers (`use_fast=True`, save_pretrained).'
      : '';
    throw new TenetError(
      'model',
      `${folder} has no tokenizer: expected tokenizer.json, or vocab.json with merges.txt.${hint}`,
    );
  }
  const tokenizerClass = config.tokenizer_class ?? 'GPT2Tokenizer';
  if (!GPT2_CLASSES.includes(String(tokenizerClass))) {
    throw new TenetError(
      'model',
      `${folder} has vocab.json and merges.txt of a ${tokenizerClass}, whose splitting rules are not in these ` +
        `files (they are known for ${GPT2_CLASSES.join(', ')}). Save it with transformers to get a tokenizer.json.`,
    );
  }
  const pairs = new TextDecoder()
    .decode(merges)
    .split(/\r?\n/)
    .filter((line, i) => line !== '' && !(i === 0 && line.startsWith('#version')))
    .map((line) => line.split(' ') as [string, string]);
  const ids = { ...(parseJson(vocab, join(folder, 'vocab.json')) as Record<string, number>), ...added };
  const others = Array.isArray(config.additional_special_tokens) ? config.additional_special_tokens : [];
  const named = [config.bos_token, config.eos_token, config.unk_token, config.pad_token, ...others]
    .map((token) => (typeof token === 'object' ? token?.content : token))
    .filter((content): content is string => typeof content === 'string' && content in ids);
  const json = byteLevelTokenizerJson({
    vocab: ids,
    merges: pairs,
    specialTokens: [...new Set(named)],
    addPrefixSpace: config.add_prefix_space === true,
  });
  const plain = Object.entries(added).filter(([content]) => !named.includes(content));
  const addedTokens = plain.map(([content, id]) => ({ id, content, special: false }));
  return { ...json, added_tokens: [...(json.added_tokens ?? []), ...addedTokens] };
}

function parseJson(bytes: Uint8Array, path: string): Record<string, unknown> {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
  } catch (cause) {
    throw new TenetError('model', `${path} is not valid JSON: ${(cause as Error).message}`, { cause });
  }
}
