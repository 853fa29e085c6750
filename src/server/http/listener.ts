/** Taking a port, and giving it back. */
import type { Server } from 'node:http';
import { isIP } from 'node:net';
import { serve } from '@hono/node-server';
import { TenetError } from '../../base/index.ts';

/** @throws TenetError('usage') for a port that cannot be had */
export function listen(
  fetch: Parameters<typeof serve>[0]['fetch'],
  hostname: string,
  port: number,
): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch, hostname, port }, () => resolve(server)) as Server;
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      const why = taken ? 'another program uses it; give another --port' : error.message;
      reject(new TenetError('usage', `Cannot listen on ${hostname}:${port}: ${why}.`, { cause: error }));
    });
  });
}

/** `http://host:port` of a server that listens. */
export function originOf(server: Server, host: string): string {
  const { port } = server.address() as { port: number };
  return `http://${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}

/** True for addresses that only programs on this machine can reach. */
export function isOwnAddress(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host);
}

/** Takes no more requests, and lets those under way finish for a while. */
export async function closeServer(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  // A connection that ends takes its computation along.
  const timer = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(timer);
}
