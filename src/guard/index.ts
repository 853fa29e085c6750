/** The guard: what screens conversations before, while and after a model answers. */

export {
  type AnswerReport,
  Exchange,
  type ExchangeOptions,
  type ExchangeReport,
  type GuardObserver,
  type Outcome,
  type RequestFacts,
} from './enforce/exchange.ts';
export { GuardedAnswer, type GuardedAnswerOptions, type Piece } from './enforce/guarded-answer.ts';
export { ScreeningFailure } from './enforce/screening-failure.ts';
export { isNear, type Verdict, verdictOf, type Where } from './enforce/verdict.ts';
export { type KeywordList, keywordGuard } from './keywords.ts';
export { CaseLedger, type CaseLedgerOptions } from './ledger/case-ledger.ts';
export { casesOf, type GuardCase, taskOf, type Why } from './ledger/guard-case.ts';
export { type GuardRecord, guardRecords } from './ledger/guard-records.ts';
export { AuditLog, type AuditLogOptions } from './observe/audit-log.ts';
export { GuardMetrics } from './observe/metrics.ts';
export {
  type GuardPolicy,
  type GuardPolicyInput,
  type GuardRules,
  policySchema,
  rulesFor,
  type Thresholds,
} from './policy/policy.ts';
export { parsePolicy, readPolicy, toPolicy } from './policy/read-policy.ts';
export type { GuardMessage, GuardModel, OutputScreen, Screening } from './screen.ts';
export type { Conversations } from './wire/conversation.ts';
export { chatDialect, completionDialect, type Dialect } from './wire/dialect.ts';
export { guardResponse, refuseInput } from './wire/guard-response.ts';
export type { GuardedCall, ReadLimits } from './wire/guarded-call.ts';
export { refuseUnreadable } from './wire/texts.ts';
export { guardUnavailable, unreadable, WireError, type WireErrorBody } from './wire/wire-error.ts';
