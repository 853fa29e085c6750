import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { recoverFolder, replaceFolder } from './folders.ts';

let parent: string;
let folder: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'tenet-folders-'));
  folder = join(parent, 'model');
});
afterEach(() => rm(parent, { recursive: true }));

const fillWith = (text: string) => (path: string) => writeFile(join(path, text), text);

it('creates a folder, then replaces it whole', async () => {
  await replaceFolder(folder, fillWith('one'));
  expect(await readdir(folder)).toEqual(['one']);
  await replaceFolder(folder, fillWith('two'));
  expect(await readdir(folder)).toEqual(['two']);
  expect(await readdir(parent)).toEqual(['model']);
});

it('keeps the old folder when filling fails', async () => {
  await replaceFolder(folder, fillWith('one'));
  const failure = replaceFolder(folder, async (path) => {
    await fillWith('half')(path);
    throw new Error('disk full');
  });
  await expect(failure).rejects.toThrow('disk full');
  expect(await readdir(folder)).toEqual(['one']);
  expect(await readdir(parent)).toEqual(['model']);
});

it('puts the old folder back after a crash between the two renames', async () => {
  await replaceFolder(folder, fillWith('one'));
  await rename(folder, `${folder}.old`); // what the disk looks like after such a crash
  await mkdir(`${folder}.new`);
  await recoverFolder(folder);
  expect(await readFile(join(folder, 'one'), 'utf8')).toBe('one');
  await replaceFolder(folder, fillWith('two'));
  expect(await readdir(parent)).toEqual(['model']);
});

it('drops the old folder after a crash behind the second rename', async () => {
  await replaceFolder(folder, fillWith('two'));
  await mkdir(`${folder}.old`);
  await recoverFolder(folder);
  expect(await readdir(parent)).toEqual(['model']);
  expect(await readdir(folder)).toEqual(['two']);
});
