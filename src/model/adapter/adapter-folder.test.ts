import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { loadModelFolder } from '../load-model.ts';
import { ParameterStore } from '../parameter-store.ts';
import { decoderSpecs, scalarHeadSpec } from '../parameters.ts';
import { SafetensorsFile } from '../safetensors-file.ts';
import { writeSafetensors } from '../safetensors-write.ts';
import { saveModelFolder } from '../save-model.ts';
import { tinyModel } from '../testing/tiny-model.ts';
import { type AdaptedParameters, adaptParameters } from './adapted-parameters.ts';
import type { AdapterSettings } from './adapter-settings.ts';

const settings: AdapterSettings = {
  type: 'lora',
  rank: 3,
  alpha: 6,
  rsLora: true,
  dropout: 0.1,
  targetModules: ['q_proj', 'down_proj'],
};
const card = { name: 'test', summary: 'A test.', stages: [] };

describe('an adapter in a folder', () => {
  const { config, parameters: base } = tinyModel();
  let folder: string;
  const at = (name: string): string => join(folder, name);
  const fresh = (extra = {}): AdaptedParameters => {
    const adapted = adaptParameters(config, base, settings, { random: new Random(3), ...extra });
    const draws = new Random(4);
    for (const name of adapted.names) {
      const view = adapted.view(name);
      for (let i = 0; i < view.length; i++) view[i] += 0.1 * draws.normal();
    }
    return adapted;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tenet-adapter-'));
    await saveModelFolder(at('base'), { config, parameters: base, card });
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('comes back with the same bits on the same base, which several adapters share', async () => {
    const adapted = fresh();
    const { files, weightsHash } = await saveModelFolder(at('one'), {
      ...{ config, parameters: adapted, card, baseFolder: at('base') },
    });
    expect(files).toEqual(['README.md', 'adapter_config.json', 'adapter_model.safetensors', 'base.json']);
    const bases = new Map();
    const [one, again] = [
      await loadModelFolder(at('one'), { bases }),
      await loadModelFolder(at('one'), { bases }),
    ];
    const loaded = one.parameters as AdaptedParameters;
    expect(loaded.values).toEqual(adapted.values);
    expect(loaded.settings).toEqual(settings);
    expect(loaded.hash()).toBe(weightsHash);
    expect(one.baseFolder).toBe(at('base'));
    expect((again.parameters as AdaptedParameters).base).toBe(loaded.base);
    expect(loaded.base.hash()).toBe(base.hash());
  });

  it('has the names and the configuration that peft reads', async () => {
    const peft = JSON.parse(await readFile(at('one/adapter_config.json'), 'utf8'));
    expect(peft).toMatchObject({
      peft_type: 'LORA',
      task_type: 'CAUSAL_LM',
      base_model_name_or_path: at('base'),
      ...{ r: 3, lora_alpha: 6, lora_dropout: 0.1, use_rslora: true, use_dora: false, bias: 'none' },
      target_modules: ['mlp.down_proj', 'self_attn.q_proj'],
    });
    const file = await SafetensorsFile.open(at('one/adapter_model.safetensors'));
    await file.close();
    const name = 'base_model.model.model.layers.1.self_attn.q_proj.lora_B.weight';
    expect(file.tensors.get(name)).toMatchObject({ dtype: 'F32', shape: [16, 3] });
    expect(file.tensors.size).toBe(2 * 2 * 2);
  });

  it('keeps the head of a reward model and no value head', async () => {
    const adapted = fresh({
      extra: [scalarHeadSpec(config), scalarHeadSpec(config, { name: 'value.weight' })],
    });
    const { weightsHash } = await saveModelFolder(at('reward'), {
      ...{ config, parameters: adapted, card, head: 'reward' as const, baseFolder: at('base') },
    });
    const { head, parameters } = await loadModelFolder(at('reward'));
    expect(head).toBe('reward');
    expect(parameters.view('score.weight')).toEqual(adapted.view('score.weight'));
    expect(parameters.owns('value.weight')).toBe(false);
    expect(parameters.hash()).toBe(weightsHash);
    const peft = JSON.parse(await readFile(at('reward/adapter_config.json'), 'utf8'));
    expect(peft).toMatchObject({ task_type: 'SEQ_CLS', modules_to_save: ['score'] });
  });

  it('on a reward model gives the scores that this one gives', async () => {
    const heads = { kind: 'objectives', names: ['helpful', 'honest'], means: [0.5, -1] } as const;
    const scoring = new ParameterStore([...decoderSpecs(config), scalarHeadSpec(config, { rows: 2 })]);
    scoring.copyShared(base);
    const common = { config, card, head: 'reward' as const, heads };
    await saveModelFolder(at('scoring'), { ...common, parameters: scoring });
    const parameters = adaptParameters(config, scoring, settings, { random: new Random(3) });
    await saveModelFolder(at('on-scoring'), { ...common, parameters, baseFolder: at('scoring') });
    expect(await loadModelFolder(at('on-scoring'))).toMatchObject({ head: 'reward', heads });
  });

  it('is found by its base again when both are moved, and not when the base has changed or is gone', async () => {
    await rename(at('base'), at('moved'));
    await expect(loadModelFolder(at('one'))).rejects.toThrow(
      `${at('one')} holds an adapter of ${at('base')}, and there is no such model folder`,
    );
    const changed = base.clone();
    changed.values[0] += 1;
    await saveModelFolder(at('base'), { config, parameters: changed, card });
    await expect(loadModelFolder(at('one'))).rejects.toThrow('whose weights have changed since');
    await rm(at('base'), { recursive: true });
    await rename(at('moved'), at('base'));
    await expect(loadModelFolder(at('one'))).resolves.toMatchObject({ head: 'causal' });
  });

  it('may give single layers ranks and scales of their own, as peft does', async () => {
    const peft = JSON.parse(await readFile(at('one/adapter_config.json'), 'utf8'));
    const path = 'model.layers.0.self_attn.q_proj';
    const full = { name: '', shape: [2, 16], data: new Float32Array(32).fill(0.5) };
    await saveModelFolder(at('patterns'), { config, parameters: fresh(), card, baseFolder: at('base') });
    await writeSafetensors(at('patterns/adapter_model.safetensors'), [
      { ...full, name: `base_model.model.${path}.lora_A.weight` },
      { ...full, name: `base_model.model.${path}.lora_B.weight`, shape: [16, 2] },
    ]);
    const patterns = {
      ...peft,
      rank_pattern: { 'layers.0.self_attn.q_proj': 2 },
      alpha_pattern: { q_proj: 9 },
    };
    await writeFile(at('patterns/adapter_config.json'), JSON.stringify(patterns));
    const { parameters } = await loadModelFolder(at('patterns'));
    expect(parameters.lowRankOf(`${path}.weight`)?.scale).toBeCloseTo(9 / Math.sqrt(2), 12);
    // Saved again it says the same.
    await saveModelFolder(at('again'), { config, parameters, card, baseFolder: at('base') });
    const again = await loadModelFolder(at('again'));
    expect(again.parameters.hash()).toBe(parameters.hash());
  });

  it('refuses what it would not compute, and tensors that do not fit, all at once', async () => {
    const peft = JSON.parse(await readFile(at('one/adapter_config.json'), 'utf8'));
    const broken = { ...peft, bias: 'all', peft_type: 'IA3', layer_replication: [[0, 1]] };
    await saveModelFolder(at('bad'), { config, parameters: fresh(), card, baseFolder: at('base') });
    await writeFile(at('bad/adapter_config.json'), JSON.stringify(broken));
    await expect(loadModelFolder(at('bad'))).rejects.toThrow(
      /peft_type is IA3; LORA is supported\n {2}bias is "all", which Tenet does not compute\n {2}layer_replication/,
    );
    for (const [start, isRefused] of [
      ['pissa_niter_16', true],
      ['olora', true],
      ['gaussian', false],
    ] as const) {
      await writeFile(at('bad/adapter_config.json'), JSON.stringify({ ...peft, init_lora_weights: start }));
      const problem = await loadModelFolder(at('bad')).then(
        () => null,
        ({ message }: Error) => message,
      );
      if (isRefused) expect(problem).toContain(`init_lora_weights is ${start}, which changes the base`);
      else expect(problem).toBeNull();
    }
    await writeFile(at('bad/adapter_config.json'), JSON.stringify({ ...peft, use_dora: true }));
    const data = new Float32Array(48);
    await writeSafetensors(at('bad/adapter_model.safetensors'), [
      { name: 'base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight', shape: [3, 16], data },
      { name: 'base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight', shape: [12, 4], data },
      { name: 'base_model.model.model.embed_tokens.lora_embedding_A', shape: [3, 16], data },
    ]);
    await expect(loadModelFolder(at('bad'))).rejects.toThrow(
      /wrong shape: .*lora_B.weight is \[12,4\], must be \[16,3\]\n {2}missing: .*lora_magnitude_vector \[16\]\n {2}unexpected: .*lora_embedding_A/,
    );
  });

  it('is not saved without saying where its base is', async () => {
    await expect(saveModelFolder(at('none'), { config, parameters: fresh(), card })).rejects.toThrow(
      'say where that is: baseFolder',
    );
  });
});
