export type { CallCache, CallMeta, CallTotals } from './call-cache.ts';
export type { Database, StoreDialect } from './database.ts';
export { ledgerFields } from './ledger/check-event.ts';
export type { LedgerSummary } from './ledger/summarise.ts';
export type { EventFilter, Ledger, LedgerCheck, LedgerDigest, LedgerHead, ReadOptions } from './ledger.ts';
export type {
  EventContent,
  EventKind,
  EventUsage,
  Flag,
  Item,
  ItemResponse,
  Judge,
  LedgerEvent,
  NewEvent,
  Prompt,
} from './ledger-event.ts';
export {
  checkSelection,
  type LedgerSelection,
  ledgerSelectionSchema,
  readSelectionFile,
  type SelectionCheck,
  SelectionRecorder,
  selectFromLedger,
  writeSelectionFile,
} from './ledger-selection.ts';
export { copyStore, openStore } from './open-store.ts';
export type { OpenStoreOptions, Store, StoreTransaction } from './store.ts';
export { redactUrl } from './store-url.ts';
export type { Tables } from './tables.ts';
export type {
  ClaimOptions,
  DeliverOptions,
  Delivery,
  Lease,
  NewWorkItem,
  Work,
  WorkItem,
  WorkQueue,
  WorkStatus,
} from './work-queue.ts';
