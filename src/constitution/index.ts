/** The constitution: the document, its linter, critique and revision, comparison, analytics. */
export {
  type ComparisonExample,
  type Constitution,
  type CritiqueExample,
  type Origin,
  type Principle,
  placeOfPrinciple,
  principlesFor,
  type Section,
  tierOf,
  type Use,
} from './constitution.ts';
export { contentHash, principleHash, shortHash } from './content-hash.ts';
export { CATEGORIES, type Category } from './lint/categories.ts';
export type { Finding, Severity } from './lint/finding.ts';
export { LINT_RULES, lintConstitution } from './lint/lint.ts';
export { DEFAULT_CONSTITUTION, loadConstitution, parseConstitution } from './load-constitution.ts';
