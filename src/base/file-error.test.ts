import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { TenetError } from './error.ts';
import { explainFileError } from './file-error.ts';
import { writeFileAtomic } from './files.ts';
import { receivedError, sendableError } from './sent-error.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-file-error-'));
  file = join(folder, 'file');
  await writeFile(file, '');
});
afterEach(() => rm(folder, { recursive: true }));

const failureOf = (work: Promise<unknown>): Promise<unknown> => work.then(() => null, explainFileError);

it('names the path, what is wrong with it and what to do', async () => {
  expect(await failureOf(mkdir(file, { recursive: true }))).toMatchObject({
    code: 'usage',
    message: `${file}: it is a file, and a folder is needed; choose another place.`,
  });
  expect(await failureOf(mkdir(join(file, 'run'), { recursive: true }))).toMatchObject({
    code: 'usage',
    message: `${join(file, 'run')}: a part of this path is a file, and a folder is needed; choose another place.`,
  });
  expect(await failureOf(readFile(folder))).toSatisfy(
    (error) => !TenetError.is(error), // reading a folder fails without saying which
  );
  expect(await failureOf(writeFileAtomic(folder, 'text'))).toMatchObject({
    code: 'usage',
    message: `${folder}: it is a folder, and a file is needed; give the path of a file.`,
  });
});

it('explains what the system refuses', () => {
  const refused = (code: string): Error =>
    Object.assign(new Error(`${code}: …`), { code, syscall: 'open', path: '/root/x' });
  expect((explainFileError(refused('EACCES')) as Error).message).toMatch(/^\/root\/x: permission denied; /);
  expect((explainFileError(refused('EROFS')) as Error).message).toMatch(/^\/root\/x: .*read-only; /);
  const temporary = Object.assign(refused('EACCES'), { path: '/root/x.jsonl.5704a90b5cd6.tmp' });
  expect((explainFileError(temporary) as Error).message).toMatch(/^\/root\/x\.jsonl: permission denied; /);
});

it('leaves other errors alone', async () => {
  const [own, missing] = [new TenetError('data', 'x'), await failureOf(readFile(join(folder, 'none')))];
  expect(explainFileError(own)).toBe(own);
  expect(missing).toMatchObject({ code: 'ENOENT' });
  expect(explainFileError('text')).toBe('text');
});

it('explains them across threads too, where nothing but the message arrives', async () => {
  const sent = await mkdir(file, { recursive: true }).then(() => null, sendableError);
  const received = receivedError(sent!);
  expect(received).toMatchObject({
    code: 'usage',
    message: expect.stringContaining(`${file}: it is a file`),
  });
});
