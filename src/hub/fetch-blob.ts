/** Downloads one file: continues where an earlier download was cut, and checks what came against the Hub's hash. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { TenetError } from '../base/index.ts';
import type { HubSettings } from './hub-settings.ts';
import { ask, PassingFailure, patiently } from './patience.ts';

export interface RemoteFile {
  readonly path: string;
  readonly size: number;
  /** Large files: SHA-256 of the content. */
  readonly sha256?: string;
  /** Small files: SHA-1 of git's blob. */
  readonly gitOid: string;
}

/** Downloads of this process under way, so that one file is never fetched twice at once. */
const underWay = new Map<string, Promise<void>>();

/** Makes sure that the file stands, whole, at `target`. */
export async function fetchBlob(
  url: string,
  file: RemoteFile,
  target: string,
  settings: HubSettings,
): Promise<void> {
  const known = underWay.get(target);
  if (known) return known;
  const work = download(url, file, target, settings).finally(() => underWay.delete(target));
  underWay.set(target, work);
  return work;
}

async function download(url: string, file: RemoteFile, target: string, settings: HubSettings): Promise<void> {
  if ((await sizeOf(target)) === file.size) return; // blobs are named by their hash and appear only when checked
  await mkdir(dirname(target), { recursive: true });
  const partial = await takePartial(target);
  const what = `${file.path} of ${new URL(url).pathname.replace(/\/resolve\/.*/, '').slice(1)}`;
  let damaged = 0;
  let furthest = 0; // who begins anew each time makes no progress
  await patiently(what, settings, async (progress) => {
    const onward = (done: number) => {
      if (done > furthest) progress();
      furthest = Math.max(furthest, done);
    };
    if ((await sizeOf(partial)) !== file.size)
      await receive(url, file, { partial, progress: onward, settings, what });
    const wrong = await problemOf(partial, file);
    if (wrong === null) return;
    await rm(partial, { force: true });
    damaged++;
    // Once may be a fault on the way; what comes wrong twice is wrong at its source.
    if (damaged < 2) throw new PassingFailure(wrong);
    throw new TenetError('provider', `${what} came damaged twice: ${wrong}. Nothing of it was kept.`, {
      details: { path: file.path },
    });
  });
  await rename(partial, target);
}

/** Appends what is missing to the partial file. */
async function receive(
  url: string,
  { path, size }: RemoteFile,
  on: { partial: string; progress: (done: number) => void; settings: HubSettings; what: string },
): Promise<void> {
  const { partial, progress, settings, what } = on;
  const stalled = new AbortController();
  const timer = setTimeout(() => stalled.abort(), settings.stallTimeout);
  const signals = [stalled.signal, ...(settings.signal ? [settings.signal] : [])];
  const handle = await open(partial, 'a');
  try {
    let done = (await handle.stat()).size;
    if (done > size) {
      await handle.truncate(0);
      done = 0;
    }
    const answer = await ask(
      url,
      {
        headers: {
          'Accept-Encoding': 'identity',
          ...(done > 0 && { Range: `bytes=${done}-` }),
          ...(settings.token && { Authorization: `Bearer ${settings.token}` }),
        },
        signal: AbortSignal.any(signals),
      },
      { what, settings },
    );
    if (!continuesAt(answer, done)) {
      await handle.truncate(0);
      done = 0;
      if (answer.status !== 200) {
        await answer.body?.cancel();
        throw new PassingFailure('the Hub could not continue a download');
      }
    }
    for await (const piece of answer.body ?? []) {
      timer.refresh();
      await handle.write(piece);
      done += piece.length;
      if (done > size) break; // it is wrong whatever follows
      progress(done);
      settings.onProgress({ path, done, size });
    }
    if (done < size) throw new PassingFailure(`the connection was cut after ${done} of ${size} bytes`);
    await handle.sync();
  } catch (cause) {
    if (cause instanceof PassingFailure || TenetError.is(cause)) throw cause;
    const seconds = settings.stallTimeout / 1000;
    const reason = stalled.signal.aborted ? `nothing came for ${seconds} seconds` : 'the connection was cut';
    if ((cause as NodeJS.ErrnoException).syscall === 'write') throw cause; // the disk, not the network
    throw new PassingFailure(reason, { cause });
  } finally {
    clearTimeout(timer);
    await handle.close();
  }
}

function continuesAt({ status, headers }: Response, done: number): boolean {
  if (done === 0) return status === 200;
  return status === 206 && headers.get('Content-Range')?.startsWith(`bytes ${done}-`) === true;
}

/** What is wrong with a downloaded file, or null. */
async function problemOf(path: string, { size, sha256, gitOid }: RemoteFile): Promise<string | null> {
  const found = (await sizeOf(path)) ?? 0;
  if (found !== size) return `it has ${found} bytes instead of ${size}`;
  const hash = createHash(sha256 ? 'sha256' : 'sha1');
  if (!sha256) hash.update(`blob ${size}\0`);
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  const digest = hash.digest('hex');
  const expected = sha256 ?? gitOid;
  return digest === expected ? null : `its hash is ${digest} instead of ${expected}`;
}

/**
 * The file that this process appends to. It is named by the process, so that two do not write into each other's; one that
 * a dead process left is taken over.
 */
async function takePartial(target: string): Promise<string> {
  const own = `${target}.${process.pid}.incomplete`;
  const name = basename(target);
  for (const other of await readdir(dirname(target))) {
    const pid = other.startsWith(`${name}.`) && /\.(\d+)\.incomplete$/.exec(other)?.[1];
    if (!pid || Number(pid) === process.pid || isAlive(Number(pid))) continue;
    await rename(join(dirname(target), other), own).catch(() => {}); // another process was quicker
    break;
  }
  return own;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function sizeOf(path: string): Promise<number | null> {
  return stat(path).then(
    ({ size }) => size,
    () => null,
  );
}
