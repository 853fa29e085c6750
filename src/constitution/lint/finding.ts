/** What the linter says about a constitution. */
import type { Constitution, Principle } from '../constitution.ts';

export type Severity = 'warning' | 'hint';

export interface Finding {
  /** Name of the rule. */
  readonly rule: string;
  /** `warning`: likely to make labels worse; `hint`: worth a look. */
  readonly severity: Severity;
  /** `file:line`. */
  readonly place: string;
  /** Ids of the principles concerned; none for the document as a whole. */
  readonly principles: readonly string[];
  readonly message: string;
  readonly suggestion: string;
}

/** A rule of the linter: a pure function of the document. */
export interface Rule {
  readonly name: string;
  /** What it looks for and why it matters, in one sentence. */
  readonly about: string;
  /** True: its word lists are English, so it is left out for other languages. */
  readonly english: boolean;
  check(constitution: Constitution): Omit<Finding, 'rule'>[];
}

/** All that a principle says, in one text. */
export function wordingOf(principle: Principle): string {
  const { title, text, critiqueRequest, revisionRequest, comparisonQuestion } = principle;
  return [title, text, critiqueRequest, revisionRequest, comparisonQuestion].filter(Boolean).join(' ');
}

/** Words as a list for people: `a, b and c`. */
export function listOf(items: readonly string[]): string {
  const quoted = items.map((item) => `"${item}"`);
  if (quoted.length < 2) return quoted.join('');
  return `${quoted.slice(0, -1).join(', ')} and ${quoted[quoted.length - 1]}`;
}
