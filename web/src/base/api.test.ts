import { afterEach, describe, expect, it, vi } from 'vitest';
import { ApiError, actAs, ask, get, OfflineError, post } from './api.ts';

afterEach(() => {
  vi.unstubAllGlobals();
  actAs(null);
});

const answer = (body: string, type: string, status = 200): void => {
  vi.stubGlobal('fetch', async () => new Response(body, { status, headers: { 'content-type': type } }));
};

describe('asking the server', () => {
  it('gives its answer, also where that is null', async () => {
    answer('{"eventId":"e"}', 'application/json');
    expect(await post('/labels')).toEqual({ eventId: 'e' });
    answer('null', 'application/json; charset=utf-8');
    expect(await get('/guideline')).toBeNull();
  });

  it('takes no page for its word that an answer is stored', async () => {
    // As a proxy answers once its own session has ended.
    answer('<html>Sign in</html>', 'text/html');
    await expect(post('/labels')).rejects.toThrow(OfflineError);
  });

  it('takes an answer that is cut off for none', async () => {
    answer('{"error":{"code":"conf', 'application/json', 409);
    await expect(post('/labels')).rejects.toThrow(OfflineError);
  });

  it('tells its own refusals from those of what stands before it', async () => {
    answer('{"error":{"code":"conflict","message":"Labelled before."}}', 'application/json', 409);
    await expect(post('/labels')).rejects.toMatchObject({ code: 'conflict', message: 'Labelled before.' });
    answer('<html>Forbidden</html>', 'text/html', 403);
    await expect(post('/labels')).rejects.toMatchObject({ code: 'unknown', status: 403 });
    answer('null', 'application/json', 400);
    await expect(post('/labels')).rejects.toThrow(ApiError);
  });

  it('says for whom: whoever the page is for, or whose answer it is', async () => {
    const asked: unknown[] = [];
    vi.stubGlobal('fetch', async (_: string, { headers }: { headers: Record<string, string> }) => {
      asked.push(headers['tenet-person']);
      return Response.json({});
    });
    await get('/api/session');
    actAs('ann');
    await ask('DELETE', '/api/session');
    await post('/labels', {}, 'bob');
    expect(asked).toEqual([undefined, 'ann', 'bob']);
  });
});
