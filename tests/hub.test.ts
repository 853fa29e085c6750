/** Models and data sets by name, against a server that speaks the Hub's routes and fails as told. */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Random } from '../src/base/index.ts';
import {
  fetchHubData,
  fetchHubModel,
  type HubOptions,
  hubNameOfPath,
  hubSettings,
  parseHubName,
} from '../src/hub/index.ts';
import {
  adaptParameters,
  initialiseParameters,
  loadModelFolder,
  makeLlamaConfig,
  ParameterStore,
  parameterSpecs,
  saveModelFolder,
} from '../src/model/index.ts';
import { withHubFiles } from '../src/run/hub-inputs.ts';
import { parseRecipe, resolvedText } from '../src/run/recipe.ts';
import { recipeSchema } from '../src/run/run-recipe.ts';
import { trainBpe } from '../src/text/index.ts';
import { commit, type FakeHub, startFakeHub } from './fixtures/fake-hub.ts';

const weights = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7919) % 251));
const files = {
  'config.json': Buffer.from('{"model_type":"llama"}'),
  'model.safetensors': weights,
  'tokenizer.json': Buffer.from('{}'),
  'README.md': Buffer.from('not needed'),
  'onnx/model.onnx': Buffer.from('not needed'),
};
const data = {
  'README.md': Buffer.from('about'),
  'data/train-00000-of-00002.jsonl': Buffer.from('{"text":"a"}\n'),
  'data/train-00001-of-00002.jsonl': Buffer.from('{"text":"b"}\n'),
  'data/test-00000-of-00001.jsonl': Buffer.from('{"text":"c"}\n'),
};

let cacheFolder: string;
let hub: FakeHub;
beforeEach(async () => {
  cacheFolder = await mkdtemp(join(tmpdir(), 'tenet-hub-'));
  hub = await startFakeHub({
    'models/owner/name': files,
    'datasets/owner/rows': data,
    'models/owner/pickled': { 'pytorch_model.bin': Buffer.from('x') },
  });
});
afterEach(async () => {
  await hub.close();
  await rm(cacheFolder, { recursive: true });
});

const options = (more: HubOptions = {}): HubOptions => ({
  endpoint: hub.url,
  cacheFolder,
  offline: false,
  retryDelay: 1,
  ...more,
});
const blobs = () => readdir(join(cacheFolder, 'models--owner--name', 'blobs'));
const downloads = () => hub.requests.filter((request) => request.startsWith('storage'));

describe('names', () => {
  it.each([
    ['hub:owner/name', { kind: 'model', repo: 'owner/name', revision: 'main' }],
    ['hub:gpt2@v1.0', { kind: 'model', repo: 'gpt2', revision: 'v1.0' }],
    [
      'hub:datasets/o/n@refs/convert/parquet/default/train/0000.parquet',
      { kind: 'dataset', repo: 'o/n', revision: 'refs/convert/parquet', path: 'default/train/0000.parquet' },
    ],
    [
      'hub:datasets/o/n/data/*.parquet',
      { kind: 'dataset', repo: 'o/n', revision: 'main', path: 'data/*.parquet' },
    ],
  ])('reads %s', (text, name) => {
    expect(parseHubName(text)).toEqual(name);
  });

  it.each([
    'hub:',
    'hub:owner/name/file.json',
    'hub:../name',
    'hub:owner/..',
    'hub:datasets/o/n/../x',
    'hub:datasets/o/n/a//b',
    'hub:a--b/c',
  ])('refuses %s', (text) => {
    expect(() => parseHubName(text)).toThrow('is no name on the Hub');
  });

  it('come from the same variables as in Python', () => {
    const env = {
      HF_HOME: '/h',
      HF_TOKEN: 'hf_secret',
      HF_HUB_OFFLINE: '1',
      HF_ENDPOINT: 'https://mirror.example/',
    };
    expect(hubSettings({}, env)).toMatchObject({
      cacheFolder: join('/h', 'hub'),
      token: 'hf_secret',
      offline: true,
      endpoint: 'https://mirror.example',
    });
    expect(hubSettings({}, { HF_HUB_CACHE: '/c', HF_HOME: '/h' })).toMatchObject({
      cacheFolder: '/c',
      offline: false,
      token: undefined,
      endpoint: 'https://huggingface.co',
    });
    expect(() => hubSettings({}, { HF_ENDPOINT: 'mirror' })).toThrow('must be a web address');
  });
});

