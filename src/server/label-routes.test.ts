import { afterAll, beforeAll, expect, it } from 'vitest';
import { LabelQueue, labelRecords } from '../feedback/index.ts';
import type { LedgerEvent } from '../store/index.ts';
import { cookieOf, password, startTestServer, type TestServer } from './testing/test-server.ts';

let server: TestServer;
const base = '/api/label/projects/kind';
/** By response, in the task's own order. */
const texts = ['best', 'middle', 'worst'];

beforeAll(async () => {
  server = await startTestServer();
  await new LabelQueue(server.store, 'kind').add(
    ['one', 'two', 'three'].map((prompt) => ({
      item: { prompt, responses: texts.map((text) => ({ text, model: `model of ${text}` })) },
      overlap: 2,
      gold: { ranks: [1, 2, 3] },
      guidelineVersion: '1',
    })),
  );
});
afterAll(async () => {
  await server.close();
  expect(server.failures).toEqual([]);
});

interface View {
  readonly taskId: string;
  readonly cards: readonly { readonly letter: string; readonly text: string }[];
  readonly draft: unknown;
}

async function person(
  name: string,
): Promise<(method: string, path: string, body?: unknown) => ReturnType<TestServer['ask']>> {
  const { token } = await server.accounts.invite({ role: 'adjudicator', group: `group of ${name}` });
  const cookie = cookieOf(
    await server.accounts.accept(token, { name, email: `${name}@example.org`, password }),
  );
  return (method, path, body) => server.ask(method, path, { cookie, body });
}

/** Ranks by card that put the texts in this order. */
const ranksFor = ({ cards }: View, order: readonly string[]) =>
  cards.map(({ text }) => order.indexOf(text) + 1);

/** A task in a project of its own, claimed. @returns with the address of the project */
async function ownTask(
  ask: Awaited<ReturnType<typeof person>>,
  project: string,
): Promise<readonly [View, string]> {
  const responses = texts.map((text) => ({ text }));
  await new LabelQueue(server.store, project).add([{ item: { prompt: 'p', responses } }]);
  const at = `/api/label/projects/${project}`;
  return [(await ask('POST', `${at}/claim`, { limit: 1 })).body.tasks[0] as View, at];
}

async function first(): Promise<LedgerEvent> {
  return (await events()).find(({ kind }) => kind === 'label')!;
}

async function events(): Promise<LedgerEvent[]> {
  const all: LedgerEvent[] = [];
  for await (const event of server.store.ledger.read({ project: 'kind' })) all.push(event);
  return all;
}

it('shows neither models nor right answers, and stores ranks by response whatever order was shown', async () => {
  const [ann, bob] = [await person('ann'), await person('bob')];
  const claimed = await ann('POST', `${base}/claim`, { limit: 3 });
  expect(JSON.stringify(claimed.body)).not.toMatch(/model of|gold/);
  const tasks = claimed.body.tasks as View[];
  expect(tasks.map(({ cards }) => cards.map(({ letter }) => letter))).toEqual(Array(3).fill(['A', 'B', 'C']));
  // Orders differ between tasks and people, or nothing would be learned from position.
  const orders = [...tasks, ...((await bob('POST', `${base}/claim`, { limit: 3 })).body.tasks as View[])];
  expect(new Set(orders.map(({ cards }) => cards.map(({ text }) => text).join())).size).toBeGreaterThan(1);

  expect((await bob('POST', `${base}/release`, {})).body).toEqual({ released: 3 });

  for (const [i, task] of tasks.entries()) {
    const label = {
      id: `label-of-ann-${i}`,
      taskId: task.taskId,
      ranks: ranksFor(task, texts),
      activeMs: 1000,
    };
    const answer = await ann('POST', `${base}/labels`, label);
    expect(answer.body.eventId).toBe(label.id);
    // What is sent again is stored once and answered alike.
    expect((await ann('POST', `${base}/labels`, label)).body).toEqual(answer.body);
    // A second label of one's own is refused with the first named.
    const second = await ann('POST', `${base}/labels`, { ...label, id: `another-${i}` });
    expect([second.status, second.body.error.eventId]).toEqual([409, label.id]);
  }
  const stored = await events();
  expect(stored.map(({ ranks }) => ranks)).toEqual(Array(3).fill([1, 2, 3]));
  expect(stored[0]).toMatchObject({ judge: { kind: 'human', group: 'group of ann' }, guidelineVersion: '1' });
});

