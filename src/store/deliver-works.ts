/** Keeps work that owners have done on groups, whatever has become of their leases. Within a transaction. */
import { randomUUID } from 'node:crypto';
import type { Transaction } from 'kysely';
import { TenetError } from '../base/index.ts';
import type { Database } from './database.ts';
import type { Tables, WorkItemTable } from './tables.ts';
import { isFinished, type NewWorkItemRow, toRow } from './work-item-row.ts';
import type { DeliverOptions, Delivery, Work } from './work-queue.ts';

/** An item of a group; without a position where it is about to be added. */
type Row = NewWorkItemRow & { readonly position?: number };

/**
 * Each is kept with the owner's own item, else with one that waits, else with a new one.
 * @param options.mustExist true: a group that is not there is refused. Default false: it is made
 * @returns for each what was kept; null for work on a group that its owner had finished before, or somebody else where
 *   only one counts
 */
export async function deliverWorks(
  database: Database,
  transaction: Transaction<Tables>,
  queue: string,
  works: readonly Work[],
  options: DeliverOptions & { readonly mustExist?: boolean } = {},
): Promise<(Delivery | null)[]> {
  const { mustExist = false, status = 'done', once = false } = options;
  const byGroup = await rowsOf(database, transaction, queue, works);
  const added: NewWorkItemRow[] = [];
  const deliveries: (Delivery | null)[] = [];
  for (const { group, owner, payload, result } of works) {
    const rows = byGroup.get(group)!;
    const own = rows.filter((row) => row.owner === owner);
    const isDone = once && own.length === 0 && rows.some((row) => row.status === 'done');
    if (isDone || own.some((row) => isFinished(row.status))) {
      deliveries.push(null);
      continue;
    }
    if (rows.length === 0 && mustExist) {
      throw new TenetError('store', `there is no ${group} in queue ${queue}.`, { details: { group } });
    }
    const done = { status, result: JSON.stringify(result), owner, ...nothingPending };
    const waiting = rows.find((row) => row.status === 'waiting');
    const taken = own[0] ?? waiting ?? (once ? rows.find((row) => row.status === 'leased') : undefined);
    if (taken?.position !== undefined) {
      await transaction.updateTable('work_item').set(done).where('position', '=', taken.position).execute();
      Object.assign(taken, done);
      const item = own.length > 0 ? 'own' : waiting ? 'waiting' : 'leased';
      deliveries.push({ id: taken.id, item });
      continue;
    }
    const id = `${group}/${randomUUID()}`;
    // As the others of its group, for the same audience and as urgent.
    const like: Row = rows.at(-1) ?? toRow(queue, { id, group, payload, maxAttempts: null });
    const { position: _, ...fields } = like;
    const row = { ...fields, id, ...done, attempts: 1 };
    added.push(row);
    rows.push(row);
    deliveries.push({ id, item: 'extra' });
  }
  if (added.length > 0) await transaction.insertInto('work_item').values(added).execute();
  return deliveries;
}

/** What is in the groups; nobody else delivers to them until the transaction ends. */
async function rowsOf(
  database: Database,
  transaction: Transaction<Tables>,
  queue: string,
  works: readonly Work[],
): Promise<Map<string, Row[]>> {
  // In one order everywhere, so that two processes cannot wait for each other.
  const groups = [...new Set(works.map(({ group }) => group))].sort();
  for (const group of groups) await database.lock(transaction, `queue ${queue} group ${group}`);
  const rows = await transaction
    .selectFrom('work_item')
    .selectAll()
    .where('queue', '=', queue)
    .where('group_key', 'in', groups)
    .orderBy('position')
    .$if(database.dialect === 'postgres', (query) => query.forUpdate())
    .execute();
  const byGroup = new Map<string, Row[]>(groups.map((group) => [group, []]));
  for (const row of rows) byGroup.get(row.group_key!)!.push(row);
  return byGroup;
}

const nothingPending = { token: null, lease_expires_at: null, error: null } satisfies Partial<WorkItemTable>;
