import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../base/random.ts';
import { sharedData } from '../base/testing.ts';
import { narrowToBfloat16, narrowToFloat16, widenBfloat16, widenFloat16 } from './float-formats.ts';
import { initialiseParameters } from './initialise.ts';
import { makeLlamaConfig } from './llama-config.ts';
import { loadModelFolder } from './load-model.ts';
import { ParameterStore } from './parameter-store.ts';
import { decoderSpecs, parameterSpecs, scalarHeadSpec } from './parameters.ts';
import { parseDecoderConfig } from './parse-config.ts';
import { SafetensorsFile } from './safetensors-file.ts';
import { type NamedTensor, writeSafetensors } from './safetensors-write.ts';
import { type SaveModelOptions, saveModelFolder } from './save-model.ts';

let root: string;
let counter = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'tenet-model-'));
});
afterAll(() => rm(root, { recursive: true }));
const freshFolder = (): string => join(root, `model-${counter++}`);

const card = { name: 'Test', summary: 'For a test.', stages: [] };
const config = makeLlamaConfig({
  vocabSize: 20,
  width: 8,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  innerWidth: 12,
  maxPositions: 16,
});
const untied = parseDecoderConfig({ ...config.source, tie_word_embeddings: false }, 'x');

function freshParameters(which = config): ParameterStore {
  const parameters = new ParameterStore(parameterSpecs(which));
  initialiseParameters(parameters, new Random(5));
  return parameters;
}

async function save(more: Partial<SaveModelOptions> = {}): Promise<string> {
  const folder = freshFolder();
  await saveModelFolder(folder, { config, parameters: freshParameters(more.config), card, ...more });
  return folder;
}

describe('round trips', () => {
  it('float32, tokenizer files and generation settings included', async () => {
    const tokenizerFiles = new Map([['tokenizer.json', new TextEncoder().encode('{}')]]);
    const folder = await save({ tokenizerFiles, generationConfig: { temperature: 0.5 } });
    expect((await readdir(folder)).sort()).toEqual(
      ['README.md', 'config.json', 'generation_config.json', 'model.safetensors', 'tokenizer.json'].sort(),
    );
    const loaded = await loadModelFolder(folder);
    expect(loaded.parameters.hash()).toBe(freshParameters().hash());
    expect(loaded.generationConfig).toEqual({ temperature: 0.5 });
    expect(Buffer.from(loaded.tokenizerFiles.get('tokenizer.json')!).toString()).toBe('{}');
    expect(loaded).toMatchObject({ head: 'causal', storedDtype: 'F32' });
    expect({ ...loaded.config, source: 0 }).toEqual({ ...config, source: 0 });
    expect(await readFile(join(folder, 'README.md'), 'utf8')).toContain(freshParameters().hash());
  });

  it('shards of any size, with an index; a second save replaces them all', async () => {
    const folder = await save({ config: untied, maxShardBytes: 1000 });
    const shards = (await readdir(folder)).filter((name) => name.endsWith('.safetensors'));
    expect(shards.length).toBeGreaterThan(3);
    expect(shards).toContain(`model-00001-of-0000${shards.length}.safetensors`);
    const index = JSON.parse(await readFile(join(folder, 'model.safetensors.index.json'), 'utf8'));
    expect(index.metadata.total_size).toBe(freshParameters(untied).count * 4);
    expect(Object.keys(index.weight_map)).toHaveLength(freshParameters(untied).names.length);
    expect((await loadModelFolder(folder)).parameters.hash()).toBe(freshParameters(untied).hash());
    await saveModelFolder(folder, { config: untied, parameters: freshParameters(untied), card });
    expect((await readdir(folder)).filter((name) => name.includes('safetensors'))).toEqual([
      'model.safetensors',
    ]);
  });

  it.each([
    ['float16', narrowToFloat16, widenFloat16],
    ['bfloat16', narrowToBfloat16, widenBfloat16],
  ] as const)('%s rounds once and then stays', async (dtype, narrow, widen) => {
    const expected = freshParameters();
    const rounded = new Uint16Array(expected.values.length);
    narrow(expected.values, rounded);
    widen(rounded, expected.values);
    const folder = await save({ dtype });
    const loaded = await loadModelFolder(folder);
    expect(loaded.parameters.hash()).toBe(expected.hash());
    await saveModelFolder(folder, { config: loaded.config, parameters: loaded.parameters, dtype, card });
    expect((await loadModelFolder(folder)).parameters.hash()).toBe(expected.hash());
  });

  it('a reward model with several heads, as a classifier of as many labels', async () => {
    const parameters = new ParameterStore([...decoderSpecs(config), scalarHeadSpec(config, { rows: 3 })]);
    initialiseParameters(parameters, new Random(4));
    const heads = { kind: 'objectives', names: ['helpful', 'honest', 'brief'], means: [0.5, -1, 0] } as const;
    const folder = freshFolder();
    const { weightsHash } = await saveModelFolder(folder, {
      config,
      parameters,
      card,
      head: 'reward',
      heads,
    });
    const loaded = await loadModelFolder(folder);
    expect(loaded.heads).toEqual(heads);
    expect(loaded.parameters.shapeOf('score.weight')).toEqual([3, config.width]);
    expect(loaded.parameters.hash()).toBe(weightsHash);
    // What transformers reads: a label for each row. Elsewhere trained, without Tenet's own key, they are objectives.
    const path = join(folder, 'config.json');
    const { reward_heads: _, ...plain } = JSON.parse(await readFile(path, 'utf8'));
    expect(plain.id2label).toEqual({ 0: 'helpful', 1: 'honest', 2: 'brief' });
    await writeFile(path, JSON.stringify(plain));
    expect((await loadModelFolder(folder)).heads).toEqual({ ...heads, means: null });
  });

  it('a reward model with its head, its extra parameters left out', async () => {
    const valueHead = scalarHeadSpec(config, { name: 'value_head.weight' });
    const parameters = new ParameterStore([...decoderSpecs(config), scalarHeadSpec(config), valueHead]);
    initialiseParameters(parameters, new Random(6));
    const folder = freshFolder();
    const { weightsHash } = await saveModelFolder(folder, { config, parameters, card, head: 'reward' });
    const loaded = await loadModelFolder(folder);
    expect(loaded.head).toBe('reward');
    expect(loaded.parameters.hash()).toBe(weightsHash);
    expect(loaded.parameters.view('score.weight')).toEqual(parameters.view('score.weight'));
    expect(loaded.parameters.has('value_head.weight')).toBe(false);
    const withRoom = await loadModelFolder(folder, { extra: [valueHead] });
    expect(withRoom.parameters.view('value_head.weight').every((x) => x === 0)).toBe(true);
  });
});

