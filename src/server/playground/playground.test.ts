import { afterAll, beforeAll, expect, it } from 'vitest';
import { LabelQueue, labelRecords } from '../../feedback/index.ts';
import { type MockModel, mockModel } from '../../llm/testing/index.ts';
import type { LedgerEvent } from '../../store/index.ts';
import { cookieOf, password, startTestServer, type TestServer } from '../testing/test-server.ts';

/** Answers with its name and how many turns it has been told. */
const naming = (name: string, delayMs = 0): MockModel =>
  mockModel({
    id: `local:${name}@abc`,
    delayMs,
    chat: ({ messages }) => `I am ${name}, and you said ${messages.length} things.`,
    choose: () => [0.9, 0.1],
  });

const models = {
  base: naming('base'),
  aligned: naming('aligned'),
  slow: naming('slow', 60_000),
  broken: mockModel({ chat: () => new Error('a secret of the server') }),
};
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ models });
});
afterAll(() => server.close());

interface SentEvent {
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests say what they expect of it
  readonly data: any;
}

function eventsOf(text: string): SentEvent[] {
  return text
    .split('\n\n')
    .filter((block) => block.includes('data:'))
    .map((block) => ({
      event: /^event: (.*)$/m.exec(block)![1],
      data: JSON.parse(/^data: (.*)$/m.exec(block)![1]),
    }));
}

const as = 'annotator' as const;
const begin = async (body: object) =>
  (await server.ask('POST', '/api/playground/conversations', { as, body })).body;
const at = (id: string, what = ''): string => `/api/playground/conversations/${id}${what}`;
const say = async (id: string, body: object): Promise<SentEvent[]> =>
  eventsOf((await server.ask('POST', at(id, '/turns'), { as, body })).body);
const labels = async (): Promise<LedgerEvent[]> => {
  const events: LedgerEvent[] = [];
  for await (const event of server.store.ledger.read({ project: 'playground' })) events.push(event);
  return events;
};

it('lists models by name, without where they lie', async () => {
  const { body } = await server.ask('GET', '/api/playground/models', { as });
  expect(body.models).toEqual(Object.keys(models).map((name) => ({ name, from: 'given' })));
  const unknown = { models: ['base', '/etc/passwd'] };
  expect((await server.ask('POST', '/api/playground/conversations', { as, body: unknown })).status).toBe(404);
});

it('streams both answers, and makes a vote a label of who wrote what, in which order it stood', async () => {
  const { id } = await begin({
    ...{ models: ['base', 'aligned'], blind: true, system: 'Be brief.', seed: 7 },
    sampling: { temperature: 0.5, maxTokens: 9 },
  });
  const events = await say(id, { text: 'Hello' });
  expect(events[0]).toEqual({ event: 'begin', data: { turn: 0 } });
  const written = (side: string): string =>
    events
      .filter(({ event, data }) => event === 'text' && data.side === side)
      .map(({ data }) => data.piece)
      .join('');
  const turn = events.at(-1)!;
  expect(turn.event).toBe('turn');
  for (const side of ['A', 'B']) expect(written(side)).toBe(turn.data.answers[side].text);
  expect([written('A'), written('B')].sort()).toEqual([
    'I am aligned, and you said 2 things.',
    'I am base, and you said 2 things.',
  ]);
  // Nothing tells which is which before the vote.
  expect([turn.data.models, turn.data.answers.A.ms, turn.data.answers.A.outputTokens]).toEqual([
    null,
    null,
    null,
  ]);
  expect(models.base.calls.at(-1)).toMatchObject({ temperature: 0.5, topP: 1, maxTokens: 9 });
  const seeds = [models.base, models.aligned].map(({ calls }) => calls.at(-1)!.seed);
  expect(seeds[0]).not.toBe(seeds[1]);

  const alignedAt = written('A').includes('aligned') ? 'A' : 'B';
  const vote = { id: 'vote-number-one', turn: 0, vote: alignedAt, rationale: 'kinder', activeMs: 1200 };
  const answer = await server.ask('POST', at(id, '/votes'), { as, body: vote });
  expect(answer.body.models[alignedAt]).toBe('aligned');
  // Sent again, it is stored once.
  expect((await server.ask('POST', at(id, '/votes'), { as, body: vote })).body).toEqual(answer.body);
  const [label, ...others] = await labels();
  expect(others).toEqual([]);
  expect(label).toMatchObject({
    ...{ kind: 'label', judge: { kind: 'human' }, id: 'vote-number-one', ranks: [2, 1], rationale: 'kinder' },
    item: {
      prompt: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hello' },
      ],
      responses: [
        { text: 'I am base, and you said 2 things.', model: 'local:base@abc' },
        { text: 'I am aligned, and you said 2 things.', model: 'local:aligned@abc' },
      ],
    },
    shownOrder: alignedAt === 'B' ? [0, 1] : [1, 0],
    activeMs: 1200,
    extra: { blind: true, seeds },
  });

  // Another vote corrects it.
  const second = { ...vote, id: 'vote-number-two', vote: 'both-bad' };
  expect((await server.ask('POST', at(id, '/votes'), { as, body: second })).status).toBe(200);
  const [old, correction] = await labels();
  expect(old.supersededBy).toBe('vote-number-two');
  expect(correction).toMatchObject({ supersedes: 'vote-number-one', ranks: [1, 1], flags: ['all-bad'] });
  const exported = [];
  for await (const record of labelRecords(server.store, 'playground', { form: 'tasks' }))
    exported.push(record);
  expect(exported).toMatchObject([{ ranks: [1, 1], labels: 1 }]);
});

