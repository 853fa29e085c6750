import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { openStore, type Store } from '../../store/index.ts';
import { onEachDatabase } from '../../store/testing/each-database.ts';
import { LabelQueue, type NewProjectRules, writeRules } from '../index.ts';

onEachDatabase((database) => {
  let store: Store;
  let queue: LabelQueue;
  let taskId: string;
  let projects = 0;
  beforeAll(async () => {
    store = await openStore(await database.passingUrl());
  });
  afterAll(() => store.close());
  beforeEach(async () => {
    queue = new LabelQueue(store, `project ${++projects}`);
    await queue.add([{ item: { prompt: 'p', responses: [{ text: 'a' }, { text: 'b' }] }, overlap: 2 }]);
    for await (const { id } of queue.read()) taskId = id;
  });
  const rule = (further: NonNullable<NewProjectRules['furtherLabels']>) =>
    writeRules(store.database, queue.project, { furtherLabels: further });
  let ids = 0;
  const label = async (id: string, ranks: number[]): Promise<string> => {
    const event = await queue.submit({ id: `label-${++ids}`, taskId, annotator: { id }, ranks });
    return event.id;
  };
  const wanted = async () => (await queue.progress()).wanted;
  const forAdjudication = () => queue.claim({ id: 'judge' }, { purpose: 'adjudication' });

  it('are asked for while labels disagree, up to the most, and then an adjudicator decides', async () => {
    await rule({ most: 4 });
    const events = [await label('ann', [1, 2])];
    expect(await wanted()).toBe(2);
    events.push(await label('bob', [2, 1]));
    expect(await wanted()).toBe(3);
    expect(await queue.claim({ id: 'eve' })).toHaveLength(1);
    await queue.release('eve');
    // Two against one: of three comparisons one agrees.
    events.push(await label('eve', [1, 2]));
    expect(await wanted()).toBe(4);
    expect(await forAdjudication()).toEqual([]);
    events.push(await label('kim', [1, 2]));
    expect(await wanted()).toBe(4);
    const [{ basedOn }] = await forAdjudication();
    expect(basedOn).toEqual(events.sort());
    const decision = { id: `decision-${ids}`, taskId, annotator: { id: 'judge' } };
    await queue.adjudicate({ ...decision, ranks: [1, 2] });
    await label('late', [2, 1]);
    expect(await wanted()).toBe(5);
    expect(await forAdjudication()).toEqual([]);
  });

  it('are not asked for where labels agree, or as often as was asked for', async () => {
    await rule({ agreement: 0.5 });
    await label('ann', [1, 2]);
    await label('bob', [1, 1]); // a tie against a decision is half
    expect(await wanted()).toBe(2);
  });

  it('end when the labels agree: a correction counts as it stands', async () => {
    await rule({ most: 5, agreement: 0.6 });
    const first = await label('ann', [2, 1]);
    await label('bob', [1, 2]);
    expect(await wanted()).toBe(3);
    await queue.correct(first, { id: `corrected-${ids}`, taskId, annotator: { id: 'ann' }, ranks: [1, 2] });
    await label('eve', [1, 2]);
    expect(await wanted()).toBe(3);
    expect(await forAdjudication()).toEqual([]);
  });

  it('are left to people where nobody is to decide, and are none without a rule', async () => {
    await rule({ most: 2, adjudicate: false });
    await label('ann', [1, 2]);
    await label('bob', [2, 1]);
    expect(await wanted()).toBe(2);
    expect(await forAdjudication()).toEqual([]);
    const free = new LabelQueue(store, `free ${projects}`);
    await free.add([{ item: { prompt: 'p', responses: [{ text: 'a' }, { text: 'b' }] }, overlap: 2 }]);
    for (const [id, ranks] of [
      ['ann', [1, 2]],
      ['bob', [2, 1]],
    ] as const) {
      // biome-ignore format: pairs
      const [{ task }] = await free.claim({ id });
      await free.submit({ id: `free-${id}-${projects}`, taskId: task.id, annotator: { id }, ranks });
    }
    expect(await free.progress()).toMatchObject({ wanted: 2, labels: 2 });
  });

  it('are asked for once, however often and at once the last label is sent', async () => {
    await rule({ most: 3 });
    await label('ann', [1, 2]);
    const last = { id: `twice-${ids}`, taskId, annotator: { id: 'bob' }, ranks: [2, 1] };
    await Promise.all([queue.submit(last), queue.submit(last), queue.submit(last)]);
    expect(await wanted()).toBe(3);
  });
});
