import { afterAll, beforeAll, expect, it } from 'vitest';
import { LabelQueue } from '../../feedback/index.ts';
import { onEachDatabase } from '../../store/testing/each-database.ts';
import { cookieOf, password, startTestServer, type TestServer } from '../testing/test-server.ts';

onEachDatabase((database) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer({ store: await database.passingUrl() });
  });
  afterAll(async () => {
    await server.close();
    expect(server.failures).toEqual([]);
  });

  it('has people who are invited, sign in, label with a token, change and are locked out', async () => {
    const { token: link } = await server.accounts.invite({ role: 'annotator', audiences: ['de'] });
    const person = { name: 'Kim', email: 'Kim@Example.org', password };
    await server.accounts.accept(link, person);
    await expect(server.accounts.accept(link, { ...person, email: 'x@example.org' })).rejects.toThrow('used');
    const signIn = () => server.ask('POST', '/api/session', { body: { email: 'kim@example.org', password } });
    const cookie = cookieOf((await signIn()).headers);
    const { body: me } = await server.ask('GET', '/api/me', { cookie });
    expect(me).toMatchObject({ name: 'Kim', email: 'kim@example.org', role: 'annotator', audiences: ['de'] });

    const { body } = await server.ask('POST', '/api/tokens', {
      cookie,
      body: { name: 'mine', permissions: ['annotate'], expiresInDays: 1 },
    });
    await new LabelQueue(server.store, 'fish').add([
      { item: { prompt: 'p', responses: [{ text: 'a' }, { text: 'b' }] }, audiences: ['de'] },
    ]);
    const asToken = { headers: { authorization: `Bearer ${body.token}` } };
    const { body: claimed } = await server.ask('POST', '/api/label/projects/fish/claim', {
      ...asToken,
      body: {},
    });
    const label = { id: 'label-of-kim', taskId: claimed.tasks[0].taskId, ranks: [1, 2] };
    const stored = await server.ask('POST', '/api/label/projects/fish/labels', { ...asToken, body: label });
    expect(stored.body.eventId).toBe('label-of-kim');
    expect((await server.store.ledger.get('label-of-kim'))!.judge.id).toBe(me.id);

    const change = (what: object) => server.ask('PATCH', `/api/people/${me.id}`, { as: 'admin', body: what });
    expect((await change({ role: 'viewer', group: 'staff' })).body).toMatchObject({
      role: 'viewer',
      group: 'staff',
    });
    expect(
      (await server.ask('POST', '/api/label/projects/fish/claim', { ...asToken, body: {} })).status,
    ).toBe(403);
    await change({ disabled: true });
    expect((await server.ask('GET', '/api/me', { cookie })).status).toBe(401);
    expect((await signIn()).status).toBe(401);
    await change({ disabled: false });
    expect((await signIn()).status).toBe(200);
  });
});
