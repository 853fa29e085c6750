/** A server that is killed at random moments while people label: every acknowledged label is there, and there once. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Random } from '../src/base/index.ts';
import { LabelQueue } from '../src/feedback/index.ts';
import { Accounts } from '../src/server/accounts/accounts.ts';
import { type LedgerEvent, openStore } from '../src/store/index.ts';
import { compiled } from './fixtures/compiled.ts';

const script = compiled('src/cli/main.ts');
const password = 'correct horse battery';
const annotators = 6;
const overlap = 2;
const kills = 3;

let folder: string;
let store: string;
let port = 0;
let server: ChildProcess;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-web-kill-'));
  store = join(folder, 'tenet.db');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Starts the server, at the port that it had before. @returns its address */
async function start(): Promise<string> {
  const argv = [
    ...['serve', '--api-only', '--json', '--port', String(port)],
    ...['--store', store, '--runs', join(folder, 'runs')],
  ];
  server = spawn(process.execPath, [script, ...argv], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const line = await new Promise<string>((resolve, reject) => {
    server.stdout!.once('data', (data) => resolve(String(data)));
    server.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
  const { url } = JSON.parse(line) as { url: string };
  port = Number(new URL(url).port);
  return url;
}

it('loses and doubles nothing', async () => {
  const prepared = await openStore(store);
  const accounts = await Accounts.open(prepared.database, { baseUrl: 'http://127.0.0.1' });
  const tokens: string[] = [];
  for (let i = 0; i < annotators; i++) {
    const { token: link } = await accounts.invite({ role: 'annotator' });
    const cookies = await accounts.accept(link, { name: `n${i}`, email: `n${i}@example.org`, password });
    const cookie = cookies.getSetCookie()[0].split(';')[0];
    const caller = (await accounts.callerOf(new Headers({ cookie })))!;
    tokens.push((await accounts.tokens.make(caller, { name: 'test', permissions: ['annotate'] })).token);
  }
  await new LabelQueue(prepared, 'p').add(
    Array.from({ length: 2000 }, (_, i) => ({
      item: { prompt: `question ${i}`, responses: [{ text: 'a' }, { text: 'b' }, { text: 'c' }] },
      overlap,
    })),
  );
  await prepared.close();

  const random = new Random(20261126);
  const acknowledged = new Map<string, string>();
  let [working, resent] = [true, 0];
  const url = await start();

  /** Asks again until there is an answer, as the browser's outbox does. */
  async function ask(token: string, path: string, body: object): Promise<Record<string, unknown>> {
    for (;;) {
      try {
        const response = await fetch(`${url}/api/label/projects/p/${path}`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          body: JSON.stringify(body),
        });
        if (response.ok) return (await response.json()) as Record<string, unknown>;
        if (response.status < 500) throw new TypeError(`refused: ${await response.text()}`);
      } catch (error) {
        if (error instanceof TypeError && error.message.startsWith('refused')) throw error;
      }
      resent++;
      await sleep(20);
    }
  }

  const work = tokens.map(async (token) => {
    while (working) {
      const { tasks } = (await ask(token, 'claim', { limit: 3 })) as { tasks: { taskId: string }[] };
      for (const { taskId } of tasks) {
        const label = { id: randomUUID(), taskId, ranks: [1, 2, 2], judgedAt: Date.now() };
        const { eventId } = await ask(token, 'labels', label);
        expect(eventId).toBe(label.id);
        acknowledged.set(label.id, taskId);
      }
    }
  });
  for (let kill = 0; kill < kills; kill++) {
    const before = acknowledged.size;
    while (acknowledged.size < before + 20) await sleep(5);
    await sleep(Math.floor(random.uniform() * 60));
    const gone = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGKILL');
    await gone;
    await start();
  }
  const before = acknowledged.size;
  while (acknowledged.size < before + 20) await sleep(5);
  working = false;
  await Promise.all(work);
  const ended = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGTERM');
  expect(await ended).toBe(0);

  const after = await openStore(store, { mustExist: true });
  const events: LedgerEvent[] = [];
  for await (const event of after.ledger.read()) events.push(event);
  const ids = events.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect([...acknowledged.keys()].filter((id) => !ids.includes(id))).toEqual([]);
  for (const { id, taskId } of events) if (acknowledged.has(id)) expect(taskId).toBe(acknowledged.get(id));
  // Nobody has labelled a task twice, and no task has more labels than were wanted.
  const byPerson = events.map(({ taskId, judge }) => `${taskId} ${judge.id}`);
  expect(new Set(byPerson).size).toBe(byPerson.length);
  const perTask = new Map<string, number>();
  for (const { taskId } of events) perTask.set(taskId!, (perTask.get(taskId!) ?? 0) + 1);
  expect(Math.max(...perTask.values())).toBeLessThanOrEqual(overlap);
  expect(await after.ledger.verify()).toMatchObject({ ok: true, head: { count: events.length } });
  expect(resent).toBeGreaterThan(0); // else the kills have hit nobody
  await after.close();
}, 180_000);
