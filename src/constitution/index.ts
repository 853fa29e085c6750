/** The constitution: the document, its linter, critique and revision, comparison, analytics. */

export type { Answer, ResponsePair } from './compare/ask-comparison.ts';
export { type CompareOptions, compare, pairsOf, type Ranking, rank } from './compare/compare.ts';
export {
  type ComparedItem,
  type CompareJob,
  type CompareJobResult,
  type ComparisonInput,
  type Recheck,
  runCompareJob,
} from './compare/compare-job.ts';
export type { PairSummary } from './compare/events.ts';
export type { PairJudgement, PrincipleJudgement } from './compare/judgement.ts';
export {
  type ComparisonOptions,
  comparisonOptions,
  DEFAULT_CLAMP,
  type ScoreOptions,
  scoreOptions,
} from './compare/options.ts';
export { type SoftPreference, type SoftRanking, softPreferences, softRanking } from './compare/records.ts';
export {
  type Agreement,
  type ComparisonReport,
  type Consistency,
  type LengthBias,
  type PositionBias,
  reportComparisons,
} from './compare/report.ts';
export { type SamplingOptions, sampleResponses } from './compare/sample-responses.ts';
export {
  constitutionReward,
  type Score,
  type ScoreCallOptions,
  type ScoredItem,
  score,
} from './compare/score.ts';
export {
  type ComparisonFiles,
  type WrittenComparisonReport,
  writeComparisons,
} from './compare/write-comparisons.ts';
export {
  type ComparisonExample,
  type Constitution,
  type CritiqueExample,
  type Origin,
  type Principle,
  placeOfPrinciple,
  principleOf,
  principlesFor,
  type Section,
  tierOf,
  type Use,
} from './constitution.ts';
export { contentHash, principleHash, shortHash } from './content-hash.ts';
export { type PromptInput, toMessages } from './conversation.ts';
export type { Answered, Critique, InitialResponse, Revision } from './critique/ask.ts';
export { type Chain, type ChainInput, type Round, runChain } from './critique/chain.ts';
export type { ChainContext } from './critique/chain-steps.ts';
export { type Check, type CheckOptions, check } from './critique/check.ts';
export { critique, type ResponseInput, revise, type SingleOptions } from './critique/critique.ts';
export {
  type CritiqueJob,
  type CritiqueJobResult,
  type CritiqueSummary,
  runCritiqueJob,
  summariseCritiques,
} from './critique/critique-job.ts';
export { FAILURE_KINDS, type FailureKind } from './critique/failures.ts';
export { type CritiqueOptions, critiqueOptions } from './critique/options.ts';
export {
  type DemonstrationRecord,
  demonstrationsFrom,
  type HelpfulResponse,
  type Mix,
  type MixOptions,
  type RevisionPreference,
  revisionPreferences,
} from './critique/records.ts';
export { isBareRefusal } from './critique/refusal.ts';
export { NO_VIOLATION, type Verdict, verdictOf } from './critique/verdict.ts';
export {
  type CritiqueFiles,
  type CritiqueReport,
  type WriteCritiqueOptions,
  writeCritiques,
} from './critique/write-critiques.ts';
export {
  type Bump,
  type ConstitutionDiff,
  type DiffPart,
  diffConstitutions,
  diffWords,
  type FieldChange,
  type PrincipleChange,
} from './diff.ts';
export { type FailedItem, forEachItem } from './for-each.ts';
export { type ConstitutionFormat, formatConstitution } from './format-constitution.ts';
export { describeMissing, type HelpfulResult, helpfulResponses } from './helpful-responses.ts';
export { chainInputsOf, comparisonInputsOf, orderIsNeutral } from './inputs.ts';
export type { Journal } from './journal.ts';
export { CATEGORIES, type Category } from './lint/categories.ts';
export type { Finding, Severity } from './lint/finding.ts';
export {
  type EdgeCase,
  type FoundConflict,
  type FoundGap,
  type JudgeLint,
  type JudgeLintOptions,
  lintWithModel,
} from './lint/judge-lint.ts';
export { LINT_RULES, lintConstitution } from './lint/lint.ts';
export { DEFAULT_CONSTITUTION, loadConstitution, parseConstitution } from './load-constitution.ts';
export { type PrincipleStats, principleStats, type Rechecked, type StatsOptions } from './principle-stats.ts';
export { type SchemaWords, schemaProblems } from './schema-problems.ts';
export { nameOfPath, parseYaml, placeAt, type Source, type SourceProblem } from './source.ts';
export type { Template } from './template.ts';
