import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { openStore, type Store } from '../../store/index.ts';
import { onEachDatabase } from '../../store/testing/each-database.ts';
import { LabelQueue, labelProjects, type NewLabelTask, viewOf, writeRules } from '../index.ts';
import { type Answer, stateOf } from './attempts.ts';

const taskOf = (prompt: string, gold?: number[]): NewLabelTask => ({
  item: { prompt, responses: [{ text: 'a' }, { text: 'b' }, { text: 'c' }] },
  ...(gold && { gold: { ranks: gold } }),
});
const ann = { id: 'ann' };

onEachDatabase((database) => {
  let store: Store;
  let queue: LabelQueue;
  let projects = 0;
  beforeAll(async () => {
    store = await openStore(await database.passingUrl());
  });
  afterAll(() => store.close());
  beforeEach(async () => {
    queue = new LabelQueue(store, `project ${++projects}`);
    await queue.add([taskOf('real')]);
    await queue.qualification.add(['q1', 'q2', 'q3', 'q4'].map((name) => taskOf(name, [1, 2, 3])));
  });

  let ids = 0;
  const claim = async (id = 'ann') => (await queue.claim({ id }, { limit: 9 })).map(({ task }) => task);
  /** Answers what is open, in turn with these ranks; null passes on. */
  const answer = async (answers: readonly (readonly number[] | null)[], id = 'ann') => {
    for (const ranks of answers) {
      const [{ id: taskId }] = await claim(id);
      const sent = { id: `answer-${++ids}`, taskId, annotator: { id } };
      await (ranks ? queue.submit({ ...sent, ranks }) : queue.skip({ ...sent, reason: 'unclear' }));
    }
  };
  /** All questions of the project, as stored. */
  async function* questions(): AsyncGenerator<{ content: string }> {
    yield* await store.database.read((db) =>
      db
        .selectFrom('label_task')
        .select('content')
        .where('project', '=', `${queue.project} · qualification test`)
        .execute(),
    );
  }
  const right = [1, 2, 3];
  const wrong = [3, 2, 1];

  it('is no test before the project has a rule', async () => {
    expect((await claim()).map(({ item }) => item.prompt)).toEqual(['real']);
    expect(await queue.qualification.state(ann)).toBeNull();
  });

  it('gives questions before tasks, and tasks to those who pass', async () => {
    await writeRules(store.database, queue.project, { qualification: { pass: 0.75 } });
    const [first] = await queue.claim(ann, { limit: 1 });
    expect(first.purpose).toBe('qualification');
    expect(JSON.stringify(viewOf(first))).not.toContain('gold');
    await answer([right, right, right]);
    expect(await queue.qualification.state(ann)).toMatchObject({
      ...{ status: 'testing', attempt: 1, attempts: 2, answered: 3, questions: 4, score: null },
    });
    // Three right and one passed on: 0.75.
    await answer([null]);
    expect(await queue.qualification.state(ann)).toMatchObject({ status: 'passed', score: 0.75 });
    expect((await claim()).map(({ item }) => item.prompt)).toEqual(['real']);
    // Somebody else has the same questions before her.
    expect(await claim('bob')).toHaveLength(4);
  });

  it('counts answers nowhere among the labels', async () => {
    await writeRules(store.database, queue.project, { qualification: {} });
    await answer([right, right, right, right]);
    expect(await queue.progress()).toMatchObject({ tasks: 1, labels: 0, wanted: 1 });
    expect(await store.ledger.count({ project: queue.project })).toBe(0);
    expect(await labelProjects(store.database)).not.toContain(`${queue.project} · qualification test`);
  });

  it('lets those who fail try again after a while, so often and no more', async () => {
    const rule = { pass: 1, questions: 2, retakes: 1, retakeAfterMs: 3600_000 };
    await writeRules(store.database, queue.project, { qualification: rule });
    const had = (await claim()).map(({ id }) => id);
    // Two of four are asked, and no others are taken.
    expect(had).toHaveLength(2);
    const all: string[] = [];
    for await (const { content } of questions()) all.push(JSON.parse(content).id);
    const other = all.find((id) => !had.includes(id))!;
    await expect(
      queue.submit({ id: `easy-${ids}`, taskId: other, annotator: ann, ranks: right }),
    ).rejects.toThrow('no open question');
    await answer([right, wrong]);
    const waiting = await queue.qualification.state(ann);
    expect(waiting).toMatchObject({ status: 'waiting', attempt: 1, score: 0.5 });
    expect(waiting!.retakeAt! - Date.now()).toBeGreaterThan(3_500_000);
    expect(await claim()).toEqual([]);

    await writeRules(store.database, queue.project, { qualification: { ...rule, retakeAfterMs: 0 } });
    expect(await queue.qualification.state(ann)).toMatchObject({
      status: 'testing',
      attempt: 2,
      answered: 0,
    });
    // Questions that she has not had come first.
    expect((await claim()).every(({ id }) => !had.includes(id))).toBe(true);
    await answer([wrong, right]);
    expect(await queue.qualification.state(ann)).toMatchObject({ status: 'failed', attempt: 2, score: 0.5 });
    expect(await claim()).toEqual([]);

    // A rule that is changed holds for those who have answered before.
    await writeRules(store.database, queue.project, { qualification: { ...rule, pass: 0.5 } });
    expect(await queue.qualification.state(ann)).toMatchObject({ status: 'passed' });
    expect((await queue.qualification.states())!.get('ann')).toMatchObject({ status: 'passed' });
  });

  it('takes each answer once, and no label of those who have not passed', async () => {
    const [{ id: real }] = await claim('early');
    await queue.release('early');
    await writeRules(store.database, queue.project, { qualification: { exempt: ['lead'] } });
    const [{ id: taskId }] = await claim();
    const sent = { id: 'once', taskId, annotator: ann, ranks: right };
    const [first, again] = await Promise.all([queue.submit(sent), queue.submit(sent)]);
    expect(again.seq).toBe(first.seq);
    await expect(queue.submit({ ...sent, id: 'twice', ranks: wrong })).rejects.toThrow('answers are final');
    await expect(queue.correct('once', { ...sent, id: 'other', ranks: wrong })).rejects.toThrow('final');
    const label = { id: 'label', taskId: real, ranks: right };
    await expect(queue.submit({ ...label, annotator: ann })).rejects.toThrow(
      'has not passed the qualification',
    );
    const skip = { id: 'skip', taskId: real, annotator: ann, reason: 'other' } as const;
    await expect(queue.skip(skip)).rejects.toThrow('has not passed the qualification');
    await queue.submit({ ...label, annotator: { id: 'lead' } });
    expect(await queue.qualification.state({ id: 'lead' })).toBeNull();
  });

  it('takes what somebody holds who was let in before there was a test', async () => {
    const [{ id: taskId }] = await claim();
    await writeRules(store.database, queue.project, { qualification: {} });
    await queue.submit({ id: `held-${queue.project.slice(8)}`, taskId, annotator: ann, ranks: right });
    expect(await queue.progress()).toMatchObject({ labels: 1 });
  });

  it('refuses questions without answers, and rules that cannot be', async () => {
    await expect(queue.qualification.add([taskOf('q5')])).rejects.toThrow(
      'question 1 of the qualification test',
    );
    await expect(
      writeRules(store.database, queue.project, { qualification: { pass: 2, retakes: -1 } }),
    ).rejects.toThrow(/pass[\s\S]*retakes|retakes[\s\S]*pass/);
  });
});

it('follows from answers and rule alone', () => {
  const rule = { pass: 0.6, retakes: 1, retakeAfterMs: 100, exempt: [] };
  const answers = (attempt: number, scores: number[], at = 0): Answer[] =>
    scores.map((score, i) => ({ ...{ annotator: 'a', taskId: `t${i}`, at }, attempt, questions: 3, score }));
  // 0.4 + 0.5 + 0.9 is a hair below 1.8 in binary: their mean is 0.6 all the same.
  expect(stateOf(answers(1, [0.4, 0.5, 0.9]), rule, 3, 0).status).toBe('passed');
  expect(stateOf(answers(1, [0.4, 0.5, 0.8]), rule, 3, 99)).toMatchObject({
    status: 'waiting',
    retakeAt: 100,
  });
  expect(stateOf(answers(1, [0.4, 0.5, 0.8]), rule, 3, 100)).toMatchObject({ status: 'testing', attempt: 2 });
  // An attempt that has begun keeps its number of questions when others are added.
  expect(stateOf(answers(1, [1, 1]), rule, 9, 0)).toMatchObject({ status: 'testing', questions: 3 });
  expect(stateOf([], rule, 9, 0)).toMatchObject({ status: 'testing', attempt: 1, questions: 9 });
});
