import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { buildProgram } from '../program.ts';

let folder: string;
let printed = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-constitution-'));
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => {
  printed = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += text;
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

async function run(...args: string[]): Promise<void> {
  await buildProgram().parseAsync(['node', 'tenet', 'constitution', ...args]);
}

async function document(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

describe('tenet constitution', () => {
  it('show prints principles, one principle, JSON, or a file to start from', async () => {
    await run('show');
    expect(printed).toContain('default 1.0.0');
    expect(printed).toContain('no-injury  Nobody gets hurt  (weight 2, harm)');
    printed = '';
    await run('show', '--principle', 'no-injury');
    expect(printed).toContain('Critique request');
    expect(printed).toContain('Revision: Please don');
    await expect(run('show', '--principle', 'no-injry')).rejects.toThrow('did you mean "no-injury"?');
    printed = '';
    await run('show', '--json');
    const { principles, hash } = JSON.parse(printed);
    expect(principles).toHaveLength(17);
    printed = '';
    await run('show', '--format', 'yaml');
    const copy = await document('copy.yaml', printed);
    printed = '';
    await run('show', copy, '--json');
    expect(JSON.parse(printed).hash).toBe(hash);
  });

  it('lint prints findings under their rules, and exits with 1 only when strict', async () => {
    const path = await document(
      'vague.md',
      '---\nversion: 1.0.0\n---\n## `a`\n\nBe good.\n\n## `b`\n\nBe bad.\n',
    );
    await run('lint', path);
    expect(printed).toMatch(
      /warning {2}vague-words\n.*"good" can be read in many ways.*\n.*vague\.md:6 {2}a\n/s,
    );
    expect(process.exitCode).toBeUndefined();
    await run('lint', path, '--strict');
    expect(process.exitCode).toBe(1);
    process.exitCode = undefined;
    printed = '';
    await run('lint', '--strict');
    expect(printed).toBe('default: 17 principles, nothing to complain about.\n');
    expect(process.exitCode).toBeUndefined();
  });

  it('diff shows words and what version they ask for', async () => {
    const text = await readFile(new URL('../../../constitutions/default.md', import.meta.url), 'utf8');
    const changed = text
      .replace('Nobody gets hurt', 'Nobody is hurt')
      .replace(/### `kind-words`[\s\S]*?(?=\n## )/, '');
    await run('diff', 'default', await document('changed.md', changed));
    expect(printed).toContain('Nobody [-gets -]{+is +}hurt');
    expect(printed).toContain('− kind-words');
    expect(printed).toContain('ask for a major version, but the version is 1.0.0 in both.');
    printed = '';
    await run('diff', 'default', 'default');
    expect(printed).toContain('The contents are the same.');
  });

  it('stats says where to look when there is no ledger', async () => {
    await expect(run('stats', '--store', join(folder, 'none.db'))).rejects.toThrow('does not exist');
  });
});
