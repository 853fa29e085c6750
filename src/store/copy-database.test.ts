import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tableKeys } from './copy-database.ts';
import { copyStore, type LedgerEvent, openStore, type Store, type WorkItem } from './index.ts';
import { tableNames } from './migrate.ts';
import { onEachDatabase } from './testing/each-database.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-copy-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function fill({ ledger, calls, queue, database }: Store): Promise<void> {
  const label = { kind: 'label', judge: { kind: 'human', id: 'ann' }, ranks: [1, 2] } as const;
  const item = (i: number) => ({ prompt: `prompt ${i}`, responses: [{ text: 'a' }, { text: 'b' }] });
  await ledger.append(
    Array.from({ length: 700 }, (_, i) => ({ ...label, id: `e${i}`, item: item(i % 600) })),
  );
  await ledger.append({ ...label, id: 'corrected', item: item(3), supersedes: 'e3' });
  await calls.put(
    'key',
    { answer: 1 },
    { model: 'm', costUsd: 0.1, inputTokens: 1, outputTokens: 2, latencyMs: 3 },
  );
  await queue('q').add(['a', 'b', 'c'].map((id) => ({ id, payload: { id }, priority: 0.5 })));
  await queue('q').complete((await queue('q').claim({ owner: 'ann' }))[0], 'done');
  const task = { id: 't', project: 'p', content: '{}', created_at: 1 };
  await database.db.insertInto('label_task').values(task).execute();
  await database.db.insertInto('label_draft').values({ id: 't ann', content: '{}', saved_at: 1 }).execute();
  const time = new Date(1_700_000_000_000).toISOString();
  const person = { id: 'ann', name: 'Ann', email: 'ann@example.org', role: 'annotator', audiences: '[]' };
  const marks = { email_verified: 0, disabled: 1, created_at: time, updated_at: time };
  await database.db
    .insertInto('person')
    .values({ ...person, ...marks })
    .execute();
}

async function contents({ ledger, calls, queue, database }: Store): Promise<unknown[]> {
  const events: LedgerEvent[] = [];
  for await (const event of ledger.read()) events.push(event);
  const items: WorkItem[] = [];
  for await (const item of queue('q').read()) items.push(item);
  const people = await database.read((db) => db.selectFrom('person').selectAll().execute());
  const person = people.map(({ disabled, created_at: at, ...rest }) => ({
    ...{ id: rest.id, email: rest.email, role: rest.role },
    ...{ disabled: Number(disabled), createdAt: new Date(at).getTime() },
  }));
  return [events, await ledger.head(), await calls.get('key'), await calls.totals(), items, person];
}

onEachDatabase((database) => {
  it('copies everything there and back, as it is', async () => {
    const [file, other, back] = [
      await openStore(join(folder, `${database.dialect}.db`)),
      await openStore(await database.newUrl()),
      await openStore(join(folder, `${database.dialect}-back.db`)),
    ];
    await fill(file);
    const counts = {
      ...{ ledger_item: 600, ledger_event: 701, model_call: 1, work_item: 3 },
      ...{ label_task: 1, label_draft: 1, person: 1 },
    };
    expect(await copyStore(file, other)).toMatchObject(counts);
    expect(await copyStore(other, back)).toMatchObject(counts);
    expect(await contents(other)).toEqual(await contents(file));
    expect(await contents(back)).toEqual(await contents(file));

    // Both go on from there.
    await other.queue('q').add([{ id: 'd', payload: null }]);
    expect((await other.queue('q').claim({ owner: 'bob', limit: 9 })).map(({ id }) => id)).toEqual([
      'b',
      'c',
      'd',
    ]);
    await other.ledger.append({ kind: 'skip', judge: { kind: 'human', id: 'bob' } });
    expect(await other.ledger.verify([await file.ledger.head()])).toMatchObject({
      ok: true,
      head: { count: 702 },
    });

    await expect(copyStore(file, other)).rejects.toThrow('is not empty (it has rows in ledger_item)');
    await Promise.all([file.close(), other.close(), back.close()]);
  });

  it('knows every table', async () => {
    const store = await openStore(await database.newUrl());
    const tables = (await tableNames(store.database)).filter((name) => !name.startsWith('tenet_migration'));
    expect(tables.sort()).toEqual(Object.keys(tableKeys).sort());
    await store.close();
  });
});
