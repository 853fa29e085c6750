import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Database } from './database.ts';
import { GroupCommit } from './group-commit.ts';
import { openStore, type Store } from './index.ts';

let store: Store;
let database: Database;
beforeAll(async () => {
  store = await openStore(':memory:');
  database = store.database;
});
afterAll(() => store.close());

const echo = (): GroupCommit<number, number> =>
  new GroupCommit(database, async (_, writes) => writes.map((write) => ({ answer: write })));

it('answers a write that comes in the moment the last one is answered', async () => {
  const commits = echo();
  const second = commits.submit(1).then((answer) => commits.submit(answer + 1));
  // Nothing else is ever submitted: what is not begun now would never be.
  const late = new Promise<'never'>((resolve) => setTimeout(resolve, 1000, 'never'));
  expect(await Promise.race([second, late])).toBe(2);
});

it('has settled only when everything submitted has been answered', async () => {
  const commits = echo();
  const answered: number[] = [];
  for (const write of [1, 2, 3]) void commits.submit(write).then((answer) => answered.push(answer));
  await commits.settled();
  expect(answered).toEqual([1, 2, 3]);
});
