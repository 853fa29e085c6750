/**
 * The errors Tenet throws on purpose.
 *
 * A message says what was wrong, the value, the rule and the fix. Programs tell kinds apart by `code`,
 * which also works across duplicate installs of the package (`instanceof` does not).
 */

/** What kind of mistake an error reports; decides the exit code of the command line. */
export type ErrorCode =
  | 'usage' // wrong option, recipe or call; exit code 2
  | 'data' // bad record in a file; exit code 2
  | 'model' // unreadable, unknown or damaged model folder; exit code 2
  | 'shape' // tensor shapes that do not fit; a mistake in code that builds graphs
  | 'preflight' // the run was refused because it could not learn; exit code 2
  | 'training' // training broke down (NaN, divergence); exit code 1
  | 'provider' // a language model that cannot be reached or refuses; exit code 1
  | 'budget' // stopped before the budget would be exceeded; exit code 1
  | 'store' // a database that cannot be opened, or a ledger that has been tampered with; exit code 1
  | 'interrupted' // stopped by the user after saving; exit code 130
  | 'internal'; // a state that should be impossible

export class TenetError extends Error {
  readonly code: ErrorCode;
  /** Machine-readable facts behind the message (file, line, field, shapes …). */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    options: { details?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'TenetError';
    this.code = code;
    this.details = options.details ?? {};
  }

  /** True for any Tenet error, also one thrown by another copy of the package. */
  static is(error: unknown): error is TenetError {
    return error instanceof Error && error.name === 'TenetError' && 'code' in error;
  }
}

/** The exit code for an error: 2 wrong use or input, 130 interrupted after saving, 1 anything else. */
export function exitCodeOf(error: unknown): number {
  if (!TenetError.is(error)) return 1;
  if (error.code === 'interrupted') return 130;
  return ['usage', 'data', 'model', 'preflight'].includes(error.code) ? 2 : 1;
}

/** The known name nearest to `name` by edit distance, or undefined when none is near enough to suggest. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Levenshtein distance between two strings. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      current[j] = Math.min(previous[j] + 1, current[j - 1] + 1, substitution);
    }
    previous = current;
  }
  return previous[b.length];
}