/** A folder with the given weights beside the untied test configuration. */
async function folderWith(tensors: readonly NamedTensor[], which = untied): Promise<string> {
  const folder = await save({ config: which });
  await writeSafetensors(join(folder, 'model.safetensors'), tensors);
  return folder;
}
const tensorsOf = (which = untied): NamedTensor[] => {
  const parameters = freshParameters(which);
  return parameters.specs.map(({ name, shape }) => ({ name, shape, data: parameters.view(name) }));
};

describe('loading', () => {
  it('lists every missing, mis-shaped and unexpected tensor in one error', async () => {
    const tensors = tensorsOf()
      .filter(({ name }) => name !== 'lm_head.weight' && name !== 'model.layers.1.mlp.up_proj.weight')
      .map((tensor) =>
        tensor.name === 'model.embed_tokens.weight' ? { ...tensor, shape: [8, 20] } : tensor,
      );
    tensors.push({ name: 'v_head.summary.weight', shape: [1], data: new Float32Array(1) });
    const message = await loadModelFolder(await folderWith(tensors)).catch((error: Error) => error.message);
    expect(message).toContain('missing: lm_head.weight [20,8] (if it is tied');
    expect(message).toContain('missing: model.layers.1.mlp.up_proj.weight [12,8]');
    expect(message).toContain('wrong shape: model.embed_tokens.weight is [8,20], must be [20,8]');
    expect(message).toContain('unexpected: v_head.summary.weight [1]');
  });

  it('accepts names without the prefix, and ignores old buffers', async () => {
    const tensors = tensorsOf(config).map((tensor) => ({
      ...tensor,
      name: tensor.name.replace(/^model\./, ''),
    }));
    tensors.push({ name: 'layers.0.self_attn.rotary_emb.inv_freq', shape: [1], data: new Float32Array(1) });
    const loaded = await loadModelFolder(await folderWith(tensors, config));
    expect(loaded.parameters.hash()).toBe(freshParameters().hash());
  });

  it('refuses a parameter that is there under two names', async () => {
    const [first, ...rest] = tensorsOf(config);
    const tensors = [first, ...rest, { ...first, name: 'embed_tokens.weight' }];
    await expect(loadModelFolder(await folderWith(tensors, config))).rejects.toThrow(
      /are the same parameter/,
    );
  });

  it('accepts a tied model that repeats its embedding, refuses one whose copy differs', async () => {
    const [embedding, ...rest] = tensorsOf(config);
    const copy = { ...embedding, name: 'lm_head.weight' };
    const loaded = await loadModelFolder(await folderWith([embedding, ...rest, copy], config));
    expect(loaded.parameters.hash()).toBe(freshParameters().hash());
    const other = { ...copy, data: copy.data.map((x) => x + 1) };
    await expect(loadModelFolder(await folderWith([embedding, ...rest, other], config))).rejects.toThrow(
      /ties the output projection.*but lm_head.weight differs/,
    );
  });

  it('refuses folders without weights, and says how to convert pickled ones', async () => {
    const folder = await save();
    await rm(join(folder, 'model.safetensors'));
    await expect(loadModelFolder(folder)).rejects.toThrow(/holds no weights: neither model.safetensors/);
    await writeFile(join(folder, 'pytorch_model.bin'), 'x');
    await expect(loadModelFolder(folder)).rejects.toThrow(/only as pytorch_model.bin.*save_pretrained/);
    await rm(join(folder, 'config.json'));
    await expect(loadModelFolder(folder)).rejects.toThrow(/has no config.json/);
    await expect(loadModelFolder(join(root, 'nowhere'))).rejects.toThrow(/Cannot read the model folder/);
  });

  it('refuses an index that points outside, or does not fit its shards', async () => {
    const folder = await save({ config: untied, maxShardBytes: 1000 });
    const path = join(folder, 'model.safetensors.index.json');
    const index = JSON.parse(await readFile(path, 'utf8'));
    const rewrite = (map: object): Promise<void> => writeFile(path, JSON.stringify({ weight_map: map }));
    await rewrite({ ...index.weight_map, 'lm_head.weight': '../elsewhere.safetensors' });
    await expect(loadModelFolder(folder)).rejects.toThrow(/must be the name of a .safetensors file/);
    const norm = 'model.layers.0.input_layernorm.weight';
    await rewrite({ ...index.weight_map, [norm]: index.weight_map['lm_head.weight'] });
    await expect(loadModelFolder(folder)).rejects.toThrow(
      /holds no tensor ".*input_layernorm.weight"\n.*00001.*not listed there/,
    );
    await rewrite({ ...index.weight_map, 'lm_head.weight': 'model-9.safetensors' });
    await expect(loadModelFolder(folder)).rejects.toThrow(/Cannot open .*model-9.safetensors/);
    await writeFile(path, '{');
    await expect(loadModelFolder(folder)).rejects.toThrow(/not valid JSON/);
  });
});

