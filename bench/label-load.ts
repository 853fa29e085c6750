/**
 * Annotators who label through a server of their own process, and a count of what became of their labels.
 *
 * Each has a token, gets tasks three at a time and no more than she will do, saves a draft and sends a label, as the browser does. They rank by the
 * sandbox's gold reward, so that what they say is worth learning. Labels are due at a fixed rate, whether those before have
 * been answered or not: latencies count from then, so that a slow answer is not hidden by fewer requests.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Random } from '../src/base/index.ts';
import { LabelQueue, type NewLabelTask } from '../src/feedback/index.ts';
import { prompts, rankResponses, sampleResponses } from '../src/sandbox/index.ts';
import { Accounts } from '../src/server/accounts/accounts.ts';
import { openStore } from '../src/store/index.ts';

export interface LoadOptions {
  /** For the store and what the server writes. */
  readonly folder: string;
  /** Default: a file in the folder. */
  readonly store?: string;
  readonly annotators: number;
  readonly tasks: number;
  /** Responses of each. Default 2 */
  readonly responses?: number;
  /** All annotators together. */
  readonly labelsPerSecond: number;
  readonly seconds: number;
}

export interface LoadOutcome {
  /** Where the labels are, in the project `load`. */
  readonly store: string;
  readonly acknowledged: number;
  /** Acknowledged, and not in the ledger. */
  readonly lost: number;
  /** Stored twice, or one more than was wanted of a task. */
  readonly doubled: number;
  readonly chainIsIntact: boolean;
  /** Seconds from the first label due to the last one answered. */
  readonly seconds: number;
  /** Milliseconds: of a label from when it was due; of the other requests from when they were sent. */
  readonly latencies: Readonly<Record<'label' | 'claim' | 'draft', readonly number[]>>;
}

export const loadProject = 'load';
const script = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));

/** What the gold reward says, without noise: the same whoever is asked. */
const judge = { noise: 0, lengthBias: 0, flatteryBias: 0, fatigue: 0, tieThreshold: 0.02 };

interface View {
  readonly taskId: string;
  readonly prompt: string;
  readonly cards: readonly { readonly text: string }[];
}

export async function labelLoad(options: LoadOptions): Promise<LoadOutcome> {
  const { folder, annotators, labelsPerSecond, seconds } = options;
  const url = options.store ?? join(folder, 'load.db');

  // Step 1. People and tasks.
  const tokens = await prepare(url, options);

  // Step 2. They label.
  const server = await startServer(url, folder);
  const latencies = { label: [] as number[], claim: [] as number[], draft: [] as number[] };
  const acknowledged = new Set<string>();
  const start = performance.now() + 500;
  const wanted = Math.round(labelsPerSecond * seconds);
  let lastAnswer = start;
  try {
    await Promise.all(
      tokens.map(async (token, i) => {
        const ask = askAs(token, server.url);
        const random = new Random(i);
        const held: View[] = [];
        for (let n = i; n < wanted; n += annotators) {
          const due = start + (n * 1000) / labelsPerSecond;
          if (held.length === 0) {
            await sleep(Math.max(0, due - performance.now() - 400));
            const sent = performance.now();
            const { tasks } = (await ask('POST', 'claim', {
              limit: Math.min(3, Math.ceil((wanted - n) / annotators)),
            })) as { tasks: View[] };
            latencies.claim.push(performance.now() - sent);
            held.push(...tasks);
          }
          const task = held.shift();
          if (!task) break; // nothing is left
          const ranks = rankResponses(
            task.prompt,
            task.cards.map(({ text }) => text),
            { ...judge, random },
          );
          // While she thinks, what she has so far is kept.
          await sleep(Math.max(0, due - performance.now() - 200));
          const saved = performance.now();
          await ask('PUT', `drafts/${task.taskId}`, { ranks });
          latencies.draft.push(performance.now() - saved);
          await sleep(Math.max(0, due - performance.now()));
          const label = { id: randomUUID(), taskId: task.taskId, ranks, activeMs: 20_000 };
          const { eventId } = (await ask('POST', 'labels', label)) as { eventId: string };
          lastAnswer = performance.now();
          latencies.label.push(lastAnswer - Math.min(due, lastAnswer));
          acknowledged.add(eventId);
        }
      }),
    );
  } finally {
    await stop(server.child);
  }

  // Step 3. Count.
  return {
    ...(await count(url, acknowledged)),
    ...{ store: url, acknowledged: acknowledged.size, seconds: (lastAnswer - start) / 1000, latencies },
  };
}

