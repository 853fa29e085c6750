/** A whole recipe, from a corpus to an aligned model: what it leaves, and that it repeats and resumes exactly. */
import { existsSync, statSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadModelFolder } from '../src/model/index.ts';
import { readEvaluation, readManifest, readSamples } from '../src/run/index.ts';
import type { PipelineResult } from '../src/run/pipeline.ts';
import type { ProgressDisplay, StageUpdate } from '../src/run/progress-display.ts';
import { outcomeOf, runTiny } from './fixtures/tiny-run.ts';

let folder: string;
let whole: string;
let result: PipelineResult;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-pipeline-'));
  whole = join(folder, 'whole');
  result = await runTiny(whole);
});
afterAll(() => rm(folder, { recursive: true }));

function displayInto(updates: StageUpdate[]): ProgressDisplay {
  const ignore = (): void => {};
  return {
    stage: (update) => updates.push(update),
    progress: ignore,
    event: ignore,
    sample: ignore,
    warn: ignore,
    close: ignore,
  };
}

describe('a whole recipe', () => {
  it('leaves models in Hugging Face layout, a report, and no checkpoints', async () => {
    expect(result.stages.map(({ name }) => name)).toEqual([
      ...['pretrain', 'sft', 'rankings', 'reward', 'ppo', 'evaluate'],
    ]);
    for (const file of [
      'recipe.yaml',
      'events.jsonl',
      'samples.jsonl',
      'warnings.jsonl',
      'evaluation.json',
    ]) {
      expect(existsSync(join(whole, file))).toBe(true);
    }
    // 16 rankings were made for the reward model, so the policy that follows it has cost them.
    const { tables } = await readEvaluation(whole);
    const labels = tables.find(({ title }) => title === 'Labels that each model stands on')!;
    expect(labels.rows.map(({ name, cells }) => [name, cells[0].value])).toEqual([
      ...[
        ['pretrain', 0],
        ['sft', 0],
      ],
      ['ppo', 16],
    ]);
    const hours = labels.rows[2].cells[1].value!;
    const perModel = tables[0].rows.map(({ cells }) => cells.at(-1)!.value);
    expect(perModel).toEqual([0, 0, hours * 30]); // at $30 an hour
    expect(result.report).toBe(join(whole, 'report.html'));
    expect(await readFile(result.report, 'utf8')).toContain('Models on held-out prompts');
    for (const stage of ['01-pretrain', '02-sft', '04-reward', '05-ppo']) {
      const model = join(whole, 'stages', stage, 'model');
      const { config, parameters } = await loadModelFolder(model);
      expect(config).toMatchObject({ family: 'llama', layers: 2, width: 32, maxPositions: 160 });
      expect(parameters.has('score.weight')).toBe(stage === '04-reward');
      for (const file of ['tokenizer.json', 'tokenizer_config.json', 'README.md']) {
        expect(existsSync(join(model, file))).toBe(true);
      }
      expect(existsSync(join(whole, 'stages', stage, 'checkpoint-00000001'))).toBe(false);
    }
    expect(existsSync(join(whole, 'run.lock'))).toBe(false);
  });

  it('records what every stage made and measured', async () => {
    const manifest = await readManifest(whole);
    expect(manifest.status).toBe('finished');
    expect(manifest.outcome).toMatch(
      /^gold reward on 10 held-out prompts: pretrain 0\.\d{3} → sft 0\.\d{3} → ppo 0\.\d{3}\.$/,
    );
    const results = Object.fromEntries(result.stages.map((stage) => [stage.name, stage.result]));
    expect(manifest.stages.map((stage) => stage.results)).toEqual(Object.values(results));
    expect(results.pretrain).toMatchObject({ steps: 6, vocabSize: 300 });
    expect(results.rankings).toMatchObject({ prompts: 16, rankings: 16 });
    expect(results.reward).toMatchObject({ steps: 5, evaluation: { pairs: expect.any(Number) } });
    expect(results.ppo).toMatchObject({ iterations: 4, episodes: 32, rewardModel: 'reward' });
    // The weights move from stage to stage, and every model's card tells its whole story.
    const weights = ['pretrain', 'sft', 'ppo'].map((name) => results[name].model?.weights);
    expect(new Set(weights).size).toBe(3);
    expect(results.ppo.card?.map(({ name }) => name)).toEqual(['pretrain', 'sft', 'ppo']);
    expect(results.reward.card?.map(({ name }) => name)).toEqual(['pretrain', 'sft', 'reward']);
    const card = await readFile(join(whole, 'stages/05-ppo/model/README.md'), 'utf8');
    for (const name of ['pretrain', 'sft', 'ppo']) expect(card).toContain(name);
  });

  it('keeps the answers of every model to the same held-out prompts', async () => {
    const samples = (await readSamples(whole)).filter(({ stage }) => stage === 'evaluate');
    expect(samples).toHaveLength(9); // 3 prompts, 3 models
    expect(new Set(samples.map(({ prompt }) => prompt)).size).toBe(3);
    expect(new Set(samples.map(({ model }) => model))).toEqual(new Set(['pretrain', 'sft', 'ppo']));
  });

  it('repeats itself with the same seed, and not with another', async () => {
    const again = join(folder, 'again');
    await runTiny(again);
    expect(await outcomeOf(again)).toEqual(await outcomeOf(whole));
    const other = join(folder, 'other');
    const text = (await readFile(join(whole, 'recipe.yaml'), 'utf8')).split(/^ {2}- type: sft$/m)[0];
    const { stages } = await runTiny(other, { text: text.replace(/seed: \d+/g, 'seed: 4') });
    expect(stages[0].result.model?.weights).not.toBe(result.stages[0].result.model?.weights);
  });

  it('resumes a finished run at once: nothing is run or written again', async () => {
    const model = join(whole, 'stages/05-ppo/model/model.safetensors');
    const before = [await outcomeOf(whole), statSync(model).mtimeMs];
    const updates: StageUpdate[] = [];
    const resumed = await runTiny(whole, { resume: true, display: displayInto(updates) });
    expect(updates.map(({ status }) => status)).toEqual(new Array(6).fill('already finished'));
    expect(resumed.stages).toEqual(result.stages);
    expect([await outcomeOf(whole), statSync(model).mtimeMs]).toEqual(before);
    expect((await readManifest(whole)).stages.map(({ attempts }) => attempts)).toEqual([1, 1, 1, 1, 1, 1]);
  });

  it('stops between stages when asked to', async () => {
    const path = join(folder, 'stopped');
    const controller = new AbortController();
    const updates: StageUpdate[] = [];
    const display = displayInto(updates);
    const stage = (update: StageUpdate): void => {
      updates.push(update);
      if (update.stage === 'pretrain' && update.status === 'finished') controller.abort();
    };
    await expect(
      runTiny(path, { signal: controller.signal, display: { ...display, stage } }),
    ).rejects.toThrow('Stopped before stage "sft". Resume with --resume.');
    expect(updates.map(({ status }) => status)).toEqual(['running', 'finished']);
  });
});
