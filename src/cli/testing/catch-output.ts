/** What commands print in this process, for tests. */
import { afterEach, beforeEach, vi } from 'vitest';

export interface Output {
  /** On standard output since the test began, or since it was last emptied. */
  printed: string;
  /** On standard error. */
  warned: string;
}

/** Catches both for every test of the file, and takes back the exit code that a command has set. Call it at the top. */
export function catchOutput(): Output {
  const output: Output = { printed: '', warned: '' };
  beforeEach(() => {
    [output.printed, output.warned] = ['', ''];
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      output.printed += text;
      return true;
    });
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      output.warned += text;
      return true;
    });
  });
  afterEach(() => {
    vi.restoreAllMocks();
    process.exitCode = undefined;
  });
  return output;
}
