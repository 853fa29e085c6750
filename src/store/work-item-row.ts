/** Work items as rows and back. */
import { type Json, TenetError } from '../base/index.ts';
import type { WorkItemTable } from './tables.ts';
import type { NewWorkItem, WorkItem, WorkStatus } from './work-queue.ts';

/** A row before the database gives it its place. */
export type NewWorkItemRow = Omit<WorkItemTable, 'position'>;

const defaultMaxAttempts = 3;

export function toRow(queue: string, item: NewWorkItem): NewWorkItemRow {
  const { id, payload, priority = 0, group = null, audience = null, maxAttempts = defaultMaxAttempts } = item;
  if (!Number.isFinite(priority)) {
    throw new TenetError('usage', `item ${id}: priority ${priority} must be a finite number.`);
  }
  return {
    queue,
    id,
    payload: JSON.stringify(payload),
    priority,
    group_key: group,
    audience,
    status: 'waiting',
    available_at: 0,
    attempts: 0,
    max_attempts: maxAttempts,
    owner: null,
    token: null,
    lease_expires_at: null,
    result: null,
    error: null,
  };
}

export function toItem(row: NewWorkItemRow): WorkItem {
  return {
    id: row.id,
    payload: JSON.parse(row.payload) as Json,
    priority: row.priority,
    group: row.group_key,
    audience: row.audience,
    status: row.status,
    attempts: row.attempts,
    maxAttempts: row.max_attempts,
    owner: row.owner,
    result: row.result === null ? null : (JSON.parse(row.result) as Json),
    error: row.error,
  };
}

export function isFinished(status: WorkStatus): boolean {
  return status === 'done' || status === 'failed';
}
