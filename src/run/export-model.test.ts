import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import {
  initialiseParameters,
  loadModelFolder,
  makeLlamaConfig,
  ParameterStore,
  parameterSpecs,
  saveModelFolder,
} from '../model/index.ts';
import { exportModel } from './export-model.ts';
import { openRunFolder } from './run-folder.ts';

const config = makeLlamaConfig({
  vocabSize: 20,
  width: 8,
  layers: 1,
  heads: 2,
  innerWidth: 16,
  maxPositions: 32,
});

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-export-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** A model folder with weights of that seed; the hash of its weights. */
async function saveModel(path: string, seed: number): Promise<string> {
  const parameters = new ParameterStore(parameterSpecs(config));
  initialiseParameters(parameters, new Random(seed));
  const card = { name: `model ${seed}`, summary: 'For a test.', stages: [] };
  await saveModelFolder(path, { config, parameters, card });
  return parameters.hash();
}

/** A run with two stages that made models 1 and 2, of which the second recorded the hash `weights`. */
async function writeRun(path: string, weights?: string): Promise<void> {
  const run = await openRunFolder({ path, recipe: '', stages: ['sft', 'ppo', 'evaluate'] });
  for (const [i, name] of ['sft', 'ppo'].entries()) {
    await run.beginStage(name);
    const model = join(run.stage(name).folder, 'model');
    const hash = await saveModel(join(path, model), i + 1);
    await run.finishStage(name, {
      model: { folder: model, head: 'causal', weights: (i === 1 && weights) || hash },
    });
  }
  run.close();
}

describe('exportModel', () => {
  it('takes the newest language model of a run, or that of a stage', async () => {
    const source = join(folder, 'run');
    await writeRun(source);
    const newest = await exportModel({ source, output: join(folder, 'a') });
    expect(newest).toMatchObject({ stage: 'ppo', head: 'causal', dtype: 'float32' });
    expect(await readFile(join(folder, 'a/README.md'), 'utf8')).toContain('# model 2');
    const first = await exportModel({ source, output: join(folder, 'b'), stage: 'sft' });
    expect((await loadModelFolder(join(folder, 'b'))).parameters.hash()).toBe(first.weights);
    expect(first.weights).not.toBe(newest.weights);
    await expect(exportModel({ source, output: join(folder, 'c'), stage: 'evaluate' })).rejects.toThrow(
      'has no model of a stage "evaluate"; it has: sft (language model), ppo (language model).',
    );
  });

  it('refuses weights that the run did not make', async () => {
    const source = join(folder, 'run');
    await writeRun(source, 'sha256:other');
    await expect(exportModel({ source, output: join(folder, 'a') })).rejects.toThrow(
      /the weights in .* are not those that stage "ppo" made: they hash to sha256:\w+, the run recorded sha256:other/,
    );
  });

  it('copies a model folder, keeping its type or changing it', async () => {
    const source = join(folder, 'model');
    await saveModel(source, 3);
    const half = join(folder, 'half');
    expect(await exportModel({ source, output: half, dtype: 'float16' })).toMatchObject({ dtype: 'float16' });
    expect(await exportModel({ source: half, output: join(folder, 'again') })).toMatchObject({
      dtype: 'float16',
    });
    await expect(exportModel({ source, output: join(folder, 'x'), stage: 'sft' })).rejects.toThrow(
      'has no stages; leave --stage out',
    );
  });

  it('overwrites only when told, and never what is no model', async () => {
    const [source, output] = [join(folder, 'model'), join(folder, 'out')];
    await saveModel(source, 1);
    await saveModel(output, 2);
    await expect(exportModel({ source, output })).rejects.toThrow('is not empty');
    await exportModel({ source, output, overwrite: true });
    expect(await readFile(join(output, 'README.md'), 'utf8')).toContain('# model 1');
    await mkdir(join(folder, 'home'));
    await writeFile(join(folder, 'home/thesis.txt'), '');
    await expect(exportModel({ source, output: join(folder, 'home'), overwrite: true })).rejects.toThrow(
      'thesis.txt',
    );
    await expect(exportModel({ source, output: source })).rejects.toThrow('is the folder to export itself');
    await expect(exportModel({ source: join(folder, 'home'), output: join(folder, 'x') })).rejects.toThrow(
      'neither a run folder (no manifest.json) nor a model folder',
    );
  });
});
