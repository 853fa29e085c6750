/** The thread that computes a guard's classifiers; started by `ThreadedGuard`. */
import { parentPort, workerData } from 'node:worker_threads';
import { sendableError, TenetError } from '../../base/index.ts';
import type { OutputScreen, Screening } from '../screen.ts';
import type { ClassifierGuard } from './classifier-guard.ts';
import { openClassifierGuard } from './open-classifier-guard.ts';
import type { FromGuard, GuardJob, ToGuard } from './thread-protocol.ts';

const port = parentPort;
if (!port) throw new Error('guard-thread.ts must be started as a worker thread');
const send = (message: FromGuard): void => port.postMessage(message);

const { folder, options } = workerData as GuardJob;
const screens = new Map<number, OutputScreen>();

try {
  const guard = await openClassifierGuard(folder, options);
  const { name, thresholds = {}, file } = guard;
  port.on('message', (message: ToGuard) => void take(guard, message));
  send({ kind: 'ready', facts: { name, thresholds, file } });
} catch (error) {
  send({ kind: 'unusable', error: sendableError(error) });
}

async function take(guard: ClassifierGuard, message: ToGuard): Promise<void> {
  if (message.kind === 'forget') {
    screens.get(message.screen)?.close();
    screens.delete(message.screen);
  } else if (message.kind === 'close') {
    await guard.close();
    port!.close();
  } else {
    const { id } = message;
    try {
      send({ kind: 'done', id, result: await answer(guard, message) });
    } catch (error) {
      send({ kind: 'failed', id, error: sendableError(error) });
    }
  }
}

async function answer(
  guard: ClassifierGuard,
  message: Extract<ToGuard, { readonly id: number }>,
): Promise<Screening | null> {
  if (message.kind === 'input') return guard.screenInput(message.messages);
  if (message.kind === 'open') {
    screens.set(message.screen, await guard.openOutput(message.messages));
    return null;
  }
  const screen = screens.get(message.screen);
  if (!screen) throw new TenetError('internal', 'The screen was closed while it was in use.');
  return message.kind === 'push' ? screen.push(message.text) : screen.end();
}
