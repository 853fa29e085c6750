/** Ctrl-C: the first asks the command to save and stop, the second ends the process at once. */

/**
 * Launchers such as npm and tsx pass on a Ctrl-C that the terminal has already sent to their child, so the
 * second signal counts only after this long.
 */
const SAME_REQUEST_MS = 500;

const defaultNotice = 'Stopping: this step is finished and saved first. Once more to stop at once.';

let controller: AbortController | undefined;
let notice = defaultNotice;
let askedAt = 0;

/**
 * The signal of this process's interruption. Handlers are installed at the first call, so that commands
 * which never ask for it still end at the first Ctrl-C.
 * @param saying what the user is told at the first Ctrl-C
 */
export function interruptSignal(saying: string = defaultNotice): AbortSignal {
  notice = saying;
  if (!controller) {
    controller = new AbortController();
    process.on('SIGINT', interrupt);
    process.on('SIGTERM', interrupt);
  }
  return controller.signal;
}

/** Waits until the user asks the command to stop. */
export function interrupted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Asks a command that can save and stop to do so; false when none is running. */
export function askToStop(): boolean {
  if (!controller) return false;
  if (!controller.signal.aborted) {
    askedAt = performance.now();
    controller.abort();
  }
  return true;
}

function interrupt(signal: NodeJS.Signals): void {
  if (controller?.signal.aborted) {
    if (performance.now() - askedAt >= SAME_REQUEST_MS) endAtOnce(signal);
    return;
  }
  const clear = process.stderr.isTTY ? '\r\x1b[2K' : '';
  process.stderr.write(`${clear}${notice}\n`);
  askToStop();
}

/**
 * Dies of the signal, as a process without a handler does. Not by `process.exit`: that tears down worker
 * threads, and ONNX Runtime aborts the process when its thread is torn down in the middle of a computation.
 */
function endAtOnce(signal: NodeJS.Signals): void {
  process.emit('exit', 1); // what must be undone at the end still is: a hidden cursor, a lock file
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}
