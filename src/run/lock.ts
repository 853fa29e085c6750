/** A lock that keeps two processes from writing one folder, and that a dead process does not hold. */
import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { TenetError } from '../base/index.ts';

interface LockHolder {
  readonly pid: number;
  readonly host: string;
  /** Tells a process from a later one with the same pid; empty where the system does not say. */
  readonly birth: string;
  readonly since: string;
}

/** A lock file younger than this may be about to receive its content from the process that created it. */
const CREATION_GRACE_MS = 2000;
const heldHere = new Set<string>();

/**
 * Takes the lock at `path`, or throws TenetError('usage') naming who holds it. The lock of a process that
 * no longer runs on this machine is taken over.
 * @param what what is locked, for the message.
 * @returns a function that gives the lock back; it also happens when the process exits.
 */
export function takeLock(path: string, what: string): () => void {
  const mine: LockHolder = {
    pid: process.pid,
    host: hostname(),
    birth: birthOf(process.pid),
    since: new Date().toISOString(),
  };
  for (let tries = 0; tries < 10; tries++) {
    try {
      const text = `${JSON.stringify(mine)}\n`;
      writeFileSync(path, text, { flag: 'wx' });
      return holdUntilReleased(path, text);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const found = readLock(path);
    if (found === undefined) continue; // given back in the meantime
    if (isAlive(found, path)) throw lockedError(path, what, found.holder);
    removeStale(path, found.text);
  }
  throw new TenetError('usage', `${what}: other processes keep taking its lock ${path}; start only one.`);
}

/** The process that holds the lock at `path`, or null; one on another machine counts as running. */
export function lockHolder(path: string): { readonly pid: number; readonly host: string } | null {
  const found = readLock(path);
  return found?.holder && isAlive(found, path) ? { pid: found.holder.pid, host: found.holder.host } : null;
}

interface FoundLock {
  readonly text: string;
  readonly holder?: LockHolder;
}

function readLock(path: string): FoundLock | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return { text, holder: JSON.parse(text) as LockHolder };
  } catch {
    return { text };
  }
}

function isAlive({ holder }: FoundLock, path: string): boolean {
  if (!holder) return ageOf(path) < CREATION_GRACE_MS;
  if (holder.host !== hostname()) return true; // cannot be looked up from here
  if (holder.pid === process.pid) return heldHere.has(path);
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false; // EPERM: alive, another user's
  }
  const birth = birthOf(holder.pid);
  return birth === '' || holder.birth === '' || birth === holder.birth;
}

/** Milliseconds since the file was last written. */
function ageOf(path: string): number {
  try {
    return Date.now() - statSync(path).mtimeMs;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** Moves a stale lock away; if another process has taken it over since it was read, puts it back. */
function removeStale(path: string, expected: string): void {
  const aside = `${path}.${randomBytes(6).toString('hex')}.stale`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  try {
    if (readFileSync(aside, 'utf8') !== expected) linkSync(aside, path);
  } catch {
    // A third process holds the lock by now: then the one moved away is not needed.
  }
  rmSync(aside, { force: true });
}

function holdUntilReleased(path: string, text: string): () => void {
  heldHere.add(path);
  const release = (): void => {
    if (!heldHere.delete(path)) return;
    process.off('exit', release);
    // A user may have deleted it and begun another process, whose lock stands here.
    if (readLock(path)?.text === text) rmSync(path, { force: true });
  };
  process.on('exit', release);
  return release;
}

/** When a process began, in a form that no other process of this machine shares (Linux only). */
function birthOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // the command's name may hold spaces
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot}/${fields[19]}`; // field 22 of proc(5): start time in clock ticks since boot
  } catch {
    return '';
  }
}

function lockedError(path: string, what: string, holder?: LockHolder): TenetError {
  const who = holder
    ? `process ${holder.pid} on ${holder.host}, since ${holder.since}`
    : 'a process that is just starting';
  return new TenetError(
    'usage',
    `${what} is in use by ${who}. Wait for it or stop it; if you are sure that it no longer runs, delete ${path}.`,
    { details: { path, holder } },
  );
}
