import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openWorkplace } from './workplace.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-workplace-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A guard's folder beside which a training was stopped. */
async function stopped(name: string, ...left: string[]): Promise<string> {
  for (const one of left) await mkdir(join(folder, `${name}.training`, one), { recursive: true });
  return join(folder, name);
}

it('keeps an unfinished training unless it is told what is to become of it', async () => {
  const output = await stopped('guard', 'checkpoint-00000020', 'checkpoint-00000040');
  await expect(openWorkplace(output, {})).rejects.toThrow(
    `${output}.training holds a training that was stopped after step 40. Go on with it by --resume, or begin anew with`,
  );
  const workplace = await openWorkplace(`${output}/`, { resume: true });
  expect((await readdir(workplace)).sort()).toEqual(['checkpoint-00000020', 'checkpoint-00000040']);
  expect(await readdir(await openWorkplace(output, { overwrite: true }))).toEqual([]);
});

it('clears away what cannot be resumed', async () => {
  const output = await stopped('killed', '.checkpoint-00000020.tmp');
  await writeFile(join(`${output}.training`, 'broken-batch.json'), '{}');
  expect(await readdir(await openWorkplace(output, {}))).toEqual([]);
  expect(await readdir(await openWorkplace(join(folder, 'new'), {}))).toEqual([]);
});
