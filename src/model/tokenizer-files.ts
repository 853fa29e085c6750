/** The files of a model folder that belong to its tokenizer. They are carried along unchanged. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Names that Hugging Face tokenizers use. */
export const tokenizerFileNames: readonly string[] = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'merges.txt',
  'tokenizer.model',
  'chat_template.jinja',
  'chat_template.json',
];

/** Those of the given files that belong to a tokenizer, by name. */
export async function readTokenizerFiles(
  folder: string,
  fileNames: readonly string[],
): Promise<Map<string, Uint8Array>> {
  const present = tokenizerFileNames.filter((name) => fileNames.includes(name));
  const contents = await Promise.all(present.map((name) => readFile(join(folder, name))));
  return new Map(present.map((name, i) => [name, contents[i]]));
}
