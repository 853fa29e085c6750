/** Reads a file in pieces, unpacking gzip, whatever its name says. */
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { TenetError } from '../base/index.ts';

/** The content of a file, unpacked where it begins as gzip does (1f 8b). */
export async function openContent(path: string): Promise<Readable> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new TenetError('data', code === 'ENOENT' ? `${path}: no such file.` : `${path}: ${message}`, {
      cause,
    });
  }
  const head = Buffer.alloc(2);
  try {
    if ((await file.stat()).isDirectory()) throw new TenetError('data', `${path} is a folder; give a file.`);
    await file.read(head, 0, 2, 0);
  } finally {
    await file.close();
  }
  const source = createReadStream(path, { highWaterMark: 1 << 18 });
  if (head[0] !== 0x1f || head[1] !== 0x8b) return source;
  const unpacked = createGunzip({ chunkSize: 1 << 18 });
  source.on('error', (error) => unpacked.destroy(error));
  unpacked.on('close', () => source.destroy());
  return source.pipe(unpacked);
}

/** The pieces of a file's content, as they come. */
export async function* readBytes(path: string): AsyncGenerator<Buffer, void, undefined> {
  const content = await openContent(path);
  try {
    for await (const piece of content) yield piece as Buffer;
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? '';
    const reason = code.startsWith('Z_')
      ? `damaged or incomplete gzip (${(cause as Error).message})`
      : (cause as Error).message;
    throw new TenetError('data', `${path}: ${reason}`, { cause });
  } finally {
    content.destroy();
  }
}
