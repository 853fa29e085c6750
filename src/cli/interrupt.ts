/** Ctrl-C: the first asks the command to save and stop, the second ends the process at once. */

let controller: AbortController | undefined;

/**
 * The signal of this process's interruption. Handlers are installed at the first call, so that commands
 * which never ask for it still end at the first Ctrl-C.
 */
export function interruptSignal(): AbortSignal {
  if (!controller) {
    controller = new AbortController();
    process.on('SIGINT', () => interrupt(130));
    process.on('SIGTERM', () => interrupt(143)); // 128 + the signal's number, as shells report it
  }
  return controller.signal;
}

function interrupt(exitCode: number): void {
  if (controller?.signal.aborted) process.exit(exitCode);
  const clear = process.stderr.isTTY ? '\r\x1b[2K' : '';
  process.stderr.write(
    `${clear}Stopping: this step is finished and saved first. Once more to stop at once.\n`,
  );
  controller?.abort();
}
