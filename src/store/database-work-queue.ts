/** Work queues in a database. */
import { randomUUID } from 'node:crypto';
import type { Transaction } from 'kysely';
import { type Json, TenetError } from '../base/index.ts';
import type { Database } from './database.ts';
import type { Tables, WorkItemTable } from './tables.ts';
import type {
  ClaimOptions,
  Delivery,
  Lease,
  NewWorkItem,
  Work,
  WorkItem,
  WorkQueue,
  WorkStatus,
} from './work-queue.ts';

const rowsPerStatement = 500;
const defaultLeaseMs = 10 * 60_000;
const defaultMaxAttempts = 3;

export class DatabaseWorkQueue implements WorkQueue {
  readonly name: string;
  private readonly database: Database;

  constructor(database: Database, name: string) {
    this.database = database;
    this.name = name;
  }

  add(items: readonly NewWorkItem[]): Promise<number> {
    const rows = items.map((item) => this.toRow(item));
    return this.database.write(async (transaction) => {
      let added = 0;
      for (let i = 0; i < rows.length; i += rowsPerStatement) {
        const { numInsertedOrUpdatedRows } = await transaction
          .insertInto('work_item')
          .values(rows.slice(i, i + rowsPerStatement))
          .onConflict((conflict) => conflict.columns(['queue', 'id']).doNothing())
          .executeTakeFirstOrThrow();
        added += Number(numInsertedOrUpdatedRows ?? 0);
      }
      return added;
    });
  }

  claim(options: ClaimOptions): Promise<Lease[]> {
    const { limit = 1, oncePerGroup = false } = options;
    return this.database.write(async (transaction) => {
      if (oncePerGroup) await this.database.lock(transaction, `queue ${this.name} ${options.owner}`);
      await this.endLeases(transaction);
      const leases: Lease[] = [];
      while (leases.length < limit) {
        // One by one, so that the second item cannot be of the first one's group.
        const size = oncePerGroup ? 1 : limit;
        const claimed = await this.claimNext(transaction, options, size);
        leases.push(...claimed);
        if (claimed.length < size || !oncePerGroup) break;
      }
      return leases;
    });
  }

  async held(owner: string): Promise<Lease[]> {
    const rows = await this.database.read((db) =>
      db
        .selectFrom('work_item')
        .select(['id', 'payload', 'attempts', 'lease_expires_at', 'token'])
        .where('queue', '=', this.name)
        .where('owner', '=', owner)
        .where('status', '=', 'leased')
        .where('lease_expires_at', '>', Date.now())
        .orderBy('priority', 'desc')
        .orderBy('position')
        .execute(),
    );
    return rows.map(({ id, payload, attempts, lease_expires_at, token }) => ({
      id,
      payload: JSON.parse(payload) as Json,
      owner,
      attempt: attempts,
      expiresAt: lease_expires_at!,
      token: token!,
    }));
  }

  async extend(lease: Lease, leaseMs: number): Promise<Lease> {
    const expiresAt = Date.now() + leaseMs;
    await this.change(lease, { status: 'leased', owner: lease.owner, lease_expires_at: expiresAt });
    return { ...lease, expiresAt };
  }

  async complete(lease: Lease, result: Json = null): Promise<void> {
    await this.change(
      lease,
      {
        status: 'done',
        result: JSON.stringify(result),
        error: null,
        owner: lease.owner,
        lease_expires_at: null,
      },
      'done',
    );
  }

  async fail(
    lease: Lease,
    reason: string,
    { retryInMs = 0, final = false }: { readonly retryInMs?: number; readonly final?: boolean } = {},
  ): Promise<void> {
    await this.change(lease, ({ attempts, max_attempts }) => ({
      status: final || isUsedUp(attempts, max_attempts) ? 'failed' : 'waiting',
      available_at: Date.now() + retryInMs,
      error: reason,
      ...unowned,
    }));
  }

  async release(lease: Lease): Promise<void> {
    await this.change(lease, ({ attempts }) => ({ status: 'waiting', attempts: attempts - 1, ...unowned }));
  }