it('keeps drafts by card, corrects, and tells people what they have sent in', async () => {
  const eve = await person('eve');
  const [task] = (await eve('POST', `${base}/claim`, { limit: 1 })).body.tasks as View[];
  const draft = { ranks: [2, null, 1], rationale: 'so far' };
  expect((await eve('PUT', `${base}/drafts/${task.taskId}`, draft)).status).toBe(200);
  const [again] = (await eve('POST', `${base}/claim`, { limit: 1 })).body.tasks as View[];
  expect(again).toMatchObject({ taskId: task.taskId, draft });

  const skip = { id: 'skip-of-eve', taskId: task.taskId, reason: 'other', note: 'no' };
  expect((await eve('POST', `${base}/skips`, skip)).status).toBe(200);
  const label = {
    id: 'after-all-eve',
    taskId: task.taskId,
    ranks: ranksFor(task, texts),
    supersedes: 'skip-of-eve',
  };
  expect((await eve('POST', `${base}/corrections`, label)).status).toBe(200);
  const { body } = await eve('GET', `${base}/mine`);
  expect(body.answers).toHaveLength(1);
  expect(body.answers[0]).toMatchObject({
    eventId: 'after-all-eve',
    task: { draft: { ranks: label.ranks } },
  });

  // Nobody corrects somebody else's label.
  const mal = await person('mal');
  const foreign = await mal('POST', `${base}/corrections`, {
    ...label,
    id: 'not-by-eve',
    supersedes: 'after-all-eve',
  });
  expect(foreign.status).toBe(409);
  const few = await eve('POST', `${base}/labels`, { id: 'too-few-ranks', taskId: task.taskId, ranks: [1] });
  expect([few.status, few.body.error.message]).toEqual([
    400,
    expect.stringContaining('1 ranks for 3 responses'),
  ]);
});

it('finds where people disagree, and lets an adjudicator decide without knowing who said what', async () => {
  const [bob, judge] = [await person('bea'), await person('judy')];
  for (const task of (await bob('POST', `${base}/claim`, { limit: 3 })).body.tasks as View[]) {
    const ranks = ranksFor(task, ['worst', 'middle', 'best']);
    const rationale = 'quite the other way';
    await bob('POST', `${base}/labels`, {
      id: `of-bea-${task.taskId}`,
      taskId: task.taskId,
      ranks,
      rationale,
    });
  }
  const { body: quality } = await judge('GET', '/api/quality/projects/kind');
  const names = quality.annotators.map(({ name }: { name: string }) => name);
  expect(names).toContain('ann');
  expect(quality.agreement).toMatchObject({
    tasks: 3,
    annotators: 3,
    alphaOrdinal: { estimate: expect.any(Number) },
  });
  const disagreements = async () =>
    (await judge('GET', '/api/quality/projects/kind/disagreements')).body.tasks as {
      taskId: string;
      agreement: number;
    }[];
  const [worst] = await disagreements();
  // Of three pairs none is ordered alike.
  expect(worst.agreement).toBe(0);

  expect(
    (await judge('POST', '/api/quality/projects/kind/escalations', { taskId: worst.taskId })).status,
  ).toBe(200);
  const { body: claimed } = await judge('POST', '/api/adjudication/projects/kind/claim');
  const [{ task, labels }] = claimed.tasks;
  expect(task.taskId).toBe(worst.taskId);
  expect(labels.map(({ who }: { who: string }) => who)).toEqual(['Annotator 1', 'Annotator 2']);
  expect(JSON.stringify(claimed)).not.toMatch(/bea@|"ann"|"bea"/);
  const byText = labels.map(({ ranks }: { ranks: number[] }) =>
    texts.map((text) => ranks[(task as View).cards.findIndex((card) => card.text === text)]),
  );
  expect(byText.sort()).toEqual([
    [1, 2, 3],
    [3, 2, 1],
  ]);
  const decision = { id: 'decision-of-judy', taskId: task.taskId, ranks: ranksFor(task, texts) };
  expect((await judge('POST', '/api/adjudication/projects/kind/decisions', decision)).status).toBe(200);
  const last = (await events()).at(-1)!;
  expect(last).toMatchObject({ kind: 'adjudication', ranks: [1, 2, 3] });
  expect(last.basedOn).toHaveLength(2);
  const { body: after } = await judge('GET', '/api/quality/projects/kind');
  expect(after.progress.adjudications).toEqual({ waiting: 0, done: 1 });
  expect((await disagreements()).map(({ taskId }) => taskId)).not.toContain(task.taskId);
});