describe('saving', () => {
  it('refuses to replace a folder that holds anything else', async () => {
    const folder = freshFolder();
    await mkdir(folder);
    await writeFile(join(folder, 'thesis.tex'), 'x');
    const saving = saveModelFolder(folder, { config, parameters: freshParameters(), card });
    await expect(saving).rejects.toThrow(/would be lost: thesis.tex/);
    expect(await readdir(folder)).toEqual(['thesis.tex']);
  });

  it('leaves the old model when a new one cannot be written', async () => {
    const folder = await save();
    const before = await readFile(join(folder, 'model.safetensors'));
    const parameters = freshParameters();
    parameters.view('model.norm.weight')[3] = 1e6;
    const saving = saveModelFolder(folder, { config, parameters, card, dtype: 'float16' });
    await expect(saving).rejects.toThrow(
      /"model.norm.weight" holds 1000000 at element 3, too large for float16/,
    );
    expect((await readFile(join(folder, 'model.safetensors'))).equals(before)).toBe(true);
  });

  it('lists the parameters that are missing', async () => {
    await expect(save({ parameters: freshParameters(), head: 'reward' })).rejects.toThrow(
      /as a reward llama model:\n {2}missing: score.weight \[1,8\]/,
    );
    await expect(save({ config: untied, parameters: freshParameters() })).rejects.toThrow(
      /missing: lm_head.weight/,
    );
    const tokenizerFiles = new Map([['../evil', new Uint8Array()]]);
    await expect(save({ tokenizerFiles })).rejects.toThrow(/Not tokenizer files: ..\/evil/);
  });
});

const models = [
  ...[
    'gpt-neox',
    'gpt2',
    'llama-tied-gqa',
    'llama3-rope-scaling',
    'mistral-sliding-window',
    'qwen2',
    'qwen3',
  ].map((name) => `reference/${name}`),
  'stories260K',
  'tiny-gpt2',
];
describe.skipIf(sharedData('models/tiny-gpt2') === null)('models written by transformers', () => {
  it.each(models)('%s loads, and saves to the same tensors', async (name) => {
    const original = sharedData(`models/${name}`) as string;
    const loaded = await loadModelFolder(original);
    const folder = freshFolder();
    await saveModelFolder(folder, { ...loaded, card });
    const [a, b] = await Promise.all(
      [original, folder].map((path) => SafetensorsFile.open(join(path, 'model.safetensors'))),
    );
    expect([...b.tensors.keys()].sort()).toEqual([...a.tensors.keys()].sort());
    for (const [tensor, { shape }] of a.tensors) {
      expect(b.entry(tensor).shape).toEqual(shape);
      expect(Buffer.compare(await b.readBytes(tensor), await a.readBytes(tensor))).toBe(0);
    }
    await Promise.all([a.close(), b.close()]);
  });

  it('a truncated download is refused', async () => {
    const folder = freshFolder();
    await cp(sharedData('models/stories260K') as string, folder, { recursive: true });
    const path = join(folder, 'model.safetensors');
    await writeFile(path, (await readFile(path)).subarray(0, 500_000));
    await expect(loadModelFolder(folder)).rejects.toThrow(
      /reach past the .* bytes of data in the file \(truncated\?\)/,
    );
  });
});
