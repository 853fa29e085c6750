/** What a policy wants kept of requests: an audit log, cases for people. */
import { TenetError } from '../../base/index.ts';
import type { Store } from '../../store/index.ts';
import type { GuardObserver } from '../enforce/exchange.ts';
import { CaseLedger } from '../ledger/case-ledger.ts';
import type { Why } from '../ledger/guard-case.ts';
import type { GuardPolicy } from '../policy/policy.ts';
import { AuditLog } from './audit-log.ts';
import { Underway } from './underway.ts';

export interface RecordsOptions {
  /** Needed where the policy has a ledger. */
  readonly store?: Store;
  readonly onCase?: (why: Why) => void;
  /** Told of what cannot be written. */
  readonly onFailure: (error: unknown) => void;
}

export interface Records {
  /** Null without a ledger in the policy. */
  readonly cases: CaseLedger | null;
  readonly audit: GuardObserver | null;
  /** Told of every request, so that closing can wait for its report. */
  readonly underway: GuardObserver;
  /** Waits until all that has ended is reported and everything is written. The store stays open. */
  close(): Promise<void>;
}

/** @throws TenetError('usage') for a ledger without a store, or a log that cannot be written */
export async function openRecords(policy: GuardPolicy, options: RecordsOptions): Promise<Records> {
  const { store, onCase, onFailure } = options;
  const { ledger: settings } = policy;
  if (settings && !store) {
    throw new TenetError('usage', 'The policy has a ledger, so the guard needs a store to keep cases in.');
  }
  const audit = policy.audit ? await AuditLog.open({ ...policy.audit, onFailure }) : null;
  const cases = settings && store ? new CaseLedger({ store, settings, onAdded: onCase, onFailure }) : null;
  const underway = new Underway();
  return {
    cases,
    audit,
    underway,
    close: async () => {
      await underway.settled();
      await cases?.settled();
      await audit?.close();
    },
  };
}
