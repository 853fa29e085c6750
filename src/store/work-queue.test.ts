import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { Database } from './database.ts';
import { DatabaseWorkQueue } from './database-work-queue.ts';
import { type Lease, openStore, type Store, type WorkItem, type WorkQueue } from './index.ts';
import { onEachDatabase } from './testing/each-database.ts';

onEachDatabase((database) => {
  let store: Store;
  let queue: WorkQueue;
  let queues = 0;
  beforeAll(async () => {
    store = await openStore(await database.passingUrl());
  });
  afterAll(() => store.close());
  beforeEach(() => {
    queue = store.queue(`queue ${++queues}`);
  });

  const items = (...ids: string[]): { id: string; payload: { text: string } }[] =>
    ids.map((id) => ({ id, payload: { text: `work ${id}` } }));
  const claimIds = async (options: Partial<Parameters<WorkQueue['claim']>[0]> = {}): Promise<string> =>
    (await queue.claim({ owner: 'ann', limit: 100, ...options })).map(({ id }) => id).join('');
  const all = async (filter?: Parameters<WorkQueue['read']>[0]): Promise<WorkItem[]> => {
    const found: WorkItem[] = [];
    for await (const item of queue.read(filter)) found.push(item);
    return found;
  };

  it('gives out each item once, in order', async () => {
    expect(await queue.add(items('a', 'b', 'c'))).toBe(3);
    expect(await queue.add(items('b', 'd'))).toBe(1);
    const [first] = await queue.claim({ owner: 'ann' });
    expect(first).toMatchObject({ id: 'a', payload: { text: 'work a' }, owner: 'ann', attempt: 1 });
    expect(await claimIds({ owner: 'bob', limit: 2 })).toBe('bc');
    expect(await claimIds()).toBe('d');
    expect(await claimIds()).toBe('');
    expect(await queue.counts()).toEqual({ waiting: 0, leased: 4, done: 0, failed: 0 });
    expect(await store.queue('another').counts()).toEqual({ waiting: 0, leased: 0, done: 0, failed: 0 });
  });

  it('keeps a result with its item, and does nothing twice', async () => {
    await queue.add(items('a', 'b', 'c'));
    const [a, b, c] = await queue.claim({ owner: 'ann', limit: 3 });
    await queue.complete(c, { label: 3 });
    await queue.fail(b, 'no answer', { final: true });
    await queue.complete(a);
    await queue.complete(c, { label: 'ignored' });
    expect((await all()).map(({ id, status, result, error }) => [id, status, result, error])).toEqual([
      ['a', 'done', null, null],
      ['b', 'failed', null, 'no answer'],
      ['c', 'done', { label: 3 }, null],
    ]);
    expect(await queue.add(items('a', 'b', 'c'))).toBe(0);
    expect(await claimIds()).toBe('');
  });

  it('tries a failed item again until its attempts are used up', async () => {
    await queue.add([{ id: 'a', payload: 1, maxAttempts: 2 }]);
    const [first] = await queue.claim({ owner: 'ann' });
    await queue.fail(first, 'server down');
    expect(await queue.get('a')).toMatchObject({
      status: 'waiting',
      attempts: 1,
      error: 'server down',
      owner: null,
    });
    const [second] = await queue.claim({ owner: 'ann' });
    expect(second.attempt).toBe(2);
    await queue.fail(second, 'still down');
    expect(await queue.get('a')).toMatchObject({ status: 'failed', attempts: 2, error: 'still down' });
    expect(await claimIds()).toBe('');
    expect(await queue.retry(['other'])).toBe(0);
    expect(await queue.retry(['a'])).toBe(1);
    const [third] = await queue.claim({ owner: 'ann' });
    expect(third.attempt).toBe(1);
    await queue.complete(third, 'good');
    expect(await queue.get('a')).toMatchObject({ status: 'done', result: 'good', error: null });
    expect(await queue.retry()).toBe(0);
  });

  it('waits before it tries again when told to', async () => {
    await queue.add(items('a'));
    const [lease] = await queue.claim({ owner: 'ann' });
    await queue.fail(lease, 'too many requests', { retryInMs: 60_000 });
    expect(await claimIds()).toBe('');
  });

  it('gives an item to another when its lease has ended, and then refuses the first', async () => {
    await queue.add(items('a'));
    const [slow] = await queue.claim({ owner: 'ann', leaseMs: 0 });
    const [quick] = await queue.claim({ owner: 'bob' });
    expect(quick).toMatchObject({ id: 'a', attempt: 2 });
    for (const late of [
      () => queue.complete(slow, 'late'),
      () => queue.fail(slow, 'late'),
      () => queue.release(slow),
      () => queue.extend(slow, 1000),
    ]) {
      await expect(late()).rejects.toThrow('item a of queue');
    }
    await queue.complete(quick, 'in time');
    await expect(queue.complete(slow, 'late')).rejects.toThrow('no longer');
    await expect(queue.fail(quick, 'changed my mind')).rejects.toThrow('no longer');
    expect(await queue.get('a')).toMatchObject({ status: 'done', result: 'in time', owner: 'bob' });
  });

  it('lets whoever comes late finish what nobody else has taken', async () => {
    await queue.add(items('a', 'b'));
    const [slow] = await queue.claim({ owner: 'ann', leaseMs: 0 });
    expect(await claimIds({ owner: 'bob', limit: 1, audiences: ['x'] })).toBe('a');
    const [other] = await queue.claim({ owner: 'ann', leaseMs: 0 });
    expect(other.id).toBe('b');
    await queue.claim({ owner: 'eve', limit: 0 }); // ends the leases, takes nothing
    await queue.complete(other, 'late but good');
    expect(await queue.get('b')).toMatchObject({ status: 'done', owner: 'ann', result: 'late but good' });
    await expect(queue.complete(slow)).rejects.toThrow('no longer');
  });

  it('lets whoever comes late go on with what nobody else has taken', async () => {
    await queue.add(items('a'));
    const [short] = await queue.claim({ owner: 'ann', leaseMs: 0 });
    await queue.claim({ owner: 'bob', audiences: ['x'], limit: 0 });
    expect(await queue.get('a')).toMatchObject({ status: 'waiting', owner: null });
    await queue.extend(short, 60_000);
    expect(await queue.get('a')).toMatchObject({ status: 'leased', owner: 'ann' });
    expect(await claimIds({ owner: 'bob' })).toBe('');
  });

  it('counts leases that ended as attempts, unless the item has no limit', async () => {
    await queue.add([
      { id: 'a', payload: 1, maxAttempts: 1 },
      { id: 'b', payload: 1, maxAttempts: null },
    ]);
    expect(await claimIds({ leaseMs: 0 })).toBe('ab');
    expect(await claimIds({ leaseMs: 0 })).toBe('b');
    expect(await claimIds({ leaseMs: 0 })).toBe('b');
    expect(await queue.get('a')).toMatchObject({
      status: 'failed',
      error: expect.stringContaining('lease ended'),
    });
  });

  it('prolongs a lease, and takes back what is given back without counting it', async () => {
    await queue.add(items('a'));
    const [short] = await queue.claim({ owner: 'ann', leaseMs: 1 });
    const long = await queue.extend(short, 60_000);
    await sleep(5);
    expect(await claimIds({ owner: 'bob' })).toBe('');
    const again = await queue.claim({ owner: 'eve', leaseMs: 0 });
    expect(again).toEqual([]);
    await queue.release(long);
    expect(await queue.get('a')).toMatchObject({ status: 'waiting', attempts: 0, owner: null });
    expect(await claimIds({ owner: 'bob' })).toBe('a');
  });

  it('gives out the most urgent first, and only to those it is for', async () => {
    await queue.add([
      { id: 'a', payload: 1, priority: 1 },
      { id: 'b', payload: 1, priority: 2.5 },
      { id: 'c', payload: 1, audience: 'de', priority: 9 },
      { id: 'd', payload: 1, audience: 'fr', priority: 9 },
      { id: 'e', payload: 1, priority: 1 },
    ]);
    expect(
      await queue.prioritise(
        new Map([
          ['e', 2],
          ['nowhere', 1],
        ]),
      ),
    ).toBe(1);
    expect(await claimIds({ limit: 2 })).toBe('be');
    expect(await claimIds({ audiences: ['de', 'en'] })).toBe('ca');
    expect(await claimIds({ audiences: ['fr'] })).toBe('d');
  });

  it('asks for the audiences that items wait for, however many the owner belongs to', async () => {
    const names = Array.from({ length: 2000 }, (_, i) => `group-${i}`);
    await queue.add([
      { id: 'a', payload: 1, group: 'a', audience: 'group-7' },
      { id: 'b', payload: 1, group: 'b' },
      { id: 'c', payload: 1, group: 'c', audience: 'group-1999' },
      { id: 'd', payload: 1, group: 'd', audience: 'others' },
      { id: 'e', payload: 1, group: 'e', audience: '' },
    ]);
    let statements = 0;
    const counted = store.database.db.withPlugin({
      transformQuery: ({ node }) => {
        statements++;
        return node;
      },
      transformResult: async ({ result }) => result,
    });
    const { dialect, url } = store.database;
    const counting = new DatabaseWorkQueue(new Database(counted, dialect, url), queue.name);
    const leases = await counting.claim({
      ...{ owner: 'ann', limit: 10, audiences: [...names, ''], oncePerGroup: true },
    });
    expect(leases.map(({ id }) => id).join('')).toBe('abce');
    // Five claims, the last in vain, each of four audiences and a change; four leaps; leases that have ended, a lock.
    expect(statements).toBeLessThan(40);
  });

  it('gives nobody two items of one group', async () => {
    await queue.add(
      ['1', '2'].flatMap((copy) =>
        ['x', 'y', 'z'].map((group) => ({ id: `${group}${copy}`, payload: 1, group })),
      ),
    );
    const claim = (owner: string): Promise<string> => claimIds({ owner, oncePerGroup: true });
    expect(await claim('ann')).toBe('x1y1z1');
    expect(await claim('ann')).toBe('');
    const [lease] = await queue.claim({ owner: 'bob', oncePerGroup: true });
    expect(lease.id).toBe('x2');
    await queue.release(lease);
    expect(await claim('bob')).toBe('x2y2z2');
    expect((await all({ group: 'y' })).map(({ id, owner }) => [id, owner])).toEqual([
      ['y1', 'ann'],
      ['y2', 'bob'],
    ]);
  });

  it('shares out among claimers at the same time without giving anything twice', async () => {
    const ids = Array.from({ length: 300 }, (_, i) => String(i));
    await queue.add(items(...ids));
    const work = async (owner: string): Promise<string[]> => {
      const done: string[] = [];
      for (let leases: Lease[]; (leases = await queue.claim({ owner, limit: 7 })).length > 0; ) {
        for (const lease of leases) {
          await queue.complete(lease, owner);
          done.push(lease.id);
        }
      }
      return done;
    };
    const done = (await Promise.all(['a', 'b', 'c', 'd', 'e'].map(work))).flat();
    expect(done.sort()).toEqual(ids.sort());
    expect((await all({ status: 'done' })).length).toBe(300);
  });

  it('refuses priorities that are no numbers', () => {
    expect(() => queue.add([{ id: 'a', payload: 1, priority: Number.NaN }])).toThrow('finite');
  });
});