/** The value below which a share of them lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

async function prepare(url: string, { annotators, tasks, responses = 2 }: LoadOptions): Promise<string[]> {
  const store = await openStore(url);
  const accounts = await Accounts.open(store.database, { baseUrl: 'http://127.0.0.1' });
  const tokens: string[] = [];
  for (let i = 0; i < annotators; i++) {
    const { token: link } = await accounts.invite({ role: 'annotator' });
    const person = { name: `n${i}`, email: `n${i}@example.org`, password: 'correct horse battery' };
    const cookies = await accounts.accept(link, person);
    const cookie = cookies.getSetCookie()[0].split(';')[0];
    const caller = (await accounts.callerOf(new Headers({ cookie })))!;
    tokens.push((await accounts.tokens.make(caller, { name: 'load', permissions: ['annotate'] })).token);
  }
  await new LabelQueue(store, loadProject).add(sandboxTasks(tasks, responses));
  await store.close();
  return tokens;
}

/** So many tasks about questions of the sandbox; where it has fewer questions, with other responses. */
export function* sandboxTasks(count: number, responses: number): Generator<NewLabelTask> {
  const questions = prompts(Math.min(count, 4000), 'train', { seed: 1 });
  const random = new Random(2);
  for (let i = 0; i < count; i++) {
    const prompt = questions[i % questions.length];
    const texts = sampleResponses(prompt, responses, { random });
    yield { item: { prompt: prompt.text, responses: texts.map((text) => ({ text })) }, key: String(i) };
  }
}

async function startServer(
  store: string,
  folder: string,
): Promise<{ readonly child: ChildProcess; readonly url: string }> {
  const argv = ['serve', '--api-only', '--json', '--port', '0', '--store', store];
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', script, ...argv, '--runs', join(folder, 'runs')],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout!.once('data', (data) => resolve(String(data)));
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
  return { child, url: (JSON.parse(line) as { url: string }).url };
}

async function stop(server: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGTERM');
  await gone;
}

type Ask = (method: string, path: string, body: object) => Promise<object>;

function askAs(token: string, url: string): Ask {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  return async (method, path, body) => {
    const response = await fetch(`${url}/api/label/projects/${loadProject}/${path}`, {
      ...{ method, headers, body: JSON.stringify(body) },
    });
    if (response.ok) return (await response.json()) as object;
    throw new Error(`${path} was answered with ${response.status}: ${await response.text()}`);
  };
}

async function count(
  url: string,
  acknowledged: ReadonlySet<string>,
): Promise<Pick<LoadOutcome, 'lost' | 'doubled' | 'chainIsIntact'>> {
  const store = await openStore(url, { mustExist: true });
  try {
    const stored = new Set<string>();
    const tasks = new Set<string>();
    let labels = 0;
    for await (const { id, taskId } of store.ledger.read({ project: loadProject, items: false })) {
      labels++;
      stored.add(id);
      tasks.add(taskId!);
    }
    return {
      lost: [...acknowledged].filter((id) => !stored.has(id)).length,
      // One label is wanted of each task.
      doubled: labels - tasks.size + (labels - stored.size),
      chainIsIntact: (await store.ledger.verify()).ok,
    };
  } finally {
    await store.close();
  }
}
