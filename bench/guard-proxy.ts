/** What the guard's proxy adds to a stream, beside calling the same server directly. */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { type Benchmark, type BenchmarkSettings, median, type Row } from './benchmark.ts';

/** Starts a server of guard-servers.ts; its process ends with this one. */
function start(...parameters: string[]): Promise<{ readonly url: string; readonly child: ChildProcess }> {
  const child = fork(join(import.meta.dirname, 'guard-servers.ts'), parameters);
  return new Promise((resolve, reject) => {
    child.once('message', (url) => resolve({ url: url as string, child }));
    child.once('exit', (code) => reject(new Error(`the server ended with code ${code}`)));
  });
}

async function withServers<T>(
  work: (urls: { direct: string; guarded: string; off: string }) => Promise<T>,
): Promise<T> {
  const upstream = await start('upstream');
  const guarded = await start('guard', upstream.url, 'enforce');
  const off = await start('guard', upstream.url, 'off');
  try {
    return await work({ direct: upstream.url, guarded: guarded.url, off: off.url });
  } finally {
    for (const { child } of [guarded, off, upstream]) {
      child.removeAllListeners('exit');
      child.kill();
    }
  }
}

interface StreamTimes {
  /** Milliseconds from the request to the first token. */
  readonly firstMs: number;
  /** Median of the milliseconds that each token was on its way. */
  readonly tokenMs: number;
  readonly tokens: number;
}

/** @param gapMs between tokens; 0: as fast as the upstream can */
async function read(url: string, tokens: number, gapMs: number): Promise<StreamTimes> {
  const messages = [{ role: 'user', content: 'Tell me about the fox and the dog.' }];
  const start = performance.now();
  const response = await fetch(`${url}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', messages, stream: true, max_tokens: tokens, seed: gapMs }),
  });
  const decoder = new TextDecoder();
  const underway: number[] = [];
  let [firstMs, rest, count] = [0, '', 0];
  for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>) {
    const now = performance.timeOrigin + performance.now();
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      const created = /"created":(\d+)/.exec(line);
      if (!created) continue;
      if (count++ === 0) firstMs = performance.now() - start;
      underway.push(now - Number(created[1]) / 1000);
    }
  }
  if (count !== tokens) throw new Error(`${count} of ${tokens} tokens came from ${url}`);
  return { firstMs, tokenMs: median(underway), tokens: count };
}

/** One stream at a time, tokens 4 ms apart. */
async function latency({ quick }: BenchmarkSettings): Promise<Row[]> {
  return withServers(async ({ direct, guarded, off }) => {
    const repeats = quick ? 5 : 60;
    const times = { direct: [] as StreamTimes[], guarded: [] as StreamTimes[], off: [] as StreamTimes[] };
    // In turns, so that what else the machine does is in all alike; the first few are practice.
    for (let i = 0; i < repeats + 5; i++) {
      for (const [name, url] of Object.entries({ direct, guarded, off })) {
        const one = await read(url, 40, 4);
        if (i >= 5) times[name as keyof typeof times].push(one);
      }
    }
    const first = (name: keyof typeof times): number => median(times[name].map(({ firstMs }) => firstMs));
    const token = (name: keyof typeof times): number => median(times[name].map(({ tokenMs }) => tokenMs));
    return [
      {
        what: 'time to the first token, with keywords',
        ...{ ratio: first('guarded') / first('direct'), of: 'that of the upstream itself' },
        measured: {
          'direct ms': first('direct'),
          'added ms': first('guarded') - first('direct'),
          'added by the proxy alone ms': first('off') - first('direct'),
        },
      },
      {
        what: 'a token on its way, with keywords',
        ...{ ratio: token('guarded') / token('direct'), of: 'that of the upstream itself' },
        measured: {
          'direct ms': token('direct'),
          'added ms': token('guarded') - token('direct'),
          'added by the proxy alone ms': token('off') - token('direct'),
        },
      },
    ];
  });
}

/** Streams of 200 tokens, as fast as they come. */
async function throughput({ quick }: BenchmarkSettings): Promise<Row[]> {
  return withServers(async ({ direct, guarded, off }) => {
    const rows: Row[] = [];
    for (const streams of [1, 16, 200]) {
      const rate = async (url: string): Promise<number> => {
        const rounds = quick ? 1 : Math.max(3, Math.round(60 / streams));
        const rates: number[] = [];
        for (let i = 0; i < rounds; i++) {
          const start = performance.now();
          await Promise.all(Array.from({ length: streams }, () => read(url, 200, 0)));
          rates.push((streams * 200) / ((performance.now() - start) / 1000));
        }
        return median(rates);
      };
      await Promise.all([direct, guarded, off].map((url) => read(url, 200, 0)));
      const measured = { direct: await rate(direct), guarded: await rate(guarded), off: await rate(off) };
      rows.push({
        what: `tokens a second, ${streams} ${streams === 1 ? 'stream' : 'streams'}, with keywords`,
        ...{ ratio: measured.guarded / measured.direct, of: 'the upstream itself' },
        measured: {
          'direct tokens/s': measured.direct,
          'guarded tokens/s': measured.guarded,
          'proxy alone tokens/s': measured.off,
        },
      });
    }
    return rows;
  });
}

export const guardProxy: Benchmark = {
  name: 'guard-proxy',
  title: 'The guard’s proxy beside calling the upstream directly',
  note:
    'Upstream, guard and client are three processes on this machine, so with few cores they take time from each other: ' +
    'the ratios are lower bounds of what the proxy reaches beside a server elsewhere.',
  cases: { latency, throughput },
};
