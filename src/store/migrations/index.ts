/**
 * Every migration, by name in the order applied. A released one is never changed: what comes later is a new file.
 */
import type { Migration } from 'kysely';
import type { StoreDialect } from '../database.ts';
import { createLedger } from './001-ledger.ts';
import { createModelCalls } from './002-model-calls.ts';
import { createWorkItems } from './003-work-items.ts';
import { createLabelTasks } from './004-label-tasks.ts';
import { createAccounts } from './005-accounts.ts';

export function migrationsFor(dialect: StoreDialect): Record<string, Migration> {
  return {
    '001-ledger': createLedger(dialect),
    '002-model-calls': createModelCalls(),
    '003-work-items': createWorkItems(dialect),
    '004-label-tasks': createLabelTasks(dialect),
    '005-accounts': createAccounts(dialect),
  };
}
