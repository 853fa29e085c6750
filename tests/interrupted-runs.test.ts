/** Runs that are stopped or killed end, once resumed, as one that never was: to the last bit of every model. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Random } from '../src/base/index.ts';
import { readManifest } from '../src/run/index.ts';
import { compiled } from './fixtures/compiled.ts';
import { outcomeOf, runTiny, tinyRecipe } from './fixtures/tiny-run.ts';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

let folder: string;
let expected: object;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-interrupted-'));
  await runTiny(join(folder, 'whole'));
  expected = await outcomeOf(join(folder, 'whole'));
});
afterAll(() => rm(folder, { recursive: true }));

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

/** Runs a script; `watch` sees each line of its standard output. */
function start(
  args: readonly string[],
  watch: (line: string, kill: (signal: NodeJS.Signals) => void) => void,
): Promise<Ended> {
  const child = spawn(process.execPath, [...args], { cwd: root });
  let [rest, stderr] = ['', ''];
  child.stdout.on('data', (data: Buffer) => {
    const lines = (rest + data).split('\n');
    rest = lines.pop() as string;
    for (const line of lines) watch(line, (signal) => child.kill(signal));
  });
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  return new Promise((done) => child.on('close', (code, signal) => done({ code, signal, stderr })));
}

const tenetRun = (path: string): string[] => [
  ...[compiled('src/cli/main.ts'), 'run', tinyRecipe, '--output', path, '--resume', '--json'],
];

it('SIGKILL at a random moment of every stage', { timeout: 300_000 }, async () => {
  const path = join(folder, 'killed');
  const random = new Random(21);
  let kills = 0;
  for (let target = 0; target < 6; target++) {
    let armed = false;
    const { signal } = await start([compiled('tests/fixtures/tiny-child.ts'), path], (stage, kill) => {
      if (armed || Number(stage) < target) return;
      armed = true;
      setTimeout(kill, random.int(300), 'SIGKILL');
    });
    if (signal === null) break; // it was through before its last moment came
    kills++;
  }
  expect(kills).toBeGreaterThan(3);
  expect((await readManifest(path)).attempts).toHaveLength(kills);
  await runTiny(path, { resume: true });
  expect(await outcomeOf(path)).toEqual(expected);
  // What the dead were writing is gone too.
  for (const stage of await readdir(join(path, 'stages'))) {
    const left = await readdir(join(path, 'stages', stage));
    expect(left.filter((name) => name.includes('checkpoint') || name.endsWith('.tmp'))).toEqual([]);
  }
});

it('Ctrl-C saves, exits with 130, and leaves no lock', async () => {
  const path = join(folder, 'stopped');
  let sent = false;
  const { code, stderr } = await start(tenetRun(path), (line, kill) => {
    if (sent || !line.includes('"stage":"ppo","index":4,"count":6,"status":"running"')) return;
    sent = true;
    kill('SIGINT');
  });
  expect(stderr).toMatch(
    new RegExp(
      '^Stopping: this step is finished and saved first\\. Once more to stop at once\\.\n' +
        'stopped: Stopped after iteration [0-3] of 4; the state is saved\\. Resume with --resume\\.\n$',
    ),
  );
  expect(code).toBe(130);
  expect(existsSync(join(path, 'run.lock'))).toBe(false);
  const { status, stages } = await readManifest(path);
  expect(status).toBe('interrupted');
  expect(stages[4]).toMatchObject({ name: 'ppo', status: 'interrupted' });
  await runTiny(path, { resume: true });
  expect(await outcomeOf(path)).toEqual(expected);
});

it('a second Ctrl-C ends a computing run at once, by the signal and without a crash', async () => {
  let sent = false;
  const { signal, stderr } = await start(tenetRun(join(folder, 'twice')), (line, kill) => {
    if (sent || !line.includes('"running"')) return;
    sent = true;
    kill('SIGINT');
    setInterval(kill, 510, 'SIGINT').unref();
  });
  expect(stderr).not.toContain('terminate called');
  expect(['SIGINT', null]).toContain(signal); // or it has saved faster
});