it('tells a page that corrects what another page has corrected that it cannot, so that it does not try for ever', async () => {
  const kay = await person('kay');
  const [task, base] = await ownTask(kay, 'pages');
  const label = { id: 'label-of-kay', taskId: task.taskId, ranks: [1, 2, 3] };
  expect((await kay('POST', `${base}/labels`, label)).status).toBe(200);
  const correct = (id: string) =>
    kay('POST', `${base}/corrections`, { ...label, id, ranks: [2, 1, 3], supersedes: label.id });
  expect((await correct('corrected-here')).status).toBe(200);
  const other = await correct('corrected-there');
  expect([other.status, other.body.error]).toEqual([
    409,
    { code: 'conflict', message: expect.stringContaining('corrected-here has superseded already') },
  ]);
  // An id that is taken, too.
  expect((await kay('POST', `${base}/labels`, { ...label, ranks: [3, 2, 1] })).status).toBe(409);
});

it('refuses a time that no calendar has, which would hide the time spent by day for ever', async () => {
  const lou = await person('lou');
  const [task, base] = await ownTask(lou, 'times');
  const label = { id: 'label-of-lou', taskId: task.taskId, ranks: [1, 2, 3] };
  const { status } = await lou('POST', `${base}/labels`, { ...label, judgedAt: Number.MAX_SAFE_INTEGER });
  expect(status).toBe(400);
  expect((await server.ask('GET', '/api/quality/projects/times', { as: 'viewer' })).status).toBe(200);
});

it('never changes a version of a guideline', async () => {
  const put = (text: string) =>
    server.ask('PUT', `${base}/guideline`, { as: 'admin', body: { version: '1', text } });
  expect((await put('Be kind.')).status).toBe(200);
  expect((await put('Be kind.')).status).toBe(200);
  expect((await put('Be rude.')).status).toBe(409);
  const { body } = await server.ask('GET', `${base}/guideline?version=1`, { as: 'annotator' });
  expect(body).toEqual({ version: '1', text: 'Be kind.' });
  expect((await server.ask('GET', `${base}/guideline?version=9`, { as: 'annotator' })).body).toBeNull();
});

it('takes tasks from programs, and names what is wrong with them', async () => {
  const tasks = (list: unknown[]) =>
    server.ask('POST', '/api/label/projects/new/tasks', { as: 'admin', body: { tasks: list } });
  const good = { item: { prompt: 'p', responses: [{ text: 'a' }, { text: 'b' }] } };
  expect((await tasks([good])).body).toEqual({ added: 1, known: 0, places: 1 });
  expect((await tasks([good])).body).toEqual({ added: 0, known: 1, places: 0 });
  const bad = await tasks([good, { item: { prompt: '', responses: [] } }]);
  expect([bad.status, bad.body.error.message]).toEqual([
    400,
    expect.stringContaining('task 2: item.prompt: is empty'),
  ]);
});

it('writes nobody’s name or address into what is exported', async () => {
  const rows: object[] = [];
  for await (const row of labelRecords(server.store, 'kind', { form: 'labels' })) rows.push(row);
  expect(rows.length).toBeGreaterThan(3);
  expect(JSON.stringify(rows)).not.toMatch(/@example|"ann"|"bob"|"bea"|"judy"/);
});