describe('fetching', () => {
  it('brings a model into the cache as huggingface_hub lays it out, and asks for no file twice', async () => {
    const model = await fetchHubModel('hub:owner/name', options());
    const folder = join(cacheFolder, 'models--owner--name', 'snapshots', commit);
    expect(model).toMatchObject({ pinned: `hub:owner/name@${commit}`, commit, folder });
    expect((await readdir(folder)).sort()).toEqual(['config.json', 'model.safetensors', 'tokenizer.json']);
    expect(weights.equals(await readFile(join(folder, 'model.safetensors')))).toBe(true);
    expect(await blobs()).toContain(createHash('sha256').update(weights).digest('hex'));
    expect(await readFile(join(cacheFolder, 'models--owner--name', 'refs', 'main'), 'utf8')).toBe(commit);
    expect(hubNameOfPath(folder)).toBe(model.pinned);
    hub.requests.length = 0;
    await fetchHubModel('hub:owner/name', options());
    expect(hub.requests).toEqual(['hub GET /api/models/owner/name/revision/main']);
    hub.requests.length = 0;
    await fetchHubModel(`hub:owner/name@${commit}`, options());
    expect(hub.requests).toEqual([]); // a commit never changes
  });

  it('fetches each file once for several who ask at the same time', async () => {
    const asked = Array.from({ length: 8 }, () => fetchHubModel('hub:owner/name', options()));
    for (const { folder } of await Promise.all(asked)) {
      expect(weights.equals(await readFile(join(folder, 'model.safetensors')))).toBe(true);
    }
    expect(downloads()).toHaveLength(1);
  });

  it('works offline with what the cache holds, and says what it lacks', async () => {
    await expect(fetchHubModel('hub:owner/name', options({ offline: true }))).rejects.toThrow(
      /hub:owner\/name@main is not in the cache .* Run once without/,
    );
    await fetchHubModel('hub:owner/name', options());
    await hub.close();
    expect((await fetchHubModel('hub:owner/name', options({ offline: true }))).commit).toBe(commit);
    await rm(join(cacheFolder, 'models--owner--name', 'snapshots', commit, 'model.safetensors'));
    await expect(fetchHubModel('hub:owner/name', options({ offline: true }))).rejects.toThrow(
      'is not in the cache',
    );
    hub = await startFakeHub({});
  });

  it('takes the files of a data set that the name chooses', async () => {
    const shards = await fetchHubData('hub:datasets/owner/rows/data/train-*.jsonl', options());
    expect(await Promise.all(shards.files.map((file) => readFile(file, 'utf8')))).toEqual([
      '{"text":"a"}\n',
      '{"text":"b"}\n',
    ]);
    expect(hubNameOfPath(shards.files[0])).toBe(
      `hub:datasets/owner/rows@${commit}/data/train-00000-of-00002.jsonl`,
    );
    await expect(fetchHubData('hub:datasets/owner/rows', options())).rejects.toThrow(
      /several data files; say which.*\n {2}data\/test-00000/,
    );
    await expect(fetchHubData('hub:datasets/owner/rows/x.jsonl', options())).rejects.toThrow(
      'names no file of it',
    );
    await expect(fetchHubData('hub:owner/name', options())).rejects.toThrow('is a model, and data is needed');
  });

  it('refuses pickled weights', async () => {
    await expect(fetchHubModel('hub:owner/pickled', options())).rejects.toThrow(
      'only pickled ones, which can run code',
    );
  });

  it('sends the token to the Hub and to nobody else', async () => {
    await hub.close();
    hub = await startFakeHub({ 'models/owner/name': files }, { token: 'secret-token' });
    await fetchHubModel('hub:owner/name', options({ token: 'secret-token' }));
    const [there, elsewhere] = [/^hub/, /^storage/].map((where) =>
      hub.requests.filter((one) => where.test(one)),
    );
    expect(there.every((one) => one.endsWith('Bearer secret-token'))).toBe(true);
    expect(elsewhere).toHaveLength(1);
    expect(elsewhere[0]).not.toContain('secret');
  });
});

