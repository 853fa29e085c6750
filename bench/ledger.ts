/**
 * The ledger on SQLite beside what its database and its hashes alone cost.
 *
 * Bare inserts write the same JSON texts into a table with nothing but a key, through the same driver, with the same
 * flushes. Four responses of 300 characters and a prompt of 200; two labels of each item.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NewEvent, openStore, type Store } from '../src/store/index.ts';
import { loadSqlite, type SqliteDatabase } from '../src/store/sqlite/load-sqlite.ts';
import { openSqliteFile } from '../src/store/sqlite/sqlite-dialect.ts';
import { type Benchmark, type BenchmarkSettings, type Row, timeOf } from './benchmark.ts';

const batch = 500;

function labels(count: number): NewEvent[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `label-${i}`,
    kind: 'label',
    judge: { kind: 'human', id: `annotator-${i % 50}` },
    taskId: `task-${i >> 1}`,
    item: {
      prompt: `${i >> 1} ${'p'.repeat(200)}`,
      responses: [0, 1, 2, 3].map((k) => ({ text: `${k} ${'r'.repeat(300)}`, model: `model-${k}` })),
    },
    shownOrder: [2, 0, 3, 1],
    ranks: [1, 2, 2, null],
    activeMs: 41_000,
  }));
}

function* batchesOf<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let i = 0; i < items.length; i += size) yield items.slice(i, i + size);
}

/** Time in milliseconds to write texts into a bare table, so many in a transaction. */
async function bareInserts(
  database: SqliteDatabase,
  texts: readonly string[],
  size: number,
): Promise<number> {
  database.exec('create table if not exists bare (id integer primary key, content text not null)');
  const insert = database.prepare('insert into bare (content) values (?)');
  return timeOf(() => {
    for (const some of batchesOf(texts, size)) {
      database.exec('begin immediate');
      for (const text of some) insert.run(text);
      database.exec('commit');
    }
  });
}

async function readAll(store: Store): Promise<number> {
  let count = 0;
  for await (const { ranks } of store.ledger.read({ kinds: ['label'], current: true }))
    count += ranks!.length;
  return count;
}

async function bench({ quick }: BenchmarkSettings): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tenet-bench-'));
  const store = await openStore(join(folder, 'labels.db'));
  const bare = openSqliteFile(join(folder, 'bare.db'), await loadSqlite());
  try {
    const events = labels(quick ? 2000 : 50_000);
    const texts = events.map((event) => JSON.stringify(event));

    // Step 1. Many at a time, and one at a time.
    const bareMs = await bareInserts(bare, texts, batch);
    const appendMs = await timeOf(async () => {
      for (const some of batchesOf(events, batch)) await store.ledger.append(some);
    });
    const singles = labels(quick ? 20 : 300).map((event) => ({ ...event, id: `single-${event.id}` }));
    const bareSingleMs = await bareInserts(
      bare,
      singles.map((event) => JSON.stringify(event)),
      1,
    );
    const singleMs = await timeOf(async () => {
      for (const event of singles) await store.ledger.append(event);
    });
    const together = labels(quick ? 20 : 300).map((event) => ({ ...event, id: `together-${event.id}` }));
    const togetherMs = await timeOf(() => Promise.all(together.map((event) => store.ledger.append(event))));

    // Step 2. Read, and check.
    const readMs = await timeOf(() => readAll(store));
    const parseMs = await timeOf(() => texts.map((text) => JSON.parse(text) as unknown));
    const verifyMs = await timeOf(() => store.ledger.verify());
    const hashMs = await timeOf(() => texts.map((text) => createHash('sha256').update(text).digest('hex')));

    const thousand = (ms: number): number => (ms * 1000) / events.length;
    return [
      {
        what: `appending ${batch} at a time`,
        ratio: appendMs / bareMs,
        of: 'bare inserts',
        measured: { 'ms per 1,000': thousand(appendMs), 'bare ms per 1,000': thousand(bareMs) },
      },
      {
        what: 'appending one at a time',
        ratio: singleMs / bareSingleMs,
        of: 'bare inserts',
        measured: { 'ms each': singleMs / singles.length, 'bare ms each': bareSingleMs / singles.length },
      },
      {
        what: `appending ${together.length} that come at once`,
        ratio: togetherMs / singleMs,
        of: 'one at a time',
        measured: { 'ms each': togetherMs / together.length },
      },
      {
        what: `reading ${events.length} labels`,
        ratio: readMs / parseMs,
        of: 'parsing the same JSON',
        measured: { 'ms per 1,000': thousand(readMs) },
      },
      {
        what: 'reading 50,000 labels',
        ratio: (thousand(readMs) * 50) / 5000,
        of: 'the 5 s allowed for an export',
        target: { below: 1 },
        measured: { seconds: (thousand(readMs) * 50) / 1000 },
      },
      {
        what: `checking ${events.length} events`,
        ratio: verifyMs / hashMs,
        of: 'hashing the same JSON',
        measured: { 'ms per 1,000': thousand(verifyMs) },
      },
    ];
  } finally {
    await store.close();
    bare.close();
    await rm(folder, { recursive: true });
  }
}

export const ledger: Benchmark = {
  name: 'ledger',
  title: 'Ledger',
  note: 'Appending, reading and checking labels on SQLite, beside bare inserts, parsing and hashing of the same texts.',
  cases: { sqlite: bench },
};
