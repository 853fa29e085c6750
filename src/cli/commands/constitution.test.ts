import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildProgram } from '../program.ts';
import { catchOutput } from '../testing/catch-output.ts';

let folder: string;
const caught = catchOutput();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-constitution-'));
});
afterAll(() => rm(folder, { recursive: true }));

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
    expect(caught.printed).toContain('default 1.0.0');
    expect(caught.printed).toContain('no-injury  Nobody gets hurt  (weight 2, harm)');
    caught.printed = '';
    await run('show', '--principle', 'no-injury');
    expect(caught.printed).toContain('Critique request');
    expect(caught.printed).toContain('Revision: Please don');
    await expect(run('show', '--principle', 'no-injry')).rejects.toThrow('did you mean "no-injury"?');
    caught.printed = '';
    await run('show', '--json');
    const { principles, hash } = JSON.parse(caught.printed);
    expect(principles).toHaveLength(17);
    caught.printed = '';
    await run('show', '--format', 'yaml');
    const copy = await document('copy.yaml', caught.printed);
    caught.printed = '';
    await run('show', copy, '--json');
    expect(JSON.parse(caught.printed).hash).toBe(hash);
  });

  it('lint prints findings under their rules, and exits with 1 only when strict', async () => {
    const path = await document(
      'vague.md',
      '---\nversion: 1.0.0\n---\n## `a`\n\nBe good.\n\n## `b`\n\nBe bad.\n',
    );
    await run('lint', path);
    expect(caught.printed).toMatch(
      /warning {2}vague-words\n.*"good" can be read in many ways.*\n.*vague\.md:6 {2}a\n/s,
    );
    expect(process.exitCode).toBeUndefined();
    await run('lint', path, '--strict');
    expect(process.exitCode).toBe(1);
    process.exitCode = undefined;
    caught.printed = '';
    await run('lint', '--strict');
    expect(caught.printed).toBe('default: 17 principles, nothing to complain about.\n');
    expect(process.exitCode).toBeUndefined();
  });

  it('diff shows words and what version they ask for', async () => {
    const text = await readFile(new URL('../../../constitutions/default.md', import.meta.url), 'utf8');
    const changed = text
      .replace('Nobody gets hurt', 'Nobody is hurt')
      .replace(/### `kind-words`[\s\S]*?(?=\n## )/, '');
    await run('diff', 'default', await document('changed.md', changed));
    expect(caught.printed).toContain('Nobody [-gets -]{+is +}hurt');
    expect(caught.printed).toContain('− kind-words');
    expect(caught.printed).toContain('ask for a major version, but the version is 1.0.0 in both.');
    caught.printed = '';
    await run('diff', 'default', 'default');
    expect(caught.printed).toContain('The contents are the same.');
  });

  it('stats says where to look when there is no ledger', async () => {
    await expect(run('stats', '--store', join(folder, 'none.db'))).rejects.toThrow('does not exist');
  });
});
