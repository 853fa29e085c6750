/** The thread that counts how projects stand; started by `QualityReader`. */
import { parentPort, workerData } from 'node:worker_threads';
import { answerCall } from '../../base/index.ts';
import { openStore } from '../../store/index.ts';
import { ProjectQuality } from './project-quality.ts';
import type { QualityQuestion, ToQuality } from './quality-reader.ts';

const port = parentPort;
if (!port) throw new Error('quality-thread.ts must be started as a worker thread');
const store = await openStore(workerData as string);
const quality = new ProjectQuality(store);

// One question at a time: they share what has been read of the ledger.
let last: Promise<void> = Promise.resolve();
port.on('message', (message: ToQuality) => {
  last = last.then(async () => {
    if (message.kind === 'close') {
      await store.close();
      port.close();
      return;
    }
    await answerCall(port, message.id, () => answerTo(quality, message.question));
  });
});

function answerTo(from: ProjectQuality, { method, args }: QualityQuestion): Promise<unknown> {
  return (from[method] as (...given: readonly unknown[]) => Promise<unknown>).apply(from, args);
}
