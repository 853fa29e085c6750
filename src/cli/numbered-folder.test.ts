import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { freeFolder, newestRun } from './numbered-folder.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tenet-numbered-'));
  path = join(folder, 'runs', 'quickstart');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A run folder whose manifest was written at this second. */
function addRun(name: string, second: number): void {
  mkdirSync(join(folder, 'runs', name), { recursive: true });
  const manifest = join(folder, 'runs', name, 'manifest.json');
  writeFileSync(manifest, '{}');
  utimesSync(manifest, second, second);
}

it('begins where nothing is, and goes on with nothing but that', () => {
  expect(freeFolder(path)).toBe(path);
  expect(newestRun(path)).toBe(path);
});

it('begins beside what is there, and goes on with what was worked on last', () => {
  addRun('quickstart', 10);
  expect(freeFolder(path)).toBe(`${path}-2`);
  expect(newestRun(path)).toBe(path);
  addRun('quickstart-3', 20);
  addRun('quickstart-2', 30); // fills a gap, so that the highest number is not the newest
  expect(freeFolder(path)).toBe(`${path}-4`);
  expect(newestRun(path)).toBe(`${path}-2`);
});

it('goes on with no folder that is no run, or another', () => {
  addRun('quickstart', 10);
  addRun('quickstart-old', 20);
  addRun('quickstart-2x', 20);
  mkdirSync(`${path}-2`);
  expect(newestRun(path)).toBe(path);
});