  deliver(group: string, owner: string, result: Json, status: 'done' | 'failed' = 'done'): Promise<Delivery> {
    return this.database.write(async (transaction) => {
      await this.database.lock(transaction, `queue ${this.name} group ${group}`);
      const rows = await transaction
        .selectFrom('work_item')
        .selectAll()
        .where('queue', '=', this.name)
        .where('group_key', '=', group)
        .orderBy('position')
        .$if(this.database.dialect === 'postgres', (query) => query.forUpdate())
        .execute();
      const own = rows.filter((row) => row.owner === owner);
      if (own.some((row) => isFinished(row.status))) {
        throw new TenetError('store', `${owner} has finished ${group} of queue ${this.name} already.`, {
          details: { group, owner },
        });
      }
      if (rows.length === 0) {
        throw new TenetError('store', `there is no ${group} in queue ${this.name}.`, { details: { group } });
      }
      const taken = own[0] ?? rows.find(({ status }) => status === 'waiting');
      const done = { status, result: JSON.stringify(result), owner, ...nothingPending };
      if (taken) {
        await transaction.updateTable('work_item').set(done).where('position', '=', taken.position).execute();
        return { id: taken.id, item: own.length > 0 ? 'own' : 'waiting' };
      }
      const { position: _, ...last } = rows[rows.length - 1];
      const id = `${group}/${randomUUID()}`;
      await transaction
        .insertInto('work_item')
        .values({ ...last, id, ...done, attempts: 1 })
        .execute();
      return { id, item: 'extra' };
    });
  }

  deliverAll(works: readonly Work[]): Promise<(Delivery | null)[]> {
    return this.database.write(async (transaction) => {
      const deliveries: (Delivery | null)[] = [];
      for (const some of chunks(works)) deliveries.push(...(await this.deliverSome(transaction, some)));
      return deliveries;
    });
  }

  private async deliverSome(
    transaction: Transaction<Tables>,
    works: readonly Work[],
  ): Promise<(Delivery | null)[]> {
    // In one order everywhere, so that two processes cannot wait for each other.
    const groups = [...new Set(works.map(({ group }) => group))].sort();
    for (const group of groups) await this.database.lock(transaction, `queue ${this.name} group ${group}`);
    const rows = await transaction
      .selectFrom('work_item')
      .select(['position', 'id', 'group_key', 'owner', 'status'])
      .where('queue', '=', this.name)
      .where('group_key', 'in', groups)
      .orderBy('position')
      .$if(this.database.dialect === 'postgres', (query) => query.forUpdate())
      .execute();
    type Known = { position: number | null; id: string; owner: string | null; status: WorkStatus };
    const byGroup = new Map<string, Known[]>(groups.map((group) => [group, []]));
    for (const { group_key, ...row } of rows) byGroup.get(group_key!)!.push(row);
    const added: Omit<WorkItemTable, 'position'>[] = [];
    const deliveries: (Delivery | null)[] = [];
    for (const { group, owner, payload, result } of works) {
      const known = byGroup.get(group)!;
      const own = known.find((row) => row.owner === owner);
      if (own && isFinished(own.status)) {
        deliveries.push(null);
        continue;
      }
      const done = { status: 'done' as const, result: JSON.stringify(result), owner, ...nothingPending };
      const taken = own ?? known.find(({ status }) => status === 'waiting');
      if (taken) {
        const place = taken.position!;
        await transaction.updateTable('work_item').set(done).where('position', '=', place).execute();
        Object.assign(taken, { owner, status: 'done' });
        deliveries.push({ id: taken.id, item: own ? 'own' : 'waiting' });
      } else {
        const id = `${group}/${randomUUID()}`;
        const row = this.toRow({ id, group, payload, maxAttempts: null });
        added.push({ ...row, ...done, attempts: 1 });
        known.push({ position: null, id, owner, status: 'done' });
        deliveries.push({ id, item: 'extra' });
      }
    }
    if (added.length > 0) await transaction.insertInto('work_item').values(added).execute();
    return deliveries;
  }

  reopen(group: string, owner: string): Promise<boolean> {
    return this.database.write(async (transaction) => {
      const { numUpdatedRows } = await transaction
        .updateTable('work_item')
        .set({ status: 'waiting', attempts: 0, result: null, ...unowned })
        .where('queue', '=', this.name)
        .where('group_key', '=', group)
        .where('owner', '=', owner)
        .where('status', 'in', ['done', 'failed'])
        .executeTakeFirstOrThrow();
      return numUpdatedRows > 0;
    });
  }

  remove(ids: readonly string[]): Promise<number> {
    return this.database.write(async (transaction) => {
      let removed = 0;
      for (const some of chunks(ids)) {
        const { numDeletedRows } = await transaction
          .deleteFrom('work_item')
          .where('queue', '=', this.name)
          .where('status', '=', 'waiting')
          .where('id', 'in', some)
          .executeTakeFirstOrThrow();
        removed += Number(numDeletedRows);
      }
      return removed;
    });
  }