describe('faults', () => {
  /** Sends so many bytes, then cuts the connection. */
  const cutAfter = (bytes: number) => ({
    at: 'model.safetensors',
    answer: (response: import('node:http').ServerResponse, content: Buffer | undefined, start: number) => {
      const head =
        start === 0
          ? { 'Content-Length': content!.length }
          : { 'Content-Range': `bytes ${start}-${content!.length - 1}/${content!.length}` };
      response.writeHead(start === 0 ? 200 : 206, head);
      response.write(content!.subarray(start, start + bytes), () => setTimeout(() => response.destroy(), 50));
    },
  });

  it('goes on where a connection was cut, however often, as long as something comes', async () => {
    hub.faults.push(...Array.from({ length: 4 }, () => cutAfter(50_000)));
    // Two failures in a row would be too many.
    const { folder } = await fetchHubModel('hub:owner/name', options({ attempts: 2 }));
    expect(weights.equals(await readFile(join(folder, 'model.safetensors')))).toBe(true);
    const starts = downloads().map((request) => Number(/bytes=(\d+)-/.exec(request)?.[1] ?? 0));
    expect(starts).toEqual([0, 50_000, 100_000, 150_000, 200_000]);
    expect((await blobs()).filter((name) => name.endsWith('.incomplete'))).toEqual([]);
  });

  it('goes on in the next process where the last was cut', async () => {
    hub.faults.push(cutAfter(100_000));
    await expect(fetchHubModel('hub:owner/name', options({ attempts: 1 }))).rejects.toThrow(
      /cut.*once.*has come so far is kept/,
    );
    await fetchHubModel('hub:owner/name', options());
    expect(downloads()[1]).toContain('bytes=100000-');
  });

  it('begins anew when the server cannot continue', async () => {
    hub.faults.push(cutAfter(100_000), {
      at: 'model.safetensors',
      answer: (response, content) =>
        response.writeHead(200, { 'Content-Length': content!.length }).end(content),
    });
    const { folder } = await fetchHubModel('hub:owner/name', options());
    expect(weights.equals(await readFile(join(folder, 'model.safetensors')))).toBe(true);
  });

  it('gives up a connection on which nothing comes', async () => {
    hub.faults.push({
      at: 'model.safetensors',
      answer: (response, content) =>
        response.writeHead(200, { 'Content-Length': content!.length }).write('x'),
      times: 2,
    });
    await expect(
      fetchHubModel('hub:owner/name', options({ attempts: 1, stallTimeout: 100 })),
    ).rejects.toThrow('nothing came for 0.1 seconds');
  });

  it('keeps nothing of a file with a wrong hash, and asks once more', async () => {
    const wrong = {
      at: 'model.safetensors',
      answer: (response: import('node:http').ServerResponse, content: Buffer | undefined) =>
        response.writeHead(200, { 'Content-Length': content!.length }).end(Buffer.alloc(content!.length)),
    };
    hub.faults.push({ ...wrong });
    const { folder } = await fetchHubModel('hub:owner/name', options());
    expect(weights.equals(await readFile(join(folder, 'model.safetensors')))).toBe(true);
    await rm(cacheFolder, { recursive: true });
    hub.faults.push({ ...wrong, times: 2 });
    await expect(fetchHubModel('hub:owner/name', options())).rejects.toThrow(
      /model\.safetensors of owner\/name came damaged twice: its hash is/,
    );
    expect(
      (await blobs()).filter((name) => name.startsWith(createHash('sha256').update(weights).digest('hex'))),
    ).toEqual([]);
  });

  it('refuses more bytes than there should be', async () => {
    const long = (response: import('node:http').ServerResponse) =>
      response.writeHead(200).end(Buffer.alloc(400_000));
    hub.faults.push({ at: 'model.safetensors', answer: long, times: 2 });
    await expect(fetchHubModel('hub:owner/name', options({ attempts: 2 }))).rejects.toThrow(
      /came damaged twice: it has \d+ bytes instead of 300000/,
    );
  });

  it('waits as long as a busy Hub asks for', async () => {
    const busy = (response: import('node:http').ServerResponse) =>
      response.writeHead(429, { 'Retry-After': '0.2' }).end();
    hub.faults.push({ at: '/revision/', answer: busy }, { at: 'model.safetensors', answer: busy });
    const start = performance.now();
    await fetchHubModel('hub:owner/name', options());
    expect(performance.now() - start).toBeGreaterThan(390); // what the server asks for, twice
    hub.faults.push({ at: '/revision/', answer: busy, times: 2 });
    await expect(fetchHubModel('hub:owner/name', options({ attempts: 2 }))).rejects.toThrow(
      'slow down (429), 2 times in a row',
    );
  });

  it('tries a broken Hub again', async () => {
    hub.faults.push({ at: '/tree/', answer: (response) => response.writeHead(503).end(), times: 3 });
    expect((await fetchHubModel('hub:owner/name', options())).commit).toBe(commit);
  });

  it('says what is refused and what is missing, at once and without the token', async () => {
    await expect(fetchHubModel('hub:owner/other', options())).rejects.toThrow(
      'hub:owner/other@main does not exist on the Hub (404)',
    );
    await expect(fetchHubModel('hub:owner/name@v9', options())).rejects.toThrow(
      'hub:owner/name@v9 has no such revision on the Hub (404)',
    );
    await hub.close();
    hub = await startFakeHub({ 'models/owner/name': files }, { token: 'right' });
    await expect(fetchHubModel('hub:owner/name', options({ token: undefined }))).rejects.toThrow(
      /refuses it \(401\)\. It is private or gated/,
    );
    const error = await fetchHubModel('hub:owner/name', options({ token: 'wrong-secret' })).catch(
      (one) => one,
    );
    expect(error.message).toContain('The token in HF_TOKEN is not valid for it');
    expect(JSON.stringify({ ...error, message: error.message, stack: error.stack })).not.toContain(
      'wrong-secret',
    );
    expect(hub.requests).toHaveLength(2); // neither is tried again
  });

  it('refuses a repository that would write outside its folder', async () => {
    await hub.close();
    hub = await startFakeHub({ 'models/owner/name': { ...files, '../../escape.json': Buffer.from('{}') } });
    await expect(fetchHubModel('hub:owner/name', options())).rejects.toThrow(
      'path "../../escape.json"; refused',
    );
  });

  it('says when the Hub cannot be reached', async () => {
    await writeFile(join(cacheFolder, 'x'), '');
    const away = options({ endpoint: 'http://127.0.0.1:9', attempts: 2 });
    await expect(fetchHubModel('hub:owner/name', away)).rejects.toThrow(
      /cannot be reached .*2 times in a row.*HF_HUB_OFFLINE=1/,
    );
  });
});