it('tests annotators first where the project says so, and tells them and the lead where they stand', async () => {
  const at = '/api/label/projects/tested';
  const admin = (method: string, path: string, body?: unknown) =>
    server.ask(method, `${at}${path}`, { as: 'admin', body });
  const task = (prompt: string) => ({ item: { prompt, responses: texts.map((text) => ({ text })) } });
  await admin('POST', '/tasks', { tasks: [task('real')] });
  const rules = {
    qualification: { pass: 0.9, retakes: 0, retakeAfterMs: 0, exempt: [] },
    furtherLabels: null,
  };
  expect((await admin('PUT', '/rules', rules)).status).toBe(409); // there are no questions
  const questions = ['q1', 'q2'].map((prompt) => ({ ...task(prompt), gold: { ranks: [1, 2, 3] } }));
  expect((await admin('POST', '/questions', { tasks: [task('without an answer')] })).status).toBe(400);
  expect((await admin('POST', '/questions', { tasks: questions })).body).toEqual({ added: 2, known: 0 });
  expect((await admin('PUT', '/rules', rules)).status).toBe(200);
  expect((await admin('GET', '/rules')).body).toEqual({ rules, questions: 2 });

  const [good, bad] = [await person('gil'), await person('bo')];
  for (const [ask, order] of [
    [good, texts],
    [bad, ['worst', 'middle', 'best']],
  ] as const) {
    // biome-ignore format: pairs
    const { tasks } = (await ask('POST', `${at}/claim`, { limit: 5 })).body;
    expect(tasks).toHaveLength(2);
    for (const view of tasks as (View & { purpose: string })[]) {
      expect(view.purpose).toBe('qualification');
      const label = {
        id: `test-${view.taskId}-${order[0]}`,
        taskId: view.taskId,
        ranks: ranksFor(view, order),
      };
      expect((await ask('POST', `${at}/labels`, label)).status).toBe(200);
    }
  }
  expect((await good('GET', `${at}/qualification`)).body).toMatchObject({ status: 'passed', score: 1 });
  expect((await bad('GET', `${at}/qualification`)).body).toMatchObject({ status: 'failed', score: 0 });
  expect((await good('POST', `${at}/claim`, {})).body.tasks).toHaveLength(1);
  expect((await bad('POST', `${at}/claim`, {})).body.tasks).toEqual([]);
  const { body } = await server.ask('GET', '/api/quality/projects/tested/qualification', { as: 'viewer' });
  expect(body.people.map(({ name, status }: Record<string, string>) => [name, status])).toEqual([
    ['gil', 'passed'],
    ['bo', 'failed'],
  ]);
});

it('shows an adjudicator what people say by now, and what an AI judge says as such', async () => {
  const [uma, judge] = [await person('uma'), await person('jay')];
  const [task, base] = await ownTask(uma, 'mixed');
  const label = { id: 'label-of-uma', taskId: task.taskId, ranks: ranksFor(task, texts) };
  await uma('POST', `${base}/labels`, label);
  const queue = new LabelQueue(server.store, 'mixed');
  const { item } = await queue.get(task.taskId);
  const ai = await server.store.ledger.append({
    ...{ kind: 'label', judge: { kind: 'ai', id: 'local:judge' }, project: 'job', item, ranks: [3, 2, 1] },
    ...{ rationale: 'Because.', principles: ['kind'] },
  });
  await queue.escalate(task.taskId, [label.id, ai.id]);
  const correction = { ...label, id: 'uma-thinks-again', supersedes: label.id };
  await uma('POST', `${base}/corrections`, {
    ...correction,
    ranks: ranksFor(task, ['middle', 'best', 'worst']),
  });

  const { body } = await judge('POST', '/api/adjudication/projects/mixed/claim');
  const [{ task: view, labels, judges }] = body.tasks;
  expect(labels).toMatchObject([
    { who: 'Annotator 1', ranks: ranksFor(view, ['middle', 'best', 'worst']), principles: [] },
  ]);
  expect(judges).toMatchObject([
    { who: 'local:judge', ranks: ranksFor(view, ['worst', 'middle', 'best']), principles: ['kind'] },
  ]);
});

it('lets an adjudicator leave a task undecided', async () => {
  const judge = await person('jo');
  await new LabelQueue(server.store, 'kind').escalate((await first()).taskId!, [(await first()).id]);
  const [{ task }] = (await judge('POST', '/api/adjudication/projects/kind/claim')).body.tasks;
  const skip = { id: 'left-undecided', taskId: task.taskId, reason: 'unclear' };
  expect((await judge('POST', '/api/adjudication/projects/kind/skips', skip)).status).toBe(200);
  expect((await judge('POST', '/api/adjudication/projects/kind/claim')).body.tasks).toEqual([]);
  // It is no answer of an annotator, which could be corrected as one.
  expect((await judge('GET', `${base}/mine`)).body.answers).toEqual([]);
});