  retry(ids?: readonly string[]): Promise<number> {
    return this.database.write(async (transaction) => {
      let changed = 0;
      for (const some of ids === undefined ? [undefined] : chunks(ids)) {
        const { numUpdatedRows } = await transaction
          .updateTable('work_item')
          .set({ status: 'waiting', attempts: 0, available_at: Date.now() })
          .where('queue', '=', this.name)
          .where('status', '=', 'failed')
          .$if(some !== undefined, (query) => query.where('id', 'in', some!))
          .executeTakeFirstOrThrow();
        changed += Number(numUpdatedRows);
      }
      return changed;
    });
  }

  prioritise(priorities: ReadonlyMap<string, number>, by: 'id' | 'group' = 'id'): Promise<number> {
    return this.database.write(async (transaction) => {
      let changed = 0;
      // In one order everywhere, so that two processes cannot wait for each other.
      for (const [id, priority] of [...priorities].sort(([a], [b]) => (a < b ? -1 : 1))) {
        const { numUpdatedRows } = await transaction
          .updateTable('work_item')
          .set({ priority })
          .where('queue', '=', this.name)
          .where(by === 'id' ? 'id' : 'group_key', '=', id)
          .executeTakeFirstOrThrow();
        changed += Number(numUpdatedRows);
      }
      return changed;
    });
  }

  async get(id: string): Promise<WorkItem | null> {
    const row = await this.database.read((db) =>
      db
        .selectFrom('work_item')
        .selectAll()
        .where('queue', '=', this.name)
        .where('id', '=', id)
        .executeTakeFirst(),
    );
    return row ? toItem(row) : null;
  }

  async *read(
    filter: { readonly status?: WorkStatus; readonly group?: string } = {},
  ): AsyncGenerator<WorkItem, void, undefined> {
    for (let after = 0; ; ) {
      const rows = await this.database.read((db) =>
        db
          .selectFrom('work_item')
          .selectAll()
          .where('queue', '=', this.name)
          .where('position', '>', after)
          .$if(filter.status !== undefined, (query) => query.where('status', '=', filter.status!))
          .$if(filter.group !== undefined, (query) => query.where('group_key', '=', filter.group!))
          .orderBy('position')
          .limit(rowsPerStatement)
          .execute(),
      );
      for (const row of rows) yield toItem(row);
      if (rows.length < rowsPerStatement) return;
      after = rows.at(-1)!.position;
    }
  }

  async counts(): Promise<Readonly<Record<WorkStatus, number>>> {
    const rows = await this.database.read((db) =>
      db
        .selectFrom('work_item')
        .where('queue', '=', this.name)
        .groupBy('status')
        .select(({ fn }) => ['status', fn.countAll<number>().as('count')])
        .execute(),
    );
    return {
      ...{ waiting: 0, leased: 0, done: 0, failed: 0 },
      ...Object.fromEntries(rows.map(({ status, count }) => [status, count])),
    };
  }

  /** Frees items whose lease has ended. The token stays: whoever comes late may still finish what nobody has taken. */
  private async endLeases(transaction: Transaction<Tables>): Promise<void> {
    await transaction
      .updateTable('work_item')
      .set(({ eb }) => ({
        status: eb
          .case()
          .when(eb('max_attempts', 'is not', null).and(eb('attempts', '>=', eb.ref('max_attempts'))))
          .then('failed' as const)
          .else('waiting' as const)
          .end(),
        error: 'the lease ended and nothing was heard of it',
        owner: null,
        lease_expires_at: null,
      }))
      .where('queue', '=', this.name)
      .where('status', '=', 'leased')
      .where('lease_expires_at', '<=', Date.now())
      .execute();
  }

  private async claimNext(
    transaction: Transaction<Tables>,
    { owner, leaseMs = defaultLeaseMs, audiences = [], oncePerGroup = false }: ClaimOptions,
    limit: number,
  ): Promise<Lease[]> {
    // The next items of each audience, found through the index, and of those the first.
    const candidates: NextItem[] = [];
    for (const audience of [null, ...new Set(audiences)]) {
      candidates.push(...(await this.nextOf(transaction, audience, { owner, oncePerGroup }, limit)));
    }
    candidates.sort((a, b) => b.priority - a.priority || a.position - b.position);
    const expiresAt = Date.now() + leaseMs;
    const leases: Lease[] = [];
    for (const { position, id, payload, attempts } of candidates.slice(0, limit)) {
      const token = randomUUID();
      const attempt = attempts + 1;
      await transaction
        .updateTable('work_item')
        .set({ status: 'leased', owner, token, lease_expires_at: expiresAt, attempts: attempt })
        .where('position', '=', position)
        .execute();
      leases.push({ id, payload: JSON.parse(payload) as Json, owner, attempt, expiresAt, token });
    }
    return leases;
  }

