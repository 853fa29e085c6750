import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { hashFile } from '../../base/index.ts';
import { LabelQueue } from '../../feedback/index.ts';
import { openStore, readSelectionFile, type Store } from '../../store/index.ts';
import { readGuardData } from '../data/read-guard-data.ts';
import { Exchange, type ExchangeReport } from '../enforce/exchange.ts';
import { type GuardPolicyInput, rulesFor } from '../policy/policy.ts';
import { toPolicy } from '../policy/read-policy.ts';
import { letterGuard } from '../testing/letter-guard.ts';
import { CaseLedger } from './case-ledger.ts';
import { HARMFUL, HARMLESS } from './guard-case.ts';
import { exportCases, guardRecords } from './guard-records.ts';

let store: Store;
beforeEach(async () => {
  store = await openStore(':memory:');
});
afterEach(() => store.close());

/** A ledger, and what puts requests through a guard into it: `X` scores 0.9, `w` 0.45, the threshold is 0.5. */
function ledgerWith(settings: GuardPolicyInput['ledger'] = {}, now?: () => number) {
  const policy = toPolicy({ ledger: settings });
  const added: string[] = [];
  const cases = new CaseLedger({
    ...{ store, settings: policy.ledger!, now, onAdded: (why) => added.push(why) },
    onFailure: (error) => {
      throw error;
    },
  });
  let number = 0;
  const ask = async (content: string, answer = 'fine'): Promise<string> => {
    const requestId = `00000000-0000-4000-8000-${String(number++).padStart(12, '0')}`;
    const reported = new Promise<ExchangeReport>((resolve) => {
      const exchange = new Exchange({
        guard: letterGuard({ scores: { X: 0.9, w: 0.45 } }),
        rules: rulesFor(policy, {}),
        facts: { requestId, route: '/v1/chat/completions', model: 'm', stream: false },
        messages: [{ role: 'user', content }],
        observers: [cases, { finished: resolve }],
      });
      void (async () => {
        if (!(await exchange.refusesInput())) {
          const guarded = exchange.answer<string>();
          await guarded.add([{ item: answer, text: answer }]);
          await guarded.end();
        }
        exchange.finish();
      })();
    });
    await reported;
    await cases.settled();
    return requestId;
  };
  return { cases, ask, added };
}

async function tasks() {
  const all = [];
  for await (const task of new LabelQueue(store, 'guard').read()) all.push(task);
  return all;
}

describe('cases', () => {
  it('are what was blocked, and what nearly was', async () => {
    const { ask, added } = ledgerWith();
    await ask('hello');
    await ask('an X');
    await ask('say it', 'X it is');
    await ask('say w', 'fine');
    expect(added).toEqual(['block', 'block', 'near']);
    const [input, output, near] = await tasks();
    expect(input.item.prompt).toEqual([{ role: 'user', content: 'an X' }]);
    expect(output.item.prompt).toEqual([
      { role: 'user', content: 'say it' },
      { role: 'assistant', content: 'X it is' },
    ]);
    // 1 − |0.9 − 0.5| and 1 − |0.45 − 0.5|: the less certain comes first.
    expect([input.priority, near.priority]).toEqual([expect.closeTo(0.6), expect.closeTo(0.95)]);
    expect(input).toMatchObject({ suggestion: { ranks: [2, 1], confidence: 0.9, shownTo: 0 } });
    expect(near).toMatchObject({ suggestion: { ranks: [1, 2], confidence: 0.55 } });
    expect(output.extra?.guard).toMatchObject({ why: 'block', where: 'output', score: 0.9, principle: 'X' });
  });

  it('of the same texts are one, and no more than so many are made in an hour', async () => {
    let time = 1e12;
    const { ask, added } = ledgerWith({ mostPerHour: 3 }, () => time);
    for (const text of ['X', 'X', 'X1', 'X2']) await ask(text);
    expect(added).toEqual(['block', 'block']);
    time += 3_600_000;
    await ask('X3');
    expect(added).toHaveLength(3);
  });

  it('can be near misses alone', async () => {
    const { ask, added } = ledgerWith({ blocks: false, near: 0.05 });
    await ask('X');
    await ask('w');
    expect(added).toEqual(['near']);
  });
});

describe('appeals', () => {
  it('are judged anew, first of all, once for each block', async () => {
    const { cases, ask } = ledgerWith();
    const blocked = await ask('X');
    const passed = await ask('hello');
    expect(await cases.appeal(blocked, 'It is chess.')).toBe('queued');
    expect(await cases.appeal(blocked, 'It is chess.')).toBe('known');
    expect(await cases.appeal(passed, null)).toBe('unknown');
    expect(await cases.appeal('%', null)).toBe('unknown');
    const [, appeal] = await tasks();
    expect(appeal).toMatchObject({
      key: 'appeal',
      priority: 10,
      extra: { guard: { why: 'appeal', note: 'It is chess.' } },
    });
  });

  it('find blocks from before a restart in the store, where their cases are kept', async () => {
    const first = ledgerWith();
    const blocked = await first.ask('X');
    const near = await first.ask('w');
    const { cases } = ledgerWith();
    expect(await cases.appeal(near, null)).toBe('unknown');
    expect(await cases.appeal(blocked, 'again')).toBe('queued');
    expect((await tasks()).at(-1)).toMatchObject({ key: 'appeal', extra: { guard: { note: 'again' } } });
  });

  it('work where blocks make no cases, as long as they are remembered', async () => {
    const { cases, ask } = ledgerWith({ blocks: false });
    expect(await cases.appeal(await ask('X'), null)).toBe('queued');
  });
});

