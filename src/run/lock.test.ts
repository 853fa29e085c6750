import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { takeLock } from './lock.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tenet-lock-'));
  path = join(folder, 'run.lock');
});
afterEach(() => rmSync(folder, { recursive: true }));

function writeLock(holder: { pid: number; host?: string; birth?: string }): void {
  writeFileSync(path, JSON.stringify({ host: hostname(), birth: '', since: 'then', ...holder }));
}

it('is held until it is given back', () => {
  const release = takeLock(path, 'the folder');
  expect(() => takeLock(path, 'the folder')).toThrow(`the folder is in use by process ${process.pid}`);
  release();
  release();
  expect(existsSync(path)).toBe(false);
  takeLock(path, 'the folder')();
});

it('is taken over from a process that is dead, leaving nothing behind', () => {
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  writeLock({ pid });
  const release = takeLock(path, 'the folder');
  expect(readdirSync(folder)).toEqual(['run.lock']);
  release();
});

it('is not taken from a process that lives', () => {
  writeLock({ pid: process.ppid });
  expect(() => takeLock(path, 'the folder')).toThrow(`process ${process.ppid}`);
});

it('is taken over from an earlier process whose id this one has, as in containers', () => {
  writeLock({ pid: process.pid });
  takeLock(path, 'the folder')();
});

it.skipIf(process.platform !== 'linux')('is taken over when the id now belongs to a later process', () => {
  writeLock({ pid: process.ppid, birth: 'another boot/1' });
  takeLock(path, 'the folder')();
});

it('is not taken from another machine, and says which file to delete', () => {
  writeLock({ pid: 1, host: 'elsewhere' });
  expect(() => takeLock(path, 'the folder')).toThrow(/process 1 on elsewhere.*delete .*run\.lock/s);
});

it('is left to a process that is writing it, and taken over when that process died over it', () => {
  writeFileSync(path, '');
  expect(() => takeLock(path, 'the folder')).toThrow('just starting');
  utimesSync(path, 1, 1);
  takeLock(path, 'the folder')();
});

it('is not given back for another process that has taken it since it was deleted', () => {
  const release = takeLock(path, 'the folder');
  rmSync(path);
  writeLock({ pid: process.ppid });
  release();
  expect(() => takeLock(path, 'the folder')).toThrow(`process ${process.ppid}`);
});
