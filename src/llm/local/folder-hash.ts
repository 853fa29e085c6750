/** Names a model by the content of its folder. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { hashFile, hashOf } from '../../base/index.ts';
import { baseFolderOf } from '../../model/index.ts';
import { TOKENIZER_FILES } from '../../text/index.ts';

/**
 * `sha256:…` over the files that decide what the model answers: configuration, weights, tokenizer, chat template; of an
 * adapter also those of the model that it stands on.
 * Cards and other files beside them do not count, nor does where the folder is.
 */
export async function hashModelFolder(folder: string): Promise<string> {
  const names = (await readdir(folder)).filter(decides).sort();
  const hashes: string[] = [];
  for (const name of names) hashes.push(`${name} ${await hashFile(join(folder, name))}`);
  const base = await baseFolderOf(folder);
  if (base) hashes.push(`base ${await hashModelFolder(base)}`);
  return hashOf(hashes.join('\n'));
}

function decides(name: string): boolean {
  return (
    name === 'config.json' ||
    name === 'generation_config.json' ||
    name === 'adapter_config.json' ||
    name.endsWith('.safetensors') ||
    TOKENIZER_FILES.includes(name)
  );
}
