/** `tenet data curve`, stopped between two points of its curve and resumed. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readManifest } from '../src/run/index.ts';
import { compiled } from './fixtures/compiled.ts';
import { runTiny } from './fixtures/tiny-run.ts';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-curve-'));
  const model = ['type: pretrain', 'data: { sandbox: corpus, limit: 120 }', 'tokenizer: { vocabSize: 300 }'];
  const sizes = 'architecture: { width: 32, layers: 2, heads: 2, maxPositions: 160 }';
  const text = `name: tiny\nseed: 3\nthreads: 1\nstages:\n  - ${[...model, sizes, 'maxLength: 128', 'maxSteps: 2'].join('\n    ')}\n`;
  await runTiny(join(folder, 'base'), { text });
  await write('comparisons.jsonl', 60);
  await write('others.jsonl', 61);
});
afterAll(() => rm(folder, { recursive: true }));

/** Comparisons whose chosen response is the longer one. */
async function write(name: string, count: number): Promise<void> {
  const rows = Array.from({ length: count }, (_, i) => ({
    ...{
      prompt: `What is ${i} plus ${i}?`,
      chosen: `It is ${2 * i}, as you can count.`,
      rejected: `${3 * i}.`,
    },
  }));
  await writeFile(join(folder, name), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}

interface Ended {
  readonly code: number | null;
  readonly lines: readonly string[];
  readonly stderr: string;
}

/** @param stopAt the stage at whose beginning the command is interrupted */
function curve(output: string, flags: readonly string[] = [], stopAt?: string): Promise<Ended> {
  const data = flags.includes('-d') ? [] : ['-d', join(folder, 'comparisons.jsonl')];
  const options = ['maxLength=96', 'batchSize=4', 'maxSteps=4', 'saveSteps=1', 'threads=1'];
  const child = spawn(
    process.execPath,
    [
      ...[compiled('src/cli/main.ts'), '--json', 'data', 'curve', '-m', join(folder, 'base'), ...data],
      ...['--sizes', '8,16,32', '-o', join(folder, output), ...options.flatMap((one) => ['-s', one])],
      ...flags,
    ],
    { cwd: root },
  );
  const lines: string[] = [];
  let [rest, stderr] = ['', ''];
  child.stdout.on('data', (data: Buffer) => {
    const found = (rest + data).split('\n');
    rest = found.pop() as string;
    lines.push(...found);
    const begun = found.some((line) => {
      const { type, stage, status } = JSON.parse(line);
      return type === 'stage' && stage === stopAt && status === 'running';
    });
    if (begun) child.kill('SIGINT');
  });
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  return new Promise((done) => child.on('close', (code) => done({ code, lines, stderr })));
}

function resultOf({ lines, stderr }: Ended): { readonly points: readonly object[] } {
  const result = lines.map((line) => JSON.parse(line)).find(({ type }) => type === 'data-curve');
  if (!result) throw new Error(`no curve: ${stderr}`);
  return result;
}

it('comes to the same curve when it is stopped at its second point and resumed', {
  timeout: 120_000,
}, async () => {
  const whole = resultOf(await curve('whole'));
  expect(whole.points).toMatchObject([{ comparisons: 8 }, { comparisons: 16 }, { comparisons: 32 }]);

  const stopped = await curve('stopped', [], 'n16');
  expect(stopped.code).not.toBe(0);
  const { stages } = await readManifest(join(folder, 'stopped'));
  expect(stages.map(({ status }) => status === 'finished')).toEqual([true, false, false]);

  const others = await curve('stopped', ['--resume', '-d', join(folder, 'others.jsonl')]);
  expect(others.code).not.toBe(0);
  expect(others.stderr + others.lines.join('\n')).toContain('differ from those that the run began with');

  const resumed = resultOf(await curve('stopped', ['--resume']));
  expect({ ...resumed, runFolder: '' }).toEqual({ ...whole, runFolder: '' });
  // The first point was not trained again.
  expect((await readManifest(join(folder, 'stopped'))).stages.map(({ attempts }) => attempts)).toEqual([
    1, 2, 1,
  ]);
});
