/** The weights of a model folder as one set of tensors, whether in one file or in shards. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { TenetError } from '../base/error.ts';
import { SafetensorsFile } from './safetensors-file.ts';
import type { TensorEntry } from './safetensors-header.ts';

/** Names that transformers gives to the files. */
export const singleFileName = 'model.safetensors';
export const indexFileName = 'model.safetensors.index.json';
/** Shard `index` of `total`, counted from 1. */
export function shardFileName(index: number, total: number): string {
  return `model-${String(index).padStart(5, '0')}-of-${String(total).padStart(5, '0')}.safetensors`;
}

/** Open weight files; close when done. */
export class WeightFiles {
  /** Every tensor of every file by name. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly #files: readonly SafetensorsFile[];
  readonly #fileOf: ReadonlyMap<string, SafetensorsFile>;

  private constructor(fileOf: ReadonlyMap<string, SafetensorsFile>, files: readonly SafetensorsFile[]) {
    this.#fileOf = fileOf;
    this.#files = files;
    this.tensors = new Map([...fileOf].map(([name, file]) => [name, file.entry(name)]));
  }

  /**
   * Opens `model.safetensors`, or the shards that `model.safetensors.index.json` names, in a folder that
   * holds the given files. Headers are checked, tensors are not read.
   * @throws TenetError('model') when there are no safetensors weights, or index and shards disagree.
   */
  static async open(folder: string, fileNames: readonly string[]): Promise<WeightFiles> {
    if (fileNames.includes(singleFileName)) {
      const file = await SafetensorsFile.open(join(folder, singleFileName));
      return new WeightFiles(new Map([...file.tensors.keys()].map((name) => [name, file])), [file]);
    }
    if (fileNames.includes(indexFileName)) return WeightFiles.#openShards(folder);
    throw new TenetError('model', describeMissingWeights(folder, fileNames));
  }

  static async #openShards(folder: string): Promise<WeightFiles> {
    const path = join(folder, indexFileName);
    const weightMap = parseIndex(path, await readFile(path, 'utf8'));
    const opened = new Map<string, SafetensorsFile>();
    try {
      for (const name of new Set(weightMap.values())) {
        opened.set(name, await SafetensorsFile.open(join(folder, name)));
      }
      const problems: string[] = [];
      for (const [tensor, shard] of weightMap) {
        if (!opened.get(shard)?.tensors.has(tensor)) problems.push(`${shard} holds no tensor "${tensor}"`);
      }
      for (const [shard, file] of opened) {
        for (const tensor of file.tensors.keys()) {
          if (weightMap.get(tensor) !== shard) problems.push(`${shard} holds "${tensor}", not listed there`);
        }
      }
      if (problems.length > 0) {
        throw new TenetError(
          'model',
          `${path} does not fit its files:\n  ${problems.slice(0, 20).join('\n  ')}\nDownload the model again.`,
        );
      }
      const fileOf = new Map([...weightMap].map(([tensor, shard]) => [tensor, opened.get(shard)!]));
      return new WeightFiles(fileOf, [...opened.values()]);
    } catch (error) {
      await Promise.all([...opened.values()].map((file) => file.close()));
      throw error;
    }
  }

  /** Reads a float tensor, converted to float32, into `target`. */
  async readInto(name: string, target: Float32Array): Promise<void> {
    const file = this.#fileOf.get(name);
    if (!file) throw new TenetError('model', `The weight files hold no tensor "${name}".`);
    await file.readInto(name, target);
  }

  async close(): Promise<void> {
    await Promise.all(this.#files.map((file) => file.close()));
  }
}

const indexSchema = z.looseObject({
  // A plain file name, so that an index cannot point outside its folder.
  weight_map: z.record(
    z.string(),
    z.string().regex(/^[^/\\]+\.safetensors$/, 'must be the name of a .safetensors file in this folder'),
  ),
});

function parseIndex(path: string, text: string): Map<string, string> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new TenetError('model', `${path} is not valid JSON: ${(cause as Error).message}.`, { cause });
  }
  const index = indexSchema.safeParse(json);
  if (index.success) return new Map(Object.entries(index.data.weight_map));
  throw new TenetError('model', `${path} is not a weight index:\n${z.prettifyError(index.error)}`);
}

function describeMissingWeights(folder: string, fileNames: readonly string[]): string {
  const pickled = fileNames.filter((name) => /\.(bin|pt|pth|ckpt)$|\.bin\.index\.json$/.test(name));
  if (pickled.length === 0) {
    return `${folder} holds no weights: neither ${singleFileName} nor ${indexFileName}.`;
  }
  return (
    `${folder} holds its weights only as ${pickled.join(', ')}, a format that can run code when opened. ` +
    'Convert it once in Python: from transformers import AutoModelForCausalLM; ' +
    `AutoModelForCausalLM.from_pretrained(${JSON.stringify(folder)}).save_pretrained("converted", safe_serialization=True)`
  );
}
