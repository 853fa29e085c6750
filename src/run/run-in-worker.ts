/**
 * Runs a recipe in a worker thread, so that the process can draw progress, serve and react while the engine
 * computes.
 */
import { receivedError, type SentError, startWorker, TenetError } from '../base/index.ts';
import type { PipelineOptions, PipelineResult } from './pipeline.ts';
import type { ProgressDisplay } from './progress-display.ts';

/** What the worker is told at the start. */
export type WorkerJob = Omit<PipelineOptions, 'signal' | 'display'>;

/** What the worker says. */
export type WorkerMessage =
  | { readonly kind: 'display'; readonly method: keyof ProgressDisplay; readonly argument: unknown }
  | { readonly kind: 'done'; readonly result: PipelineResult }
  | { readonly kind: 'failed'; readonly error: SentError };

/** @throws what the pipeline throws, and TenetError('internal') when the thread dies */
export function runInWorker(options: PipelineOptions): Promise<PipelineResult> {
  const { signal, display, ...job } = options;
  const worker = startWorker(new URL('./pipeline-worker.ts', import.meta.url), { workerData: job });
  const abort = (): void => worker.postMessage('abort');
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  // The thread ends by itself once it has said how the run went. Terminating it could hit ONNX Runtime in the
  // middle of a computation, which aborts the whole process.
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  return new Promise<PipelineResult>((resolve, reject) => {
    worker.on('message', (message: WorkerMessage) => {
      if (message.kind === 'display') {
        (display?.[message.method] as ((argument: unknown) => void) | undefined)?.(message.argument);
      } else if (message.kind === 'done') resolve(message.result);
      else reject(receivedError(message.error));
    });
    worker.on('error', reject);
    worker.on('exit', (code) =>
      reject(
        new TenetError(
          'internal',
          `The training thread ended by itself (code ${code}); --resume continues the run.`,
        ),
      ),
    );
  }).finally(() => {
    signal.removeEventListener('abort', abort);
    return ended;
  });
}
