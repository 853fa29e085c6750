/** Every suite by name. */
import { nearest, TenetError } from '../base/index.ts';
import type { Suite } from './suite.ts';
import { attackSuite } from './suites/attack-success.ts';
import { personaSuite, sycophancySuite } from './suites/behaviours.ts';
import { harmGradingSuite } from './suites/harm-grading.ts';
import { hhhSuite } from './suites/hhh.ts';
import { knownAnswersSuite } from './suites/known-answers.ts';
import { overRefusalSuite } from './suites/over-refusal.ts';
import { plainTextSuite } from './suites/plain-text.ts';
import { suggestedAnswersSuite } from './suites/suggested-answers.ts';

/** Suites over published data files, in the order in which they are shown. */
export const publishedSuites: readonly Suite[] = [
  hhhSuite,
  overRefusalSuite,
  attackSuite,
  harmGradingSuite,
  personaSuite,
  sycophancySuite,
  suggestedAnswersSuite,
  knownAnswersSuite,
  plainTextSuite,
];

/**
 * @param names as on the command line
 * @throws TenetError('usage') for a name that is none, with the nearest
 */
export function suitesNamed(names: readonly string[], known: readonly Suite[] = publishedSuites): Suite[] {
  return names.map((name) => {
    const found = known.find((suite) => suite.name === name);
    if (found) return found;
    const all = known.map((suite) => suite.name);
    const near = nearest(name, all);
    throw new TenetError(
      'usage',
      `There is no suite "${name}"${near ? `; did you mean ${near}?` : '.'} Suites: ${all.join(', ')}.`,
    );
  });
}
