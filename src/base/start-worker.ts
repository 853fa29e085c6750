/** Starts a worker thread from a source file, built or not. */
import { Worker, type WorkerOptions } from 'node:worker_threads';

/**
 * @param url the worker's file as written in the sources, `new URL('./x.ts', import.meta.url)`; in the built
 *   package the `.js` beside it is started
 */
export function startWorker(url: URL, options: WorkerOptions = {}): Worker {
  const isBuilt = import.meta.url.endsWith('.js');
  if (isBuilt) return new Worker(new URL(url.href.replace(/\.ts$/, '.js')), options);
  // Unbuilt sources run through tsx, whose hooks do not reach into worker threads by themselves.
  const hooks = import.meta.resolve('tsx/esm/api');
  const source = `import(${JSON.stringify(hooks)}).then(({ register }) => { register(); return import(${JSON.stringify(url.href)}); });`;
  return new Worker(source, { ...options, eval: true });
}