it('goes on from the answer that was chosen, and shows sides in a drawn order each time', async () => {
  const { id } = await begin({ models: ['base', 'aligned'], blind: true, seed: 1 });
  let firsts = 0;
  await say(id, { text: 'one' });
  for (let i = 0; i < 16; i++) {
    const [, ...rest] = await say(id, { text: `more ${i}`, from: 'B' });
    const { answers } = rest.at(-1)!.data;
    firsts += answers.A.text.includes('base') ? 1 : 0;
  }
  // Sixteen fair draws are all alike once in 32,768 times.
  expect(firsts > 0 && firsts < 16).toBe(true);
  const { body } = await server.ask('GET', at(id), { as });
  expect(body.turns).toHaveLength(17);
  const { messages } = models.base.calls.at(-1)!;
  expect(messages[0]).toEqual({ role: 'user', content: 'one' });
  expect(messages[1]).toEqual({ role: 'assistant', content: body.turns[0].answers.B.text });
  // Without a choice it is refused before anything is sent.
  const open = await server.ask('POST', at(id, '/turns'), { as, body: { text: 'and?' } });
  expect([open.status, open.body.error.message]).toEqual([400, expect.stringContaining('"from"')]);
});

it('keeps sides as chosen, and says who is who, when it is not blind', async () => {
  const { id } = await begin({ models: ['aligned', 'base'], blind: false });
  const turn = (await say(id, { text: 'hi' })).at(-1)!.data;
  expect(turn.models).toEqual({ A: 'aligned', B: 'base' });
  expect(turn.answers.A).toMatchObject({ text: expect.stringContaining('aligned'), outputTokens: 8 });
});

it('answers again with other seeds until somebody has voted', async () => {
  const { id } = await begin({ models: ['base', 'aligned'], seed: 3 });
  await say(id, { text: 'hi' });
  const first = models.base.calls.at(-1)!.seed;
  expect((await server.ask('POST', at(id, '/again'), { as })).status).toBe(200);
  expect(models.base.calls.at(-1)!.seed).not.toBe(first);
  await server.ask('POST', at(id, '/votes'), { as, body: { id: 'vote-three', turn: 0, vote: 'tie' } });
  expect((await server.ask('POST', at(id, '/again'), { as })).status).toBe(409);
});

it('stops when asked to, or when nobody listens any more, and takes no vote on what was cut', async () => {
  const { id } = await begin({ models: ['base', 'slow'], blind: false });
  const saying = say(id, { text: 'hi' });
  await expect.poll(() => models.slow.calls.length).toBe(1);
  expect((await server.ask('POST', at(id, '/turns'), { as, body: { text: 'x', from: 'A' } })).status).toBe(
    409,
  );
  await server.ask('POST', at(id, '/stop'), { as });
  const turn = (await saying).at(-1)!.data;
  expect([turn.answers.A.finish, turn.answers.B.finish]).toEqual(['stop', 'stopped']);
  const vote = await server.ask('POST', at(id, '/votes'), {
    as,
    body: { id: 'vote-four', turn: 0, vote: 'A' },
  });
  expect(vote.status).toBe(409);

  const leaving = new AbortController();
  const response = await server.app.request(`http://127.0.0.1:8100${at(id, '/again')}`, {
    method: 'POST',
    headers: {
      cookie: await server.as(as),
      origin: 'http://127.0.0.1:8100',
      'sec-fetch-site': 'same-origin',
    },
    signal: leaving.signal,
  });
  await expect.poll(() => models.slow.calls.length).toBe(2);
  await response.body!.cancel();
  await expect.poll(async () => (await server.ask('GET', at(id), { as })).body.answering).toBe(false);
  expect((await server.ask('GET', at(id), { as })).body.turns[0].answers.B.finish).toBe('stopped');
});

