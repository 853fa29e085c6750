/**
 * Servers of the guard's benchmark, each in a process of its own: a model server whose tokens are written beforehand, and
 * the guard in front of it.
 *
 *     guard-servers.ts upstream
 *     guard-servers.ts guard <upstream> enforce|off
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { keywordGuard, toPolicy } from '../src/guard/index.ts';
import { serveGuard } from '../src/server/index.ts';

const [kind, upstream, mode] = process.argv.slice(2);
const url = kind === 'upstream' ? await startUpstream() : await startGuard();
process.send?.(url);
process.on('disconnect', () => process.exit());

async function startGuard(): Promise<string> {
  const policy = toPolicy({ defaults: { mode: mode as 'enforce' | 'off' } });
  return (await serveGuard({ guard: keywordGuard(), upstream, policy, port: 0 })).url;
}

/** Streams `max_tokens` tokens, each with the time at which it was sent, `seed` milliseconds apart. */
async function startUpstream(): Promise<string> {
  const words = 'the quick brown fox jumps over a lazy dog near the river bank at dawn'.split(' ');
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const piece of request) text += piece;
    const { max_tokens: count, seed: gapMs } = JSON.parse(text) as { max_tokens: number; seed: number };
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (let i = 0; i < count; i++) {
      await new Promise<void>((resolve) => (gapMs > 0 ? setTimeout(resolve, gapMs) : setImmediate(resolve)));
      const choice = { index: 0, delta: { content: `${words[i % words.length]} ` }, finish_reason: null };
      // Microseconds since 1970, in a field that passes the guard.
      const created = Math.round((performance.timeOrigin + performance.now()) * 1000);
      const event = {
        id: 'chatcmpl-1',
        object: 'chat.completion.chunk',
        created,
        model: 'm',
        choices: [choice],
      };
      response.write(`data: ${JSON.stringify(event)}\n\n`);
    }
    const end = { id: 'chatcmpl-1', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] };
    response.end(`data: ${JSON.stringify(end)}\n\ndata: [DONE]\n\n`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}