describe('adapters', () => {
  it('bring the model that they stand on, and find it in the cache', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tenet-hub-adapter-'));
    const { tokenizer } = await trainBpe(['A small text.'], { vocabSize: 262 });
    const shape = { width: 8, layers: 1, heads: 2, innerWidth: 12, maxPositions: 32 };
    const config = makeLlamaConfig({ vocabSize: tokenizer.vocabSize, ...shape });
    const base = new ParameterStore(parameterSpecs(config));
    initialiseParameters(base, new Random(1));
    const lora = { type: 'lora', rank: 2, alpha: 4, rsLora: false, dropout: 0 } as const;
    const settings = { ...lora, targetModules: 'all-linear' } as const;
    const adapted = adaptParameters(config, base, settings, { random: new Random(2) });
    const card = { name: 'tiny', summary: 'Random weights for a test.', stages: [] };
    const saved = { config, tokenizerFiles: tokenizer.files, card };
    const [baseFolder, adapterFolder] = [join(folder, 'base'), join(folder, 'adapter')];
    await saveModelFolder(baseFolder, { ...saved, parameters: base });
    await saveModelFolder(adapterFolder, { ...saved, parameters: adapted, baseFolder });
    const peft = JSON.parse(await readFile(join(adapterFolder, 'adapter_config.json'), 'utf8'));
    const own = await startFakeHub({
      'models/owner/base': await filesIn(baseFolder),
      // As others save it: by the name of its base, and without Tenet's own record.
      'models/owner/adapter': {
        'adapter_config.json': Buffer.from(
          JSON.stringify({ ...peft, base_model_name_or_path: 'owner/base' }),
        ),
        'adapter_model.safetensors': await readFile(join(adapterFolder, 'adapter_model.safetensors')),
      },
    });
    vi.stubEnv('HF_HUB_CACHE', cacheFolder);
    try {
      const fetched = await fetchHubModel('hub:owner/adapter', options({ endpoint: own.url }));
      const loaded = await loadModelFolder(fetched.folder);
      expect(loaded.baseFolder).toBe(join(cacheFolder, 'models--owner--base', 'snapshots', commit));
      expect(loaded.parameters.hash()).toBe(adapted.hash());
      await rm(join(cacheFolder, 'models--owner--base'), { recursive: true });
      await expect(loadModelFolder(fetched.folder)).rejects.toThrow(
        /holds an adapter of owner\/base.*fetch it once: tenet generate --model hub:owner\/base/,
      );
    } finally {
      vi.unstubAllEnvs();
      await own.close();
      await rm(folder, { recursive: true });
    }
  });
});

