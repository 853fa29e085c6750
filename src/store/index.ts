export type { CallCache, CallMeta, CallTotals } from './call-cache.ts';
export type { EventFilter, Ledger, LedgerCheck, LedgerDigest, LedgerHead } from './ledger.ts';
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
export { type OpenStoreOptions, openStore, type Store } from './open-store.ts';
export type {
  ClaimOptions,
  Lease,
  NewWorkItem,
  WorkItem,
  WorkQueue,
  WorkStatus,
} from './work-queue.ts';
