/** A PostgreSQL of one's own for tests: a throwaway cluster in a temporary folder, reached through a socket in it. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

export interface PostgresCluster {
  /** Address of its database `postgres`. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Where Debian and its kin put the server's programs, by version. */
const debianRoot = '/usr/lib/postgresql';

/** Why there can be no cluster here, for the message of skipped tests; null where there can be one. */
export const whyNoPostgres: string | null =
  serverPrograms() === null ? `no PostgreSQL in ${debianRoot}` : null;

/** Creates and starts a cluster. Its files are not flushed to the disk: tests kill clients, not the machine. */
export async function startPostgres(): Promise<PostgresCluster> {
  const programs = serverPrograms();
  if (programs === null) throw new Error(whyNoPostgres ?? '');
  // Not the system's folder for temporary files: the path of a socket may have 107 characters at most.
  const folder = await mkdtemp('/tmp/tenet-pg-');
  const user = unprivilegedUser();
  if (user) chownSync(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const options = { ...user, cwd: folder, env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' } };
  execFileSync(
    join(programs, 'initdb'),
    ['-D', data, '-U', 'tenet', '--auth=trust', '--no-sync', '--no-instructions', '-E', 'UTF8'],
    { ...options, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const settings = {
    fsync: 'off',
    full_page_writes: 'off',
    listen_addresses: '',
    unix_socket_directories: folder,
  };
  const server = spawn(
    join(programs, 'postgres'),
    ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    { ...options, stdio: 'ignore' },
  );
  const killServer = (): void => void server.kill('SIGQUIT');
  process.once('exit', killServer);
  const url = `postgres://tenet@/postgres?host=${folder}`;
  const stop = async (): Promise<void> => {
    process.off('exit', killServer);
    await ended(server);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await answers(url, server);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, stop };
}

/** The folder of the newest server's programs. */
function serverPrograms(): string | null {
  if (!existsSync(debianRoot)) return null;
  const versions = readdirSync(debianRoot).sort((a, b) => Number(b) - Number(a));
  const folders = versions.map((version) => join(debianRoot, version, 'bin'));
  return folders.find((folder) => existsSync(join(folder, 'initdb'))) ?? null;
}

/** PostgreSQL refuses to run as root; then it runs as its own user. */
function unprivilegedUser(): { uid: number; gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const user = users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody');
  return user ? { uid: Number(user[2]), gid: Number(user[3]) } : null;
}

async function answers(url: string, server: ChildProcess): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      return;
    } catch (error) {
      if (server.exitCode !== null)
        throw new Error(`postgres ended with ${server.exitCode} before it answered`);
      if (Date.now() > deadline) throw error;
      await sleep(50);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

/** Stops the server without a last checkpoint: nothing of it is needed any more. */
async function ended(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exit = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGQUIT');
  await exit;
}
