/** A run killed again and again at random moments ends as one that never was. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Random } from '../src/base/index.ts';
import { readEvents, readManifest, readSamples } from '../src/run/index.ts';
import { compiled } from './fixtures/compiled.ts';

const script = compiled('tests/fixtures/killable-run.ts');

/** Runs the script, killing it with SIGKILL after so many steps; true when it ended by itself. */
function runUntil(path: string, steps: number): Promise<boolean> {
  const child = spawn(process.execPath, [script, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let seen = 0;
  child.stdout.on('data', (data: Buffer) => {
    seen += data.toString().split('\n').length - 1;
    if (seen >= steps) child.kill('SIGKILL');
  });
  return new Promise((done) => child.on('close', (code) => done(code === 0)));
}

it('resumes to the same events, samples and results', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tenet-kill-'));
  const whole = join(folder, 'whole');
  expect(await runUntil(whole, Number.POSITIVE_INFINITY)).toBe(true);
  const killed = join(folder, 'killed');
  const random = new Random(11);
  let kills = 0;
  while (!(await runUntil(killed, 8 + random.int(30)))) kills++;
  expect(kills).toBeGreaterThan(1);

  const timeless = async (path: string) => (await readEvents(path)).map(({ time: _, ...event }) => event);
  expect(await timeless(killed)).toEqual(await timeless(whole));
  const texts = async (path: string) =>
    (await readSamples(path)).map(({ stage, step, response }) => `${stage} ${step} ${response}`).sort();
  expect(await texts(killed)).toEqual(await texts(whole));
  const manifest = await readManifest(killed);
  expect(manifest.stages.map(({ results }) => results)).toEqual([{ sum: 73_810 }, { sum: 147_620 }]); // 60·61·121/6 = 73,810
  expect(manifest).toMatchObject({ status: 'finished', outcome: 'The sum is 147620.' });
  expect(manifest.attempts).toHaveLength(kills + 1);
  await rm(folder, { recursive: true });
});