async function filesIn(folder: string): Promise<Record<string, Buffer>> {
  const names = await readdir(folder);
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name))] as const)),
  );
}

describe('recipes', () => {
  it('take models and data by name, as files of one commit', async () => {
    const text = `
model: { path: hub:owner/name }
stages:
  - { type: sft, data: { path: [more.jsonl, "hub:datasets/owner/rows/data/train-*.jsonl"] } }
  - { type: reward, data: { path: hub:datasets/owner/rows@v1/data/test-00000-of-00001.jsonl } }
`;
    const { value } = parseRecipe(text, { schema: recipeSchema, file: 'recipe.yaml', folder: '/recipes' });
    expect(value.model?.path).toBe('hub:owner/name');
    const recipe = await withHubFiles(recipeSchema, value, options());
    const rows = join(cacheFolder, 'datasets--owner--rows', 'snapshots', commit, 'data');
    expect(recipe.model?.path).toBe(join(cacheFolder, 'models--owner--name', 'snapshots', commit));
    expect(recipe.stages.map((stage) => ('data' in stage ? stage.data?.path : null))).toEqual([
      [
        '/recipes/more.jsonl',
        join(rows, 'train-00000-of-00002.jsonl'),
        join(rows, 'train-00001-of-00002.jsonl'),
      ],
      join(rows, 'test-00000-of-00001.jsonl'),
    ]);
    // A run that goes on stays with its commits when the branch has moved, or the Hub is not there.
    const run = await mkdtemp(join(tmpdir(), 'tenet-hub-run-'));
    await writeFile(join(run, 'recipe.yaml'), resolvedText(recipe));
    await writeFile(join(cacheFolder, 'models--owner--name', 'refs', 'main'), 'f'.repeat(40));
    hub.requests.length = 0;
    const again = await withHubFiles(recipeSchema, value, { ...options(), resumed: run });
    expect(again).toEqual(recipe);
    expect(hub.requests).toEqual([]);
    await rm(run, { recursive: true });
    const local = { ...value, model: undefined, stages: [] };
    expect(await withHubFiles(recipeSchema, local, options())).toBe(local);
  });
});
