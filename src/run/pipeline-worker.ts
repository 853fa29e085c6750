/** The thread that runs a recipe; started by `runInWorker`. */
import { parentPort, workerData } from 'node:worker_threads';
import { sendableError } from '../base/index.ts';
import { runPipeline } from './pipeline.ts';
import type { ProgressDisplay } from './progress-display.ts';
import type { WorkerJob, WorkerMessage } from './run-in-worker.ts';

const port = parentPort;
if (!port) throw new Error('pipeline-worker.ts must be started as a worker thread');
const send = (message: WorkerMessage): void => port.postMessage(message);

const controller = new AbortController();
port.on('message', () => controller.abort());

const display = Object.fromEntries(
  (['stage', 'progress', 'event', 'sample', 'warn'] as const).map((method) => [
    method,
    (argument: unknown) => send({ kind: 'display', method, argument }),
  ]),
) as unknown as ProgressDisplay;

try {
  const result = await runPipeline({ ...(workerData as WorkerJob), signal: controller.signal, display });
  send({ kind: 'done', result });
} catch (error) {
  send({ kind: 'failed', error: sendableError(error) });
} finally {
  port.close();
}
