/** A newcomer's way through single methods: pretrain, fine-tune what came out, export it, use it. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadModelFolder } from '../src/model/index.ts';
import { compiled } from './fixtures/compiled.ts';

const main = compiled('src/cli/main.ts');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-train-'));
});
afterAll(() => rm(folder, { recursive: true }));

function tenet(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((done) => {
    const options = { cwd: folder, env: { ...process.env, NO_COLOR: '1' } };
    execFile(process.execPath, [main, ...args], options, (error, stdout, stderr) =>
      done({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

const small =
  'architecture={ width: 32, layers: 2, heads: 2, maxPositions: 128 }; maxSteps=4; tokenizer.vocabSize=300; threads=1'
    .split('; ')
    .flatMap((set) => ['--set', set]);

describe.sequential('tenet train', () => {
  it('makes a base model, from options alone', async () => {
    const data = ['--set', 'data.sandbox=corpus', '--set', 'data.limit=100', '--set', 'maxLength=64'];
    const { code, stdout } = await tenet('train', 'pretrain', ...data, ...small);
    expect(stdout).toContain(join('runs', 'pretrain', 'stages', '01-pretrain', 'model'));
    expect(stdout).toMatch(/pretrain {2}.*steps 4/);
    expect(code).toBe(0);
  });

  it('prints the plan and writes nothing with --dry-run', async () => {
    const model = join('runs', 'pretrain', 'stages', '01-pretrain', 'model');
    const flags = ['--set', 'data.sandbox=demonstrations', '--set', 'data.limit=40', '--dry-run'];
    const text = await tenet('train', 'sft', '--model', model, ...flags);
    expect(text.stdout).toMatch(/1 sft\n {2}model +base: llama, 2 layers of width 32/);
    expect(text.stdout).toMatch(/Whole run\n {2}time +about/);
    const json = await tenet('train', 'sft', '--model', model, ...flags, '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({ type: 'plan', name: 'sft', stages: [{ type: 'sft' }] });
    expect(await readdir(join(folder, 'runs'))).toEqual(['pretrain']);
  });

  it('fine-tunes a model on a file', async () => {
    const rows = Array.from({ length: 20 }, (_, i) => ({ prompt: `Say ${i}.`, completion: `It is ${i}.` }));
    await writeFile(join(folder, 'rows.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'));
    const model = join('runs', 'pretrain', 'stages', '01-pretrain', 'model');
    const flags = ['--model', model, '--data', 'rows.jsonl', '--set', 'maxSteps=2', '--set', 'threads=1'];
    const { code } = await tenet('train', 'sft', ...flags, '--set', 'maxLength=64', '--output', 'tuned');
    expect(code).toBe(0);
    const recipe = await readFile(join(folder, 'tuned/recipe.yaml'), 'utf8');
    expect(recipe).toContain(`path: ${join(folder, 'rows.jsonl')}`);
    expect(recipe).toContain('maxSteps: 2');
  });

  it('exports a run’s model in 16 bits, with its card', async () => {
    const { code, stdout } = await tenet('export', 'tuned', '--output', 'exported', '--dtype', 'bfloat16');
    expect(stdout).toMatch(/exported: language model of stage sft, [\d,]+ parameters in bfloat16/);
    expect(code).toBe(0);
    expect((await loadModelFolder(join(folder, 'exported'))).storedDtype).toBe('BF16');
    expect(await readFile(join(folder, 'exported/README.md'), 'utf8')).toContain('| maxSteps | 2 |');
  });

  it('generates from a run folder', async () => {
    const { code, stdout } = await tenet('generate', '-m', 'tuned', '-p', 'Say 3.', '--max-new-tokens', '3');
    expect({ code, empty: stdout.trim() === '' && stdout === '' }).toEqual({ code: 0, empty: false });
  });

  it.each([
    [['sft'], 'tenet train sft lacks:\n  --model <folder>'],
    [['sft', '--model', 'tuned', '--data', 'gone.jsonl'], 'sft.data.path: '],
    [['dpo', '--model', 'x', '--data', 'y', '--set', 'bta=1'], 'unknown option "bta"'],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await tenet('train', ...args);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });

  it('lists the options of a method from their schema', async () => {
    const { stdout } = await tenet('train', 'ppo', '--help');
    expect(stdout).toContain('Options of the method, for --set:');
    expect(stdout).toMatch(/klCoef {2}number ≥ 0 {2}\(default 0.05\)\n +Penalty per nat/);
    expect(stdout).not.toContain('rewardModelPath');
  });
});