  private nextOf(
    transaction: Transaction<Tables>,
    audience: string | null,
    { owner, oncePerGroup }: { readonly owner: string; readonly oncePerGroup: boolean },
    limit: number,
  ): Promise<NextItem[]> {
    return transaction
      .selectFrom('work_item as item')
      .select(['item.position', 'item.priority', 'item.id', 'item.payload', 'item.attempts'])
      .where('item.queue', '=', this.name)
      .where('item.status', '=', 'waiting')
      .where('item.audience', audience === null ? 'is' : '=', audience)
      .where('item.available_at', '<=', Date.now())
      .$if(oncePerGroup, (query) =>
        // A lookup for each candidate until one is free. As NOT EXISTS, PostgreSQL may take it for a join with
        // everything that the owner has had.
        query.where(
          ({ selectFrom }) =>
            selectFrom('work_item as other')
              .select('other.position')
              .where('other.queue', '=', this.name)
              .where('other.owner', '=', owner)
              .whereRef('other.group_key', '=', 'item.group_key')
              .limit(1),
          'is',
          null,
        ),
      )
      .orderBy('item.priority', 'desc')
      .orderBy('item.position')
      .limit(limit)
      .$if(this.database.dialect === 'postgres', (query) => query.forUpdate('item').skipLocked())
      .execute();
  }

  /**
   * Changes the item of a lease that is still the newest one.
   * @param repeated a status in which the same lease has left the item before; then nothing is changed
   */
  private async change(
    lease: Lease,
    to: ItemChange | ((row: Pick<WorkItemTable, 'attempts' | 'max_attempts'>) => ItemChange),
    repeated?: WorkStatus,
  ): Promise<void> {
    await this.database.write(async (transaction) => {
      const row = await transaction
        .selectFrom('work_item')
        .select(['position', 'status', 'token', 'owner', 'attempts', 'max_attempts'])
        .where('queue', '=', this.name)
        .where('id', '=', lease.id)
        .$if(this.database.dialect === 'postgres', (query) => query.forUpdate())
        .executeTakeFirst();
      const isNewest = row?.token === lease.token;
      if (isNewest && row.status === repeated) return;
      if (!isNewest || row.status === 'done') throw this.leaseLost(lease, row);
      await transaction
        .updateTable('work_item')
        .set(typeof to === 'function' ? to(row) : to)
        .where('position', '=', row.position)
        .execute();
    });
  }

  private leaseLost(lease: Lease, row: Pick<WorkItemTable, 'status' | 'owner'> | undefined): TenetError {
    const now =
      row === undefined ? 'not there' : `${row.status}${row.owner === null ? '' : ` (${row.owner})`}`;
    return new TenetError(
      'store',
      `item ${lease.id} of queue ${this.name} is no longer ${lease.owner}'s: its lease ended ` +
        `${new Date(lease.expiresAt).toISOString()}, and it is now ${now}. Claim again; extend leases of longer work.`,
      { details: { id: lease.id, queue: this.name, status: row?.status ?? null } },
    );
  }

  private toRow(item: NewWorkItem): Omit<WorkItemTable, 'position'> {
    const {
      id,
      payload,
      priority = 0,
      group = null,
      audience = null,
      maxAttempts = defaultMaxAttempts,
    } = item;
    if (!Number.isFinite(priority)) {
      throw new TenetError('usage', `item ${id}: priority ${priority} must be a finite number.`);
    }
    return {
      queue: this.name,
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
}

type NextItem = Pick<WorkItemTable, 'priority' | 'id' | 'payload' | 'attempts'> & {
  readonly position: number;
};
type ItemChange = Partial<Omit<WorkItemTable, 'position'>>;

const nothingPending = { token: null, lease_expires_at: null, error: null } as const;
const unowned = { owner: null, token: null, lease_expires_at: null } as const;

function isFinished(status: WorkStatus): boolean {
  return status === 'done' || status === 'failed';
}

function isUsedUp(attempts: number, maxAttempts: number | null): boolean {
  return maxAttempts !== null && attempts >= maxAttempts;
}

function* chunks<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let i = 0; i < items.length; i += rowsPerStatement) yield items.slice(i, i + rowsPerStatement);
}

function toItem(row: Omit<WorkItemTable, 'position'>): WorkItem {
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
