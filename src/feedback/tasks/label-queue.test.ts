import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type LedgerEvent, openStore, type Store } from '../../store/index.ts';
import { onEachDatabase } from '../../store/testing/each-database.ts';
import { type Annotator, LabelQueue, type NewLabelTask, type Submission, viewOf } from '../index.ts';

const ann: Annotator = { id: 'ann', group: 'crowd' };
const bob: Annotator = { id: 'bob' };
const eve: Annotator = { id: 'eve' };

/** A task about three responses. */
const taskOf = (name: string, rest: Partial<NewLabelTask> = {}): NewLabelTask => ({
  item: {
    prompt: `prompt ${name}`,
    responses: ['x', 'y', 'z'].map((text) => ({ text: `${name} ${text}`, model: `model-${text}` })),
  },
  ...rest,
});

onEachDatabase((database) => {
  let store: Store;
  let labels: LabelQueue;
  let projects = 0;
  beforeAll(async () => {
    store = await openStore(await database.passingUrl());
  });
  afterAll(() => store.close());
  beforeEach(() => {
    labels = new LabelQueue(store, `project ${++projects}`);
  });

  const names = async (annotator: Annotator, options: Parameters<LabelQueue['claim']>[1] = {}) =>
    (await labels.claim(annotator, { limit: 10, ...options }))
      .map(({ task }) => String(task.item.prompt).replace('prompt ', ''))
      .join(' ');
  let ids = 0;
  const next = async (annotator: Annotator, rest: Partial<Submission> = {}): Promise<Submission> => {
    const [{ task }] = await labels.claim(annotator);
    return { id: `label-${++ids}`, taskId: task.id, annotator, ranks: [1, 2, 3], ...rest };
  };
  const events = async (): Promise<LedgerEvent[]> => {
    const found: LedgerEvent[] = [];
    for await (const event of store.ledger.read({ project: labels.project })) found.push(event);
    return found;
  };

  it('makes each task once, and more places when more labels are wanted', async () => {
    expect(await labels.add([taskOf('a'), taskOf('b'), taskOf('a')])).toEqual({
      ...{ added: 2, known: 1, places: 2 },
    });
    expect(await labels.add([taskOf('b', { overlap: 3 }), taskOf('c')])).toEqual({
      ...{ added: 1, known: 1, places: 3 },
    });
    expect(await labels.add([taskOf('a', { key: 'again' })])).toMatchObject({ added: 1 });
    expect(await new LabelQueue(store, 'another').add([taskOf('a')])).toMatchObject({ added: 1 });
    const found: string[] = [];
    for await (const { item } of labels.read()) found.push(String(item.prompt));
    expect(found).toEqual(['prompt a', 'prompt b', 'prompt c', 'prompt a']);
  });

  it('says what is wrong with tasks', async () => {
    const lone = { item: { prompt: 'p', responses: [{ text: 'x' }] } };
    await expect(labels.add([taskOf('a'), lone])).rejects.toThrow(/task 2: item.responses: two responses/);
    await expect(labels.add([taskOf('a', { gold: { ranks: [1, 2] } })])).rejects.toThrow(
      'gold.ranks: has 2 entries for 3 responses',
    );
  });

  it('takes no tasks of which the ledger would refuse every label', async () => {
    const suggestion = { ranks: [1, 2, 3], eventId: 'of-another-ledger' };
    await expect(labels.add([taskOf('a'), taskOf('b', { suggestion })])).rejects.toThrow(
      'task 2: suggestion.eventId: there is no event of-another-ledger in this ledger',
    );
    await expect(labels.add([taskOf('a', { constitution: { hash: 'v1' } })])).rejects.toThrow(
      'constitution.hash: must be sha256:',
    );
    for (const name of ['two\nlines', '', 'x'.repeat(201)]) {
      await expect(new LabelQueue(store, name).add([taskOf('a')])).rejects.toThrow('on one line');
    }
    // The name of the test is longer than that of its project.
    const gold = { ranks: [1, 2, 3] };
    const { qualification } = new LabelQueue(store, 'x'.repeat(200));
    await expect(qualification.add([taskOf('a', { gold })])).rejects.toThrow('on one line');
    expect(await labels.progress()).toMatchObject({ tasks: 0 });
  });

  it('gives everyone each task once, first labels before second ones', async () => {
    await labels.add(['a', 'b', 'c'].map((name) => taskOf(name, { overlap: 2 })));
    expect(await names(ann, { limit: 2 })).toBe('a b');
    expect(await names(ann)).toBe('a b c'); // what she holds, and one more
    expect(await names(bob)).toBe('a b c');
    expect(await names(eve)).toBe('');
    const submission = await next(ann);
    await labels.submit(submission);
    expect(await names(ann)).toBe('b c');
  });

  it('gives out the urgent first, and only to those it is for', async () => {
    await labels.add([
      taskOf('a'),
      taskOf('b', { audiences: ['de'], priority: 2 }),
      taskOf('c', { audiences: ['expert', 'de'], priority: 3 }),
      taskOf('d', { audiences: ['crowd'], priority: 1 }),
    ]);
    expect(await names(bob)).toBe('a');
    expect(await names({ id: 'kim', audiences: ['de', 'fr'] })).toBe('b');
    expect(await names(ann)).toBe('d');
    expect(await names({ id: 'max', group: 'expert', audiences: ['de'] })).toBe('c');
    await labels.add(['e', 'f'].map((name) => taskOf(name)));
    const tasks: string[] = [];
    for await (const { id } of labels.read()) tasks.push(id);
    expect(await labels.prioritise(new Map([[tasks[5], 9]]))).toBe(1);
    expect(await names(eve)).toBe('f e');
  });

  it('knows what everybody has passed over who labels here, and takes it back when somebody comes new', async () => {
    await labels.add(['a', 'b'].map((name) => taskOf(name)));
    const [{ task: a }] = await labels.claim(ann);
    const skip = (annotator: Annotator) =>
      labels.skip({ id: `skip-${++ids}`, taskId: a.id, annotator, reason: 'unclear' });
    await skip(ann);
    expect([...(await labels.passedOver())]).toEqual([a.id]);
    await labels.submit({ id: `label-${++ids}`, taskId: a.id, annotator: bob, ranks: [1, 2, 3] });
    expect((await labels.passedOver()).size).toBe(0);

    const [{ task: b }] = await labels.claim(ann);
    await labels.skip({ id: `skip-${++ids}`, taskId: b.id, annotator: ann, reason: 'unclear' });
    expect((await labels.passedOver()).size).toBe(0); // bob has not seen it
    await labels.claim(bob);
    await labels.skip({ id: `skip-${++ids}`, taskId: b.id, annotator: bob, reason: 'unclear' });
    expect([...(await labels.passedOver())]).toEqual([b.id]);
    expect(await labels.claim(eve)).toHaveLength(1);
    expect((await labels.passedOver()).size).toBe(0); // eve is at it
  });

  it('counts nobody as at work on a task whose lease has ended', async () => {
    await labels.add([taskOf('a', { overlap: 2 })]);
    const { id, taskId } = await next(ann);
    await labels.skip({ id, taskId, annotator: ann, reason: 'unclear' });
    await labels.submit(await next(bob));
    // A last place is with somebody who goes away.
    await labels.claim(eve, { leaseMs: 1 });
    await sleep(5);
    expect(await labels.progress()).toMatchObject({ leased: 0, labels: 1, wanted: 2 });
    expect([...(await labels.passedOver())]).toEqual([taskId]);
    await labels.claim(eve);
    expect(await labels.progress()).toMatchObject({ leased: 1 });
    expect([...(await labels.passedOver())]).toEqual([]);
  });

  it('ends with a decision: waiting places go, and an adjudicator may pass it on', async () => {
    await labels.add([taskOf('a', { overlap: 3 })]);
    const first = await labels.submit(await next(ann));
    await labels.escalate(first.taskId!, [first.id]);
    expect(await labels.isEscalated(first.taskId!)).toBe(true);
    const skip = { id: `skip-${++ids}`, taskId: first.taskId!, annotator: eve, reason: 'expertise' } as const;
    await labels.skip(skip, 'adjudication');
    expect((await labels.open('adjudication')).size).toBe(0);
    expect(await labels.progress()).toMatchObject({ wanted: 3, skips: 0 });
    await labels.escalate(first.taskId!, [first.id, skip.id]);
    await labels.adjudicate({
      id: `decision-${++ids}`,
      taskId: first.taskId!,
      annotator: bob,
      ranks: [1, 2, 3],
    });
    expect(await labels.progress()).toMatchObject({
      wanted: 1,
      labels: 1,
      adjudications: { waiting: 0, done: 1 },
    });
    expect(await labels.claim(bob)).toEqual([]);
  });

  it('stores a label with everything that it was made under', async () => {
    const suggestion = { ranks: [1, 1, 2], shownTo: 1 };
    const rest = { suggestion, guidelineVersion: '2.1', constitution: { hash: `sha256:${'a'.repeat(64)}` } };
    await labels.add([taskOf('a', rest)]);
    const [assignment] = await labels.claim(ann);
    const label = await labels.submit({
      ...{ id: 'full', taskId: assignment.task.id, annotator: ann },
      ...{ ranks: [7, 2, null], flags: ['unsafe'], rationale: ' because ', activeMs: 5000, idleMs: 10 },
    });
    expect(label).toMatchObject({
      ...{ id: 'full', kind: 'label', project: labels.project, taskId: assignment.task.id },
      judge: { kind: 'human', id: 'ann', group: 'crowd' },
      ...{ ranks: [2, 1, null], flags: ['unsafe'], rationale: 'because', activeMs: 5000, idleMs: 10 },
      ...{ shownOrder: assignment.shownOrder, suggestion: { shown: true }, guidelineVersion: '2.1' },
      item: { prompt: 'prompt a', responses: [{ text: 'a x', model: 'model-x' }, {}, {}] },
    });
  });

  it('shows no models, gold answers and hidden suggestions, and the same order each time', async () => {
    const gold = { ranks: [1, 2, 3] };
    await labels.add([
      taskOf('a', { gold, suggestion: { ranks: [1, 2, 3], rationale: 'secret' } }),
      taskOf('b', { suggestion: { ranks: [1, 2, 3], shownTo: 1 } }),
    ]);
    const [a, b] = await labels.claim(ann, { limit: 2 });
    const view = viewOf(a);
    expect(JSON.stringify(view)).not.toMatch(/model-|gold|secret/);
    expect(view.cards.map(({ letter }) => letter)).toEqual(['A', 'B', 'C']);
    expect(view.cards.map(({ text }) => text)).toEqual(
      a.shownOrder.map((i) => a.task.item.responses[i].text),
    );
    expect(viewOf(b).suggestion?.ranks).toEqual(b.shownOrder.map((i) => [1, 2, 3][i]));
    expect((await labels.claim(ann, { limit: 2 })).map(({ shownOrder }) => shownOrder)).toEqual([
      a.shownOrder,
      b.shownOrder,
    ]);
  });

  it('shows each order, and a suggestion to its share of annotators, by chance', async () => {
    await labels.add([taskOf('a', { overlap: 100, suggestion: { ranks: [1, 2, 3], shownTo: 0.25 } })]);
    const orders = new Map<string, number>();
    let shown = 0;
    for (let i = 0; i < 100; i++) {
      const [{ shownOrder, suggestionShown }] = await labels.claim({ id: `person-${i}` });
      orders.set(String(shownOrder), (orders.get(String(shownOrder)) ?? 0) + 1);
      if (suggestionShown) shown++;
    }
    // Six orders, 16.7 of each expected, deviation 3.7; 25 suggestions, deviation 4.3. Five deviations are allowed.
    expect(orders.size).toBe(6);
    for (const count of orders.values()) expect(Math.abs(count - 16.7)).toBeLessThan(18.6);
    expect(Math.abs(shown - 25)).toBeLessThan(21.7);
  });

  it('stores a label sent twice once, and refuses a second label of the same person', async () => {
    await labels.add([taskOf('a', { overlap: 2 })]);
    const submission = await next(ann);
    const copies = await Promise.all([1, 2, 3].map(() => labels.submit(submission)));
    expect(new Set(copies.map(({ hash }) => hash)).size).toBe(1);
    expect(await events()).toHaveLength(1);
    await expect(labels.submit({ ...submission, ranks: [3, 2, 1] })).rejects.toThrow('with other content');
    await expect(labels.submit({ ...submission, id: 'other' })).rejects.toMatchObject({
      code: 'store',
      details: { eventId: submission.id },
    });
    expect(await labels.progress()).toMatchObject({ labels: 1, wanted: 2, complete: 0 });
  });

  it('refuses labels that judge nothing, and leaves the task as it was', async () => {
    await labels.add([taskOf('a')]);
    const submission = await next(ann);
    await expect(labels.submit({ ...submission, ranks: [1, null, null] })).rejects.toThrow('fewer than two');
    await expect(labels.submit({ ...submission, ranks: [1, 2] })).rejects.toThrow('2 ranks for 3 responses');
    await expect(labels.submit({ ...submission, ranks: [0, 1, 2] })).rejects.toThrow('rank 0 is none');
    await expect(labels.submit({ ...submission, taskId: 'task-none' })).rejects.toThrow('has no task');
    expect(await labels.progress()).toMatchObject({ labels: 0, leased: 1 });
    await labels.submit({ ...submission, ranks: undefined, flags: ['all-bad'] });
    expect(await labels.progress()).toMatchObject({ labels: 1, complete: 1 });
  });

  it('keeps a label that comes when the lease has gone to somebody else', async () => {
    await labels.add([taskOf('a'), taskOf('b')]);
    const [{ task }] = await labels.claim(ann, { leaseMs: 1 });
    await sleep(5);
    expect(await names(bob, { limit: 1 })).toBe('a');
    await labels.submit({ id: 'late', taskId: task.id, annotator: ann, ranks: [1, 2, 3] });
    await labels.submit({ id: 'in-time', taskId: task.id, annotator: bob, ranks: [1, 2, 3] });
    expect((await events()).map(({ id }) => id)).toEqual(['late', 'in-time']);
    expect(await labels.progress()).toMatchObject({ labels: 2, complete: 1, leased: 0, wanted: 3 });
    // Whoever never claimed it, such as a client that was offline, takes the place that waits.
    const b = (await labels.claim(eve))[0].task.id;
    await labels.release('eve');
    await labels.submit({ id: 'offline', taskId: b, annotator: ann, ranks: [1, 2, 3] });
    expect(await labels.progress()).toMatchObject({ complete: 2, wanted: 3 });
  });

  it('asks somebody else after a skip, and nobody after three', async () => {
    await labels.add([taskOf('a', { overlap: 1 })]);
    for (const [i, annotator] of [ann, bob, eve].entries()) {
      const { id, taskId } = await next(annotator);
      await labels.skip({ id, taskId, annotator, reason: 'unclear', note: i === 0 ? 'Which one?' : '' });
      expect(await names(annotator)).toBe('');
    }
    expect(await names({ id: 'kim' })).toBe('');
    expect(await labels.progress()).toMatchObject({ tasks: 1, skipped: 1, complete: 0, skips: 3, labels: 0 });
    expect((await events()).map(({ kind, rationale, extra }) => [kind, rationale, extra])).toEqual([
      ['skip', 'Which one?', { reason: 'unclear' }],
      ['skip', 'the prompt or the task is unclear', { reason: 'unclear' }],
      ['skip', 'the prompt or the task is unclear', { reason: 'unclear' }],
    ]);
  });

  it('asks somebody else also where more labels are wanted than the task was made with', async () => {
    await labels.add([taskOf('a')]);
    await labels.add([taskOf('a', { overlap: 2 })]);
    const first = await next(ann);
    await labels.skip({ ...first, reason: 'other' });
    const second = await next(bob);
    await labels.submit(second);
    await labels.submit(await next(eve));
    expect(await labels.progress()).toMatchObject({ labels: 2, wanted: 2, complete: 1, skips: 1 });
  });

  it('corrects a label by a new one, and a skip by a label without asking for one too many', async () => {
    await labels.add([taskOf('a'), taskOf('b')]);
    const first = await next(ann);
    await labels.submit(first);
    const better = { ...first, id: 'better', ranks: [2, 1, 1] };
    await labels.correct(first.id, better);
    await labels.correct(first.id, better);
    await expect(labels.correct(first.id, { ...better, id: 'third' })).rejects.toThrow(
      'has superseded already',
    );
    await expect(labels.correct('better', { ...better, id: 'b', annotator: bob })).rejects.toThrow(
      'their own',
    );
    const { id, taskId } = await next(ann);
    await labels.skip({ id, taskId, annotator: ann, reason: 'other' });
    await labels.correct(id, { id: 'after-all', taskId, annotator: ann, ranks: [1, 1, 1] });
    expect(await names(bob)).toBe('');
    expect(await labels.progress()).toMatchObject({ labels: 2, complete: 2, skips: 0, wanted: 2 });
    expect((await labels.recent('ann')).map((event) => [event.id, event.ranks])).toEqual([
      ['after-all', [1, 1, 1]],
      ['better', [2, 1, 1]],
    ]);
  });

  it('takes a label back and gives the task out again', async () => {
    await labels.add([taskOf('a')]);
    const submission = await next(ann);
    await labels.submit(submission);
    const withdrawal = { id: 'back', annotator: ann, reason: 'wrong key' };
    await labels.withdraw(submission.id, withdrawal);
    await labels.withdraw(submission.id, withdrawal);
    expect(await labels.recent('ann')).toEqual([]);
    expect(await names(bob)).toBe('a');
    expect((await events()).map(({ kind, supersededBy }) => [kind, supersededBy])).toEqual([
      ['label', 'back'],
      ['withdrawal', null],
    ]);
  });

  it('takes a skip back without asking for one label too many', async () => {
    await labels.add([taskOf('a', { priority: 1 }), taskOf('b')]);
    for (const name of ['a', 'b']) {
      const { id, taskId } = await next(ann);
      await labels.skip({ id, taskId, annotator: ann, reason: 'unclear' });
      // What somebody else has begun in her stead stays theirs.
      if (name === 'a') expect(await names(bob, { limit: 1 })).toBe('a');
    }
    const [b, a] = await labels.recent('ann');
    await labels.withdraw(a.id, { id: 'back-a', annotator: ann });
    await labels.withdraw(b.id, { id: 'back-b', annotator: ann });
    expect(await labels.progress()).toMatchObject({ wanted: 2, skips: 0, leased: 1 });
    expect(await names(ann)).toBe('b');
  });

  it('keeps apart what somebody labelled and what the same person passed on as an adjudicator', async () => {
    await labels.add([taskOf('a', { overlap: 3 })]);
    const [first, second] = [await next(ann), await next(bob, { ranks: [3, 2, 1] })];
    await labels.submit(first);
    await labels.submit(second);
    const { taskId } = first;
    await labels.escalate(taskId, [first.id, second.id]);
    const passOn = async (id: string): Promise<void> => {
      await labels.claim(bob, { purpose: 'adjudication' });
      await labels.skip({ id, taskId, annotator: bob, reason: 'expertise' }, 'adjudication');
    };
    await passOn('passed');
    expect((await labels.recent('bob', 20, 'label')).map(({ id }) => id)).toEqual([second.id]);
    await labels.withdraw('passed', { id: 'unpassed', annotator: bob });
    expect(await labels.progress()).toMatchObject({ labels: 2, adjudications: { waiting: 1, done: 0 } });
    await passOn('passed-again');
    await labels.correct('passed-again', {
      id: 'after-all-decided',
      taskId,
      annotator: bob,
      ranks: [1, 1, 2],
    });
    expect(await store.ledger.get('after-all-decided')).toMatchObject({
      ...{ kind: 'adjudication', supersedes: 'passed-again', basedOn: [first.id, second.id].sort() },
    });
    // The third label would count for nothing beside the decision.
    expect(await labels.progress()).toMatchObject({
      ...{ labels: 2, wanted: 2, adjudications: { waiting: 0, done: 1 } },
    });
    // The label is still the one of its place.
    await expect(labels.submit({ ...second, id: 'again' })).rejects.toMatchObject({
      details: { eventId: second.id },
    });
  });

  it('keeps drafts until there is a label', async () => {
    await labels.add([taskOf('a', { overlap: 2 })]);
    const submission = await next(ann);
    await labels.saveDraft(submission.taskId, 'ann', { ranks: [1, null, null] });
    await labels.saveDraft(submission.taskId, 'ann', { ranks: [1, 2, null], rationale: 'so f' });
    const [{ draft, shownOrder }] = await labels.claim(ann);
    expect(draft).toEqual({ ranks: [1, 2, null], rationale: 'so f' });
    expect(viewOf((await labels.claim(ann))[0]).draft?.ranks).toEqual(shownOrder.map((i) => [1, 2, null][i]));
    expect((await labels.claim(bob))[0].draft).toBeNull();
    await labels.submit(submission);
    expect(await labels.draft(submission.taskId, 'ann')).toBeNull();
  });

  it('asks for more labels, and puts disagreeing ones before an adjudicator', async () => {
    await labels.add([taskOf('a')]);
    const first = await next(ann);
    await labels.submit(first);
    expect(await names(bob)).toBe('');
    expect(await labels.askForMore(first.taskId)).toBe(2);
    const second = await next(bob, { ranks: [3, 2, 1] });
    await labels.submit(second);
    await labels.escalate(first.taskId, [second.id, first.id]);
    await labels.escalate(first.taskId, [first.id, second.id]);
    const [{ basedOn, purpose }] = await labels.claim(eve, { purpose: 'adjudication' });
    expect([purpose, basedOn]).toEqual(['adjudication', [first.id, second.id].sort()]);
    const decision = { id: 'decided', taskId: first.taskId, annotator: eve, ranks: [1, 1, 2] };
    await labels.adjudicate(decision);
    expect(await labels.adjudicate(decision)).toMatchObject({
      kind: 'adjudication',
      ranks: [1, 1, 2],
      basedOn,
    });
    expect(await labels.progress()).toMatchObject({ adjudications: { waiting: 0, done: 1 }, labels: 2 });
  });

  describe('when two adjudicators have had one task', () => {
    let taskId: string;
    beforeEach(async () => {
      await labels.add([taskOf('a')]);
      const first = await labels.submit(await next(ann));
      taskId = first.taskId!;
      await labels.escalate(taskId, [first.id]);
      await labels.claim(bob, { purpose: 'adjudication', leaseMs: 1 });
      await sleep(5);
      expect(await labels.claim(eve, { purpose: 'adjudication' })).toHaveLength(1);
    });
    const decide = (annotator: Annotator, id: string, ranks: number[]): Promise<LedgerEvent> =>
      labels.adjudicate({ id: `${id} ${taskId}`.replaceAll(' ', '-'), taskId, annotator, ranks });
    const decisions = async () =>
      (await events()).flatMap(({ kind, judge }) => (kind === 'adjudication' ? [judge.id] : []));

    it('takes what comes late, and refuses the decision that would undo it unseen', async () => {
      const late = await decide(bob, 'late', [1, 2, 3]);
      await expect(decide(eve, 'second', [3, 2, 1])).rejects.toMatchObject({
        ...{ code: 'store', details: { taskId, eventId: late.id } },
        message: expect.stringContaining('decided by somebody else'),
      });
      // Sent again it is answered alike, and nobody is asked about the task any more.
      expect(await decide(bob, 'late', [1, 2, 3])).toMatchObject({ id: late.id, seq: late.seq });
      expect(await labels.claim(eve, { purpose: 'adjudication' })).toEqual([]);
      expect(await labels.progress()).toMatchObject({ adjudications: { waiting: 0, done: 1 } });
      expect(await decisions()).toEqual(['bob']);
    });

    it('refuses what comes late after a decision, until the task is put before adjudicators anew', async () => {
      const first = await decide(eve, 'first', [3, 2, 1]);
      await expect(decide(bob, 'late', [1, 2, 3])).rejects.toMatchObject({ details: { eventId: first.id } });
      const more = await labels.submit({ id: `more-${++ids}`, taskId, annotator: bob, ranks: [2, 1, 3] });
      await labels.escalate(taskId, [first.basedOn![0], more.id]);
      expect(await labels.claim(bob, { purpose: 'adjudication' })).toHaveLength(1);
      await decide(bob, 'anew', [1, 2, 3]);
      expect(await decisions()).toEqual(['eve', 'bob']);
    });

    it('does not make a decision of a skip either, once there is one', async () => {
      const skip = { id: `skip-${++ids}`, taskId, annotator: bob, reason: 'unclear' } as const;
      await labels.skip(skip, 'adjudication');
      const first = await decide(eve, 'first', [3, 2, 1]);
      const corrected = { id: `corrected-${++ids}`, taskId, annotator: bob, ranks: [1, 2, 3] };
      await expect(labels.correct(skip.id, corrected)).rejects.toMatchObject({
        details: { eventId: first.id },
      });
      expect(await decisions()).toEqual(['eve']);
      expect(await labels.progress()).toMatchObject({ adjudications: { waiting: 0, done: 1 } });
    });

    it('lets one of two win that decide at the same moment', async () => {
      const outcomes = await Promise.allSettled([
        decide(bob, 'his', [1, 2, 3]),
        decide(eve, 'hers', [3, 2, 1]),
      ]);
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      expect(await decisions()).toHaveLength(1);
    });
  });

  it('loses and doubles nothing when many work at once', async () => {
    await labels.add(Array.from({ length: 40 }, (_, i) => taskOf(String(i), { overlap: 2 })));
    const work = async (annotator: Annotator): Promise<number> => {
      for (let done = 0; ; done++) {
        const [assignment] = await labels.claim(annotator);
        if (!assignment) return done;
        const { id: taskId } = assignment.task;
        await labels.submit({ id: `${annotator.id}/${taskId}`, taskId, annotator, ranks: [1, 2, 3] });
      }
    };
    const done = await Promise.all(['p', 'q', 'r', 's'].map((id) => work({ id })));
    expect(done.reduce((sum, count) => sum + count)).toBe(80);
    expect(await labels.progress()).toMatchObject({ labels: 80, wanted: 80, complete: 40, leased: 0 });
    const byTask = new Map<string, Set<string>>();
    for (const { taskId, judge } of await events()) {
      byTask.set(taskId!, (byTask.get(taskId!) ?? new Set()).add(judge.id));
    }
    expect([...byTask.values()].map((judges) => judges.size)).toEqual(Array(40).fill(2));
  });
});
