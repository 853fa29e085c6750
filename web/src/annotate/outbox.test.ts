import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ApiError, OfflineError } from '../base/api.ts';
import { type Keep, type Letter, Outbox } from './outbox.ts';

function memory(): Keep & { readonly values: Map<string, string> } {
  const values = new Map<string, string>();
  return {
    values,
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
  };
}

const letter = (id: string): Letter => ({ id, taskId: `task of ${id}`, path: '/labels', body: { id } });
const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 1));
};

describe('the outbox', () => {
  it('loses and doubles nothing, whatever fails, when the server stores each id once', async () => {
    // What happens at each try: it arrives, it never arrives, or it arrives and the answer is lost.
    const fates = fc.array(fc.constantFrom('arrives', 'lost', 'unanswered', 'trouble'), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(fates, fc.integer({ min: 1, max: 8 }), async (plan, count) => {
        const stored = new Map<string, number>();
        const order: string[] = [];
        const left = [...plan];
        const outbox = new Outbox({
          person: 'ann',
          keep: memory(),
          retryMs: [0],
          send: async ({ id }) => {
            const fate = left.shift() ?? 'arrives';
            if (fate === 'lost') throw new OfflineError();
            if (fate === 'trouble') throw new ApiError(503, {});
            if (!stored.has(id)) order.push(id);
            stored.set(id, 1);
            if (fate === 'unanswered') throw new OfflineError();
          },
        });
        const ids = Array.from({ length: count }, (_, i) => `answer ${i}`);
        for (const id of ids) outbox.put(letter(id));
        await until(() => outbox.state.waiting.length === 0 && !outbox.state.offline);
        expect(order).toEqual(ids);
        outbox.close();
      }),
      { numRuns: 60 },
    );
  });

  it('goes on where a page that was closed left off, apart for each person', async () => {
    const keep = memory();
    const offline = new Outbox({ person: 'ann', keep, send: () => Promise.reject(new OfflineError()) });
    offline.put(letter('one'));
    offline.put(letter('two'));
    await until(() => offline.state.offline);
    offline.close();
    const sent: string[] = [];
    const send = async ({ id }: Letter): Promise<void> => void sent.push(id);
    await new Outbox({ person: 'bob', keep, send }).flush();
    expect(sent).toEqual([]);
    await new Outbox({ person: 'ann', keep, send }).flush();
    expect(sent).toEqual(['one', 'two']);
  });

  it('puts aside what the server refuses, says why, and sends the rest', async () => {
    const sent: string[] = [];
    const outbox = new Outbox({
      person: 'ann',
      keep: memory(),
      send: async ({ id }) => {
        if (id === 'bad') throw new ApiError(409, { code: 'conflict', message: 'labelled before' });
        sent.push(id);
      },
    });
    for (const id of ['good', 'bad', 'better']) outbox.put(letter(id));
    await until(() => outbox.state.waiting.length === 0);
    expect(sent).toEqual(['good', 'better']);
    expect(outbox.state.refused.map(({ letter: { id }, why }) => [id, why])).toEqual([
      ['bad', 'labelled before'],
    ]);
  });

  it('lets an answer that the server stumbles over hold up nothing but what follows about the same task', async () => {
    const sent: string[] = [];
    let mended = false;
    const outbox = new Outbox({
      person: 'ann',
      keep: memory(),
      retryMs: [0],
      send: async ({ id }) => {
        if (id === 'label of 1' && !mended) throw new ApiError(500, { code: 'internal', message: 'a bug' });
        sent.push(id);
      },
    });
    for (const [id, taskId] of [
      ['label of 1', '1'],
      ['correction of 1', '1'],
      ['label of 2', '2'],
    ]) {
      outbox.put({ id, taskId, path: '/labels', body: {} });
    }
    await until(() => outbox.state.offline);
    expect(sent).toEqual(['label of 2']);
    mended = true;
    await until(() => outbox.state.waiting.length === 0 && !outbox.state.offline);
    expect(sent).toEqual(['label of 2', 'label of 1', 'correction of 1']);
  });

  it('keeps what something else than the server refuses, such as a proxy that knows no way to it', async () => {
    const fates = [404, 403, 200];
    const outbox = new Outbox({
      person: 'ann',
      keep: memory(),
      retryMs: [0],
      send: async () => {
        const status = fates.shift()!;
        if (status !== 200) throw new ApiError(status, {});
      },
    });
    outbox.put(letter('one'));
    await until(() => outbox.state.waiting.length === 0);
    expect([fates, outbox.state.refused]).toEqual([[], []]);
  });

  it('tries nothing again once it is closed', async () => {
    let [tries, fail] = [0, (): void => undefined];
    const outbox = new Outbox({
      person: 'ann',
      keep: memory(),
      retryMs: [0],
      send: () => {
        tries++;
        return new Promise((_, reject) => {
          fail = () => reject(new OfflineError());
        });
      },
    });
    outbox.put(letter('one'));
    outbox.close();
    fail();
    await until(() => outbox.state.offline);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect([tries, outbox.state.waiting]).toEqual([1, [letter('one')]]);
  });
});
