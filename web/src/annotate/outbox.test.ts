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
        if (id === 'bad') throw new ApiError(409, { message: 'labelled before' });
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
});