describe('training data', () => {
  const verdict = (isHarmful: boolean): number[] => {
    const ranks = [2, 2];
    ranks[isHarmful ? HARMFUL : HARMLESS] = 1;
    return ranks;
  };

  it('are the judged cases: by most votes, without ties, with what was appealed in one', async () => {
    const { cases, ask } = ledgerWith({ overlap: 3 });
    const chess = await ask('X is a chess piece');
    await ask('tell me', 'X it is');
    await ask('tie X');
    await ask('unjudged X');
    await cases.appeal(chess, null);
    const queue = new LabelQueue(store, 'guard');
    const all = await tasks();
    const find = (text: string, key?: string) =>
      all.find((task) => JSON.stringify(task.item.prompt).includes(text) && task.key === key)!;
    let number = 0;
    const label = async (
      task: { readonly id: string },
      annotator: string,
      isHarmful: boolean,
    ): Promise<void> => {
      const id = `label-${number++}`;
      await queue.submit({ id, taskId: task.id, annotator: { id: annotator }, ranks: verdict(isHarmful) });
    };
    await label(find('chess'), 'ann', true);
    await label(find('chess', 'appeal'), 'bob', false);
    await label(find('chess', 'appeal'), 'cy', false);
    for (const annotator of ['ann', 'bob']) await label(find('X it is'), annotator, true);
    await label(find('tie'), 'ann', true);
    await label(find('tie'), 'bob', false);
    const records = [];
    for await (const record of guardRecords(store, 'guard')) records.push(record);
    expect(records).toEqual([
      {
        messages: [{ role: 'user', content: 'X is a chess piece' }],
        label: 'harmless',
        source: 'ledger:guard',
        family: expect.stringMatching(/^case-/),
        votes: [2, 3],
      },
      {
        messages: [{ role: 'user', content: 'tell me' }],
        response: 'X it is',
        label: 'harmful',
        principle: 'X',
        source: 'ledger:guard',
        family: expect.stringMatching(/^case-/),
        votes: [2, 2],
      },
    ]);
    expect(records[0].family).not.toBe(records[1].family);
  });

  it('are written with the labels that they were made of, also where one comes meanwhile', async () => {
    const { ask } = ledgerWith();
    for (const text of ['X one', 'X two']) await ask(text);
    const queue = new LabelQueue(store, 'guard');
    const label = async (id: string): Promise<void> => {
      const [{ task }] = await queue.claim({ id: 'ann' });
      await queue.submit({ id, taskId: task.id, annotator: { id: 'ann' }, ranks: verdict(true) });
    };
    const file = join(await mkdtemp(join(tmpdir(), 'tenet-cases-')), 'cases.jsonl');
    await expect(exportCases(store, 'guard', file)).rejects.toThrow(
      /nobody has judged a case of project guard/,
    );
    await label('first');
    const describeNow = store.ledger.describe.bind(store.ledger);
    const described = vi.spyOn(store.ledger, 'describe').mockImplementationOnce(async (filter) => {
      const before = await describeNow(filter);
      await label('meanwhile');
      return before;
    });
    const { rows, harmful, kept, labels } = await exportCases(store, 'guard', file, { testShare: 0 });
    described.mockRestore();
    expect([rows, harmful, kept, labels.digest.events]).toEqual([2, 2, 0, 2]);
    expect(await readSelectionFile(file, await hashFile(file))).toEqual(labels);
    const { examples } = await readGuardData(file);
    expect(examples.map(({ split, harmfulPrompt }) => [split, harmfulPrompt])).toEqual([
      ['train', true],
      ['train', true],
    ]);
    await rm(dirname(file), { recursive: true });
  });

  it('are kept for the test by their first request alone, so that more are kept of a larger share', async () => {
    const { ask } = ledgerWith();
    for (let i = 0; i < 40; i++) await ask(`X number ${i}`);
    const queue = new LabelQueue(store, 'guard');
    for (const [i, { task }] of (await queue.claim({ id: 'ann' }, { limit: 40 })).entries()) {
      await queue.submit({ id: `l-${i}`, taskId: task.id, annotator: { id: 'ann' }, ranks: verdict(true) });
    }
    const folder = await mkdtemp(join(tmpdir(), 'tenet-cases-'));
    const keptOf = async (testShare: number): Promise<string[]> => {
      const file = join(folder, `${testShare}.jsonl`);
      await exportCases(store, 'guard', file, { testShare });
      const { examples } = await readGuardData(file);
      return examples.flatMap(({ split, request }) => (split === 'test' ? [request] : []));
    };
    const [few, more, all] = [await keptOf(0.2), await keptOf(0.5), await keptOf(1)];
    expect(few.length).toBeGreaterThan(2);
    expect(few.length).toBeLessThan(more.length);
    expect(few.filter((request) => !more.includes(request))).toEqual([]);
    expect(all).toHaveLength(40);
    await rm(folder, { recursive: true });
  });
});
