import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Ledger, type LedgerEvent, type NewEvent, openStore, type Store } from './index.ts';
import { onEachDatabase } from './testing/each-database.ts';

const item = {
  prompt: 'Name a fish.',
  responses: [{ text: 'Trout.' }, { text: 'A bird.', model: 'local:a' }, { text: 'Cod.' }, { text: '' }],
};
const label: NewEvent = { kind: 'label', judge: { kind: 'human', id: 'ann' }, item, ranks: [1, 2, 1, null] };

onEachDatabase((database) => {
  let store: Store;
  let ledger: Ledger;
  const reopen = async (): Promise<void> => {
    store = await openStore(await database.passingUrl());
    ledger = store.ledger;
  };

  describe('an event', () => {
    beforeAll(reopen);
    afterAll(() => store.close());

    it('comes back with everything it was given', async () => {
      const whole: NewEvent = {
        id: 'event-1',
        kind: 'label',
        judge: { kind: 'ai', id: 'local:judge@sha256:00', group: 'judges' },
        project: 'helpfulness, June',
        taskId: 'task-7',
        item: { ...item, prompt: [{ role: 'user', content: 'Zeichne 🐟\u0000\n "x" \ud800' }] },
        runId: 'run-1',
        ranks: [2, 1, 2, null],
        scores: [0.1, 1e300, -5e-324, null],
        probabilities: [0.25, 0.5, 0.25, 0],
        preferences: [
          [null, 0.1, null, 1],
          [0.9, null, null, 0.5],
          [null, null, null, null],
          [0, 0.5, null, null],
        ],
        probabilityMethod: 'log-probs',
        probabilityMass: 0.97,
        flags: ['unsafe', 'cannot-judge'],
        text: '',
        rationale: 'because',
        shownOrder: [3, 1, 0, 2],
        activeMs: 1234.5,
        idleMs: 0,
        principles: ['honest', 'no-harm'],
        constitution: { hash: `sha256:${'a'.repeat(64)}`, version: '1.2.0' },
        guidelineVersion: '3',
        modelId: 'local:judge@sha256:00',
        template: { id: 'compare', hash: `sha256:${'b'.repeat(64)}` },
        seed: 2 ** 52,
        usage: { costUsd: null, inputTokens: 10, outputTokens: 2, latencyMs: 3.5, cached: false },
        suggestion: { shown: false },
        judgedAt: 1_700_000_000_000,
        extra: { anything: [1, { deep: null }] },
      };
      const before = Date.now();
      const stored = await ledger.append(whole);
      expect(stored).toMatchObject(whole);
      expect(stored.recordedAt).toBeGreaterThanOrEqual(before);
      expect(await ledger.get('event-1')).toEqual(stored);
      expect(await all(ledger)).toEqual([stored]);
    });

    it('gets an id where it brings none, and is stored once under one id', async () => {
      const first = await ledger.append(label);
      const second = await ledger.append(label);
      expect(second.id).not.toBe(first.id);
      const count = await ledger.count();
      const again = await ledger.append({ ...label, id: first.id, seed: undefined });
      expect(again).toEqual(first);
      expect(await ledger.count()).toBe(count);
    });

    it('is stored once when it is submitted many times at once', async () => {
      const count = await ledger.count();
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => ledger.append({ ...label, id: 'twice' })),
      );
      expect(new Set(answers.map((event) => event.hash)).size).toBe(1);
      expect(await ledger.count()).toBe(count + 1);
    });

    it('cannot take the id of another, nor be about something else than what it corrects', async () => {
      await ledger.append({ ...label, id: 'taken' });
      await expect(ledger.append({ ...label, id: 'taken', ranks: [2, 1, 1, null] })).rejects.toThrow(
        'already has an event taken with other content',
      );
      const other = { ...label, item: { ...item, prompt: 'Name a bird.' } };
      await expect(ledger.append({ ...other, supersedes: 'taken' })).rejects.toThrow('judges the same item');
    });

    it('cannot build on events that are not there', async () => {
      await expect(ledger.append({ ...label, basedOn: ['nowhere'] })).rejects.toThrow('not in the ledger');
      await expect(ledger.append({ ...label, supersedes: 'nowhere' })).rejects.toThrow('not in the ledger');
      const pair = await ledger.append([
        { kind: 'critique', judge: label.judge, item, text: 'Bad.', id: 'critique' },
        { kind: 'revision', judge: label.judge, item, text: 'Good.', basedOn: ['critique'] },
      ]);
      expect(pair[1].seq).toBe(pair[0].seq + 1);
    });
  });

  describe('several events', () => {
    beforeEach(reopen);

    it('are appended all or none, and a refused one leaves others submitted with it alone', async () => {
      await ledger.append({ ...label, id: 'old' });
      const [bad, good, later] = await Promise.allSettled([
        ledger.append([
          { ...label, id: 'new' },
          { ...label, id: 'old', flags: ['unsafe'] },
        ]),
        ledger.append([
          { ...label, id: 'b' },
          { ...label, id: 'c' },
        ]),
        ledger.append({ ...label, id: 'new', flags: ['unsafe'] }),
      ]);
      expect(bad.status).toBe('rejected');
      expect(good.status).toBe('fulfilled');
      expect(later.status).toBe('fulfilled');
      expect((await all(ledger)).map(({ id }) => id)).toEqual(['old', 'b', 'c', 'new']);
      expect(await ledger.verify()).toMatchObject({ ok: true, head: { count: 4 } });
      await store.close();
    });

    it('are read in pages as of the moment reading began', async () => {
      const many = Array.from({ length: 2300 }, (_, i) => ({ ...label, id: `e${i}`, taskId: `t${i % 100}` }));
      await ledger.append(many.slice(0, 1500));
      await ledger.append(many.slice(1500));
      const seen: string[] = [];
      for await (const { id, supersededBy } of ledger.read()) {
        if (seen.length === 0) await ledger.append({ ...label, id: 'late', supersedes: 'e2000' });
        if (id === 'e2000') expect(supersededBy).toBeNull();
        seen.push(id);
      }
      expect(seen).toEqual(many.map(({ id }) => id));
      const [whole] = await all(ledger, { limit: 1 });
      const [bare] = await all(ledger, { limit: 1, items: false });
      const { item: known, ...rest } = whole;
      expect(known).toEqual(item);
      expect('item' in bare).toBe(false);
      expect(bare).toEqual(rest);
      const sparse = await all(ledger, { taskId: 't7' });
      expect(sparse.map(({ id }) => id)).toEqual(Array.from({ length: 23 }, (_, i) => `e${i * 100 + 7}`));
      const newest = await all(ledger, { newestFirst: true, limit: 3 });
      expect(newest.map(({ id }) => id)).toEqual(['late', 'e2299', 'e2298']);
      const backwards = await all(ledger, { newestFirst: true, taskId: 't7' });
      expect(backwards).toEqual(sparse.reverse());
      expect(await ledger.count({ after: 100, until: 250 })).toBe(150);
      await store.close();
    });

    it('are selected by every field', async () => {
      const constitution = { hash: `sha256:${'c'.repeat(64)}` };
      const comparison: NewEvent = {
        kind: 'comparison',
        judge: { kind: 'ai', id: 'm', group: 'g' },
        item,
        ranks: [1, 2, 3, 4],
      };
      await ledger.append([
        { ...label, id: 'a', project: 'p', taskId: 't', runId: 'r' },
        { ...comparison, id: 'b', principles: ['harm'], constitution },
        {
          ...comparison,
          id: 'c',
          principles: ['Harm', 'har'],
          item: { prompt: 'x', responses: [] },
          ranks: undefined,
          flags: ['unsafe'],
        },
      ]);
      const [a, , c] = await all(ledger);
      const ids = async (filter: Parameters<Ledger['read']>[0]): Promise<string> =>
        (await all(ledger, filter)).map(({ id }) => id).join('');
      expect(await ids({ kinds: ['label', 'score'] })).toBe('a');
      expect(await ids({ kinds: [] })).toBe('');
      expect(await ids({ project: 'p' })).toBe('a');
      expect(await ids({ taskId: 't', runId: 'r' })).toBe('a');
      expect(await ids({ taskId: 't', runId: 'other' })).toBe('');
      expect(await ids({ judgeKind: 'ai' })).toBe('bc');
      expect(await ids({ judgeId: 'm', judgeGroup: 'g' })).toBe('bc');
      expect(await ids({ itemHash: a.itemHash! })).toBe('ab');
      expect(await ids({ promptHash: c.promptHash! })).toBe('c');
      expect(await ids({ constitutionHash: constitution.hash })).toBe('b');
      expect(await ids({ principle: 'harm' })).toBe('b');
      expect(await ids({ principle: 'har' })).toBe('c');
      expect(await ids({ principle: '%' })).toBe('');
      await store.close();
    });
  });

  describe('corrections', () => {
    beforeAll(async () => {
      await reopen();
      await ledger.append([
        { ...label, id: 'first' },
        { ...label, id: 'other' },
      ]);
      await ledger.append({ ...label, id: 'second', ranks: [1, 1, 1, 1], supersedes: 'first' });
      await ledger.append({ ...label, id: 'third', ranks: [4, 3, 2, 1], supersedes: 'second' });
    });
    afterAll(() => store.close());

    it('take the place of what they supersede, which stays', async () => {
      expect((await all(ledger, { current: true })).map(({ id }) => id)).toEqual(['other', 'third']);
      expect((await all(ledger)).map(({ id, supersededBy }) => [id, supersededBy])).toEqual([
        ['first', 'second'],
        ['other', null],
        ['second', 'third'],
        ['third', null],
      ]);
      expect((await all(ledger, { current: true, until: 3 })).map(({ id }) => id)).toEqual([
        'other',
        'second',
      ]);
      for (const id of ['first', 'second', 'third']) {
        expect((await ledger.history(id)).map((event) => event.id)).toEqual(['first', 'second', 'third']);
      }
      expect(await ledger.history('nowhere')).toEqual([]);
    });

    it('form a line: what is superseded cannot be superseded again', async () => {
      await expect(ledger.append({ ...label, id: 'fork', supersedes: 'first' })).rejects.toThrow(
        'which event second has superseded already',
      );
      // Two that come together: the second one sees the first.
      const outcomes = await Promise.allSettled(
        ['x', 'y'].map((id) => ledger.append({ ...label, id, supersedes: 'other' })),
      );
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    });

    it('that are refused undo what came with them, down to the texts, and nothing else', async () => {
      const own = { ...item, prompt: 'Only in what is refused.' };
      const outcomes = await Promise.allSettled([
        ledger.append([
          { ...label, id: 'one', item: own },
          { ...label, id: 'one-corrected', item: own, supersedes: 'one' },
          { ...label, id: 'fork', supersedes: 'first' },
        ]),
        ledger.append({ ...label, id: 'beside-it' }),
      ]);
      expect(outcomes).toMatchObject([
        { status: 'rejected', reason: { message: expect.stringContaining('superseded already') } },
        { status: 'fulfilled', value: { id: 'beside-it' } },
      ]);
      expect(await ledger.get('one')).toBeNull();
      const items = await store.database.read((db) =>
        db.selectFrom('ledger_item').select('content').execute(),
      );
      expect(items.filter(({ content }) => content.includes(own.prompt))).toEqual([]);
      await ledger.append({
        ...{ kind: 'withdrawal', judge: label.judge, supersedes: 'beside-it', id: 'beside-undo' },
      });
    });

    it('can take an event back', async () => {
      const withdrawal = { kind: 'withdrawal', judge: label.judge, supersedes: 'x', id: 'undo' } as const;
      await ledger.append(withdrawal);
      expect((await all(ledger, { current: true })).map(({ id }) => id)).toEqual(['third']);
      expect(await ledger.append(withdrawal)).toMatchObject({ id: 'undo' });
      await ledger.append({ ...label, id: 'redo', supersedes: 'undo' });
      expect((await all(ledger, { current: true })).map(({ id }) => id)).toEqual(['third', 'redo']);
    });

    it('change the digest of what stands, and not that of what stood', async () => {
      const before = await ledger.digest({ current: true });
      expect(before).toMatchObject({ events: 2, head: await ledger.head() });
      await ledger.append({ ...label, id: 'more' });
      expect(await ledger.digest({ current: true })).toMatchObject({ events: 3 });
      expect(await ledger.digest({ current: true, until: before.head.count })).toEqual(before);
    });
  });

  describe('the table', () => {
    beforeAll(async () => {
      await reopen();
      await ledger.append([
        { ...label, id: 'one' },
        { ...label, id: 'two' },
      ]);
    });

    afterAll(() => store.close());

    const raw = (text: string): Promise<unknown> => sql.raw(text).execute(store.database.db);
    const columns = 'seq, id, content, recorded_at, previous_hash, hash, kind, judge_kind, judge_id';

    it.each([
      "update ledger_event set content = '{}' where seq = 1",
      'delete from ledger_event where seq = 2',
      "update ledger_item set content = '{}'",
      'delete from ledger_item',
      // An event that is written over, one that leaves a gap, and one that begins a second chain.
      `insert into ledger_event (${columns}) select 2, 'x', content, recorded_at, previous_hash, hash, kind, judge_kind, judge_id from ledger_event where seq = 2`,
      `insert into ledger_event (${columns}) select 4, 'x', content, recorded_at, hash, hash, kind, judge_kind, judge_id from ledger_event where seq = 2`,
      `insert into ledger_event (${columns}) select 3, 'x', content, recorded_at, previous_hash, hash, kind, judge_kind, judge_id from ledger_event where seq = 2`,
      ...(database.dialect === 'sqlite'
        ? [
            'insert or replace into ledger_event select * from ledger_event where seq = 2',
            `insert or replace into ledger_event (${columns}) select 3, 'one', content, recorded_at, hash, hash, kind, judge_kind, judge_id from ledger_event where seq = 2`,
            "insert or replace into ledger_item select hash, '{}' from ledger_item",
          ]
        : ['truncate ledger_event', 'truncate ledger_event, ledger_item']),
    ])('refuses: %s', async (statement) => {
      const before = await all(ledger);
      await expect(raw(statement)).rejects.toThrow(/append-only|must follow/);
      expect(await all(ledger)).toEqual(before);
    });
  });

  describe('tampering', () => {
    /** Changes tables with their guards off, as somebody who owns the database could. */
    const tamper = async (...statements: string[]): Promise<void> => {
      const { db } = store.database;
      if (database.dialect === 'sqlite') {
        const { rows } = await sql<{ name: string; sql: string }>`
          select name, sql from sqlite_master where type = 'trigger'`.execute(db);
        await sql.raw('pragma foreign_keys = off').execute(db);
        for (const { name } of rows) await sql.raw(`drop trigger ${name}`).execute(db);
        for (const statement of statements) await sql.raw(statement).execute(db);
        for (const trigger of rows) await sql.raw(trigger.sql).execute(db);
        return;
      }
      await db.connection().execute(async (connection) => {
        // Switches triggers off, those of foreign keys too.
        await sql.raw('set session_replication_role = replica').execute(connection);
        for (const statement of statements) await sql.raw(statement).execute(connection);
        await sql.raw('set session_replication_role = origin').execute(connection);
      });
    };

    beforeAll(async () => {
      await reopen();
      await ledger.append(
        Array.from({ length: 6 }, (_, i) => ({
          ...label,
          id: `e${i + 1}`,
          item: { ...item, prompt: `prompt ${i + 1}` },
        })),
      );
      await tamper(
        'create table event_copy as select * from ledger_event',
        'create table item_copy as select * from ledger_item',
      );
    });
    beforeEach(() =>
      tamper(
        'delete from ledger_event',
        'delete from ledger_item',
        'insert into ledger_item select * from item_copy',
        'insert into ledger_event select * from event_copy order by seq',
      ),
    );
    afterAll(() => store.close());

    it('is not found where there is none', async () => {
      expect(await ledger.verify()).toEqual({ ok: true, head: await ledger.head(), missingGuards: [] });
    });

    it.each([
      [
        'a rank',
        `update ledger_event set content = replace(content, '[1,2,1,null]', '[2,1,1,null]') where seq = 4`,
        4,
        'changed',
      ],
      ['a judge', `update ledger_event set judge_id = 'bob' where seq = 3`, 3, 'judge_id'],
      ['an empty field', `update ledger_event set project = 'p' where seq = 3`, 3, 'project'],
      ['an id', `update ledger_event set id = 'e9' where seq = 2`, 2, 'changed'],
      ['a time', `update ledger_event set recorded_at = recorded_at + 1 where seq = 6`, 6, 'changed'],
      ['a hash', `update ledger_event set hash = 'sha256:00' where seq = 5`, 5, 'changed'],
      [
        'the hash before',
        `update ledger_event set previous_hash = 'sha256:00' where seq = 5`,
        5,
        'previous_hash',
      ],
      [
        'a prompt',
        `update ledger_item set content = replace(content, 'prompt 2', 'prompt x') where content like '%prompt 2%'`,
        2,
        'item',
      ],
      ['a response that is gone', `delete from ledger_item where content like '%prompt 4%'`, 4, 'item'],
      ['an event that is gone', 'delete from ledger_event where seq = 3', 3, 'missing'],
      ['the first event', 'delete from ledger_event where seq = 1', 1, 'missing'],
      ['an event before the first', `update ledger_event set seq = 0 where seq = 6`, 1, 'missing'],
    ])('is found: %s', async (_, statement, seq, reason) => {
      await tamper(statement);
      const check = await ledger.verify();
      expect(check).toMatchObject({ ok: false, seq, intact: seq - 1 });
      expect(!check.ok && check.reason).toContain(reason);
    });

    it('is found where hashes were computed anew', async () => {
      const { eventHash } = await import('./ledger/event-row.ts');
      const row = await store.database.db
        .selectFrom('ledger_event')
        .selectAll()
        .where('seq', '=', 3)
        .executeTakeFirstOrThrow();
      const content = row.content.replace('[1,2,1,null]', '[2,1,1,null]');
      await tamper(
        `update ledger_event set content = '${content}', hash = '${eventHash({ ...row, content })}' where seq = 3`,
      );
      expect(await ledger.verify()).toMatchObject({ ok: false, seq: 3 });
    });

    it('is found where two heads were noted of one place, which no ledger can both have had', async () => {
      const head = await ledger.head();
      const other = { ...head, hash: `sha256:${'f'.repeat(64)}` };
      expect(await ledger.verify([head, head])).toMatchObject({ ok: true });
      for (const heads of [
        [head, other],
        [other, head],
      ]) {
        expect(await ledger.verify(heads)).toMatchObject({ ok: false, seq: head.count });
      }
    });

    it('is found at the end by a head that was noted', async () => {
      const head = await ledger.head();
      await tamper('delete from ledger_event where seq > 4');
      expect(await ledger.verify()).toMatchObject({ ok: true, head: { count: 4 } });
      expect(await ledger.verify([head])).toMatchObject({ ok: false, seq: 5, id: null });
      await ledger.append([label, label, label]);
      expect(await ledger.verify([head])).toMatchObject({ ok: false, seq: 6 });
    });

    it('shows where it has left the guards off', async () => {
      const on = database.dialect === 'sqlite' ? '' : ' on ledger_event';
      await sql.raw(`drop trigger ledger_event_no_update${on}`).execute(store.database.db);
      if (database.dialect === 'postgres') {
        await sql
          .raw('alter table ledger_item disable trigger ledger_item_no_delete')
          .execute(store.database.db);
      }
      expect(await ledger.verify()).toMatchObject({
        ok: true,
        missingGuards:
          database.dialect === 'sqlite'
            ? ['ledger_event_no_update']
            : ['ledger_item_no_delete', 'ledger_event_no_update'],
      });
    });
  });

  it('gives back every ranking with ties and gaps as it was given', async () => {
    await reopen();
    const judgement = fc.integer({ min: 2, max: 9 }).chain((K) =>
      fc.record({
        responses: fc.array(fc.string({ unit: 'binary' }), { minLength: K, maxLength: K }),
        ranks: fc
          .array(fc.option(fc.integer({ min: 1, max: K })), { minLength: K, maxLength: K })
          .filter((ranks) => ranks.some((rank) => rank !== null)),
        shownOrder: fc.shuffledSubarray([...Array(K).keys()], { minLength: K, maxLength: K }),
      }),
    );
    const rounds = fc.asyncProperty(
      fc.array(judgement, { minLength: 1, maxLength: 20 }),
      async (judgements) => {
        const events = judgements.map(
          ({ responses, ranks, shownOrder }): NewEvent => ({
            ...label,
            item: { prompt: 'x', responses: responses.map((text) => ({ text })) },
            ranks,
            shownOrder,
          }),
        );
        const { count } = await ledger.head();
        await ledger.append(events);
        const read = await all(ledger, { after: count });
        expect(read.map(({ item: read, ranks, shownOrder }) => ({ item: read, ranks, shownOrder }))).toEqual(
          events.map(({ item: given, ranks, shownOrder }) => ({ item: given, ranks, shownOrder })),
        );
      },
    );
    await fc.assert(rounds, { numRuns: 30 });
    expect(await ledger.verify()).toMatchObject({ ok: true });
    await store.close();
  });

  it('gives back all 75 weak orderings of four responses', async () => {
    await reopen();
    // Ranks are dense: a ranking uses 1 … m with none left out. The number of them is the Fubini number of 4.
    const orderings: number[][] = [];
    for (let code = 0; code < 4 ** 4; code++) {
      const ranks = [0, 1, 2, 3].map((place) => 1 + (Math.floor(code / 4 ** place) % 4));
      if (new Set(ranks).size === Math.max(...ranks)) orderings.push(ranks);
    }
    expect(orderings).toHaveLength(75);
    await ledger.append(orderings.map((ranks) => ({ ...label, ranks })));
    expect((await all(ledger)).map(({ ranks }) => ranks)).toEqual(orderings);
    await store.close();
  });
});

async function all(ledger: Ledger, filter?: Parameters<Ledger['read']>[0]): Promise<LedgerEvent[]> {
  const events: LedgerEvent[] = [];
  for await (const event of ledger.read(filter)) events.push(event);
  return events;
}