it('says that a model failed without saying what is the server’s own', async () => {
  const { id } = await begin({ models: ['base', 'broken'], blind: false });
  const events = await say(id, { text: 'hi' });
  expect(events.at(-1)!.data.answers.B).toMatchObject({ finish: 'failed', text: '' });
  expect(JSON.stringify(events)).not.toContain('secret');
  expect(server.failures.splice(0)).toMatchObject([{ message: 'a secret of the server' }]);
});

it('files a turn as a label task that is covered, the worst first, once', async () => {
  const { id } = await begin({ models: ['base', 'aligned'], blind: true });
  await say(id, { text: 'Tell me something vile.' });
  const body = { turn: 0, harm: 3, note: 'it did' };
  const filed = await server.ask('POST', at(id, '/tasks'), { as, body });
  expect(filed.body).toMatchObject({ project: 'red-team', isNew: true });
  expect((await server.ask('POST', at(id, '/tasks'), { as, body })).body.isNew).toBe(false);
  const task = await new LabelQueue(server.store, 'red-team').get(filed.body.taskId);
  expect(task).toMatchObject({
    ...{ contentWarning: expect.any(String), priority: 3 },
    extra: { category: 'red-team', harm: 3, note: 'it did', models: ['base', 'aligned'] },
  });
  const claimed = await server.ask('POST', '/api/label/projects/red-team/claim', { as, body: {} });
  expect(JSON.stringify(claimed.body)).not.toMatch(/local:|it did/);
});

it('shows nobody the conversations of others', async () => {
  const { id } = await begin({ models: ['base', 'aligned'] });
  expect((await server.ask('GET', at(id), { as: 'admin' })).status).toBe(404);
  expect((await server.ask('POST', at(id, '/stop'), { as: 'adjudicator' })).status).toBe(404);
});

it('holds up who asks too much', async () => {
  const { token } = await server.accounts.invite({ role: 'annotator' });
  const cookie = cookieOf(
    await server.accounts.accept(token, { name: 'Max', email: 'max@example.org', password }),
  );
  const { body } = await server.ask('POST', '/api/playground/conversations', {
    cookie,
    body: { models: ['base', 'aligned'] },
  });
  const statuses: number[] = [];
  for (let i = 0; i < 41; i++) {
    const path = i === 0 ? '/turns' : '/again';
    const said = i === 0 ? { text: 'hi' } : {};
    const answer = await server.ask('POST', at(body.id, path), { cookie, body: said });
    statuses.push(answer.status);
    if (answer.status === 429) expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  }
  expect(statuses).toEqual([...Array(40).fill(200), 429]);
});

it('tries a principle on an example: check, critique, revision', async () => {
  const { body: checked } = await server.ask('POST', '/api/constitutions/check', {
    as,
    body: {
      name: 'default.md',
      text: (await server.ask('GET', '/api/constitutions/default.md', { as })).body.text,
    },
  });
  const principle = checked.constitution.principles[0].id;
  const critic = models.aligned;
  const body = { principle, prompt: 'How are you?', model: 'aligned' };
  const answer = await server.ask('POST', '/api/constitutions/default.md/try', { as, body });
  const events = eventsOf(answer.body);
  expect(events.map(({ event }) => event).filter((event) => event !== 'text' && event !== 'begin')).toEqual([
    ...['response', 'check', 'critique', 'revision'],
  ]);
  // Asked for a violation and for none, each time mostly yes: ½ (0.9 + 0.1).
  expect(events.find(({ event }) => event === 'check')!.data).toMatchObject({ probability: 0.5 });
  expect(events.find(({ event }) => event === 'response')!.data.text).toBe(
    'I am aligned, and you said 1 things.',
  );
  expect(critic.calls.some((call) => call.kind === 'choose')).toBe(true);
  const given = await server.ask('POST', '/api/constitutions/default.md/try', {
    as,
    body: { ...body, response: 'As well as can be.' },
  });
  expect(eventsOf(given.body).find(({ event }) => event === 'response')!.data.text).toBe(
    'As well as can be.',
  );
  for (const [change, status] of [
    [{ principle: 'no-such' }, 400],
    [{ model: 'no-such' }, 404],
    [{ text: 'no constitution at all' }, 409],
  ] as const) {
    const refused = await server.ask('POST', '/api/constitutions/default.md/try', {
      as,
      body: { ...body, ...change },
    });
    expect(refused.status).toBe(status);
  }
});
