/** Finds in a constitution what the literature warns of, without asking a model. */
import type { Constitution } from '../constitution.ts';
import { conflicts } from './conflicts.ts';
import { balance, coverage, lonelyTier } from './coverage.ts';
import { neverUsed, noVersion } from './document.ts';
import { duplicates } from './duplicates.ts';
import type { Finding, Rule } from './finding.ts';
import { overSpecific } from './over-specific.ts';
import { vagueWords } from './vague-words.ts';
import { invitedRefusal, missingWording, namedOption, presumedFault } from './wording.ts';

/** Every rule, in the order of the documentation. */
export const LINT_RULES: readonly Rule[] = [
  balance,
  vagueWords,
  overSpecific,
  conflicts,
  duplicates,
  coverage,
  lonelyTier,
  missingWording,
  presumedFault,
  invitedRefusal,
  namedOption,
  neverUsed,
  noVersion,
];

/** All findings, in the order of the file. Rules whose words are English are left out for other languages. */
export function lintConstitution(constitution: Constitution): Finding[] {
  const isEnglish = /^en\b/.test(constitution.language);
  return LINT_RULES.filter(({ english }) => isEnglish || !english)
    .flatMap((rule) => rule.check(constitution).map((finding) => ({ rule: rule.name, ...finding })))
    .sort((a, b) => lineOf(a.place) - lineOf(b.place));
}

function lineOf(place: string): number {
  return Number(/:(\d+)$/.exec(place)?.[1] ?? 0);
}
