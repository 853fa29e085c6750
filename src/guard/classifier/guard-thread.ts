/** The thread that computes a guard's classifiers; started by `ThreadedGuard`. */
import { parentPort, workerData } from 'node:worker_threads';
import { answerCall, sendableError, TenetError, type WorkerGreeting } from '../../base/index.ts';
import type { OutputScreen, Screening } from '../screen.ts';
import type { ClassifierGuard } from './classifier-guard.ts';
import { openClassifierGuard } from './open-classifier-guard.ts';
import type { GuardFacts, GuardJob, ToGuard } from './thread-protocol.ts';

const port = parentPort;
if (!port) throw new Error('guard-thread.ts must be started as a worker thread');
const greet = (greeting: WorkerGreeting<GuardFacts>): void => port.postMessage(greeting);

const { folder, options } = workerData as GuardJob;
const screens = new Map<number, OutputScreen>();

try {
  const guard = await openClassifierGuard(folder, options);
  const { name, thresholds = {}, file } = guard;
  port.on('message', (message: ToGuard) => void take(guard, message));
  greet({ kind: 'ready', facts: { name, thresholds, file } });
} catch (error) {
  greet({ kind: 'unusable', error: sendableError(error) });
}

async function take(guard: ClassifierGuard, message: ToGuard): Promise<void> {
  if (message.kind === 'forget') {
    screens.get(message.screen)?.close();
    screens.delete(message.screen);
  } else if (message.kind === 'close') {
    await guard.close();
    port!.close();
  } else {
    await answerCall(port!, message.id, () => answer(guard, message));
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
