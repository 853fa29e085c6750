import { chmod, copyFile, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStore } from './index.ts';
import { onEachDatabase } from './testing/each-database.ts';

onEachDatabase((database) => {
  it('is made once, by many that open it at the same time', async () => {
    const url = await database.newUrl();
    const stores = await Promise.all(Array.from({ length: 6 }, () => openStore(url)));
    const skip = { kind: 'skip', judge: { kind: 'human', id: 'a' } } as const;
    await Promise.all(stores.map(({ ledger }, i) => ledger.append({ ...skip, id: `e${i}` })));
    expect(await stores[0].ledger.verify()).toMatchObject({ ok: true, head: { count: 6 } });
    await Promise.all(stores.map((store) => store.close()));
  });

  it('is not made by those who only want to read', async () => {
    const url = await database.newUrl();
    await expect(openStore(url, { mustExist: true })).rejects.toThrow(/there is no ledger|holds no ledger/);
    await (await openStore(url)).close();
    const store = await openStore(url, { mustExist: true });
    expect(await store.ledger.count()).toBe(0);
    await store.close();
  });

  it('refuses tables that a newer version has made', async () => {
    const url = await database.newUrl();
    const store = await openStore(url);
    await sql`insert into tenet_migration (name, timestamp) values ('999-future', '2999-01-01')`.execute(
      store.database.db,
    );
    await store.close();
    await expect(openStore(url)).rejects.toThrow('newer version of Tenet (it has 999-future)');
  });

  it('finishes what is being written before it closes', async () => {
    const url = await database.newUrl();
    const store = await openStore(url);
    const appended = store.ledger.append({ kind: 'skip', judge: { kind: 'human', id: 'a' }, id: 'last' });
    await new Promise((resolve) => setImmediate(resolve));
    await store.close();
    await appended;
    const again = await openStore(url);
    expect(await again.ledger.get('last')).toMatchObject({ seq: 1 });
    await again.close();
  });

  it('waits while somebody else writes, and works on meanwhile', async () => {
    const url = await database.newUrl();
    const [store, other] = [await openStore(url), await openStore(url)];
    let appended = false;
    let held = 0;
    await other.database.write(async (transaction) => {
      await other.database.lock(transaction, 'ledger');
      const skip = { kind: 'skip', judge: { kind: 'human', id: 'a' }, id: 'waits' } as const;
      void store.ledger.append(skip).then(() => {
        appended = true;
      });
      for (; held < 30; held++) await new Promise((resolve) => setTimeout(resolve, 5));
      expect(appended).toBe(false);
    });
    await other.ledger.append({ kind: 'skip', judge: { kind: 'human', id: 'b' } });
    await store.close();
    expect(appended).toBe(true);
    expect(await other.ledger.verify()).toMatchObject({ ok: true, head: { count: 2 } });
    await other.close();
  });

  it('flushes every commit to the disk', async () => {
    const store = await openStore(await database.newUrl());
    const setting = sql.raw(database.dialect === 'sqlite' ? 'pragma synchronous' : 'show synchronous_commit');
    const { rows } = await setting.execute(store.database.db);
    expect(Object.values(rows[0] as object)).toEqual([database.dialect === 'sqlite' ? 2 : 'on']); // 2 = full
    await store.close();
  });
  it.skipIf(database.dialect === 'sqlite')('goes on after the server has ended its connections', async () => {
    const url = await database.newUrl();
    const [store, other] = [await openStore(url), await openStore(url)];
    await store.ledger.append({ kind: 'skip', judge: { kind: 'human', id: 'a' } });
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(store.database.db);
    await sql`select pg_terminate_backend(${rows[0].pid})`.execute(other.database.db);
    await new Promise((resolve) => setTimeout(resolve, 100)); // until the news has arrived
    await store.ledger.append({ kind: 'skip', judge: { kind: 'human', id: 'a' } });
    expect(await store.ledger.count()).toBe(2);
    await Promise.all([store.close(), other.close()]);
  });
});

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-open-'));
});
afterAll(() => rm(folder, { recursive: true }));

it('refuses files that are not its own', async () => {
  await writeFile(join(folder, 'text.db'), 'This is no database. '.repeat(100));
  await expect(openStore(join(folder, 'text.db'))).rejects.toThrow('is not an SQLite database');
  await mkdir(join(folder, 'folder.db'));
  await expect(openStore(join(folder, 'folder.db'))).rejects.toThrow('cannot be opened');

  const { loadSqlite } = await import('./sqlite/load-sqlite.ts');
  const Sqlite = await loadSqlite();
  const foreign = new Sqlite(join(folder, 'foreign.db'));
  foreign.exec('create table customer (id integer)');
  foreign.close();
  await expect(openStore(join(folder, 'foreign.db'))).rejects.toThrow(
    'another program (it has tables customer)',
  );
});

it('has everything in the one file once it is closed, for whoever copies that', async () => {
  const [path, copied] = [join(folder, 'whole.db'), join(folder, 'copied.db')];
  const store = await openStore(path);
  await store.ledger.append({ kind: 'skip', judge: { kind: 'human', id: 'ann' }, id: 'last' });
  await store.close();
  await copyFile(path, copied);
  const copy = await openStore(copied);
  expect(await copy.ledger.get('last')).toMatchObject({ seq: 1 });
  await copy.close();
});

it.skipIf(process.platform === 'win32')('keeps a new file from others on the machine', async () => {
  const inside = join(folder, 'private');
  const forOthers = async (name: string): Promise<number> => (await stat(join(inside, name))).mode & 0o007;
  const store = await openStore(join(inside, 'labels.db'));
  await store.ledger.append({ kind: 'skip', judge: { kind: 'human', id: 'ann' } });
  // The file, its log and what processes share.
  expect(await Promise.all((await readdir(inside)).map(forOthers))).toEqual([0, 0, 0]);
  await store.close();
  // What somebody has opened to others stays so.
  await chmod(join(inside, 'labels.db'), 0o644);
  await (await openStore(join(inside, 'labels.db'))).close();
  expect(await forOthers('labels.db')).toBe(4);
});

it('makes folders that are missing, and says where it is', async () => {
  const store = await openStore(`sqlite:${join(folder, 'new/deep/labels.db')}`);
  expect(store).toMatchObject({ url: join(folder, 'new/deep/labels.db'), dialect: 'sqlite' });
  await store.close();
});

it('says what is wrong with an address, without the password', async () => {
  await expect(openStore('mysql://me:secret@host/db')).rejects.toThrow(
    '"mysql://me@host/db" names a kind of database',
  );
  await expect(openStore('')).rejects.toThrow('empty');
  await expect(openStore('postgres://me:secret@127.0.0.1:1/db')).rejects.toThrow(
    'no PostgreSQL server answers at postgres://me@127.0.0.1:1/db (ECONNREFUSED)',
  );
});
