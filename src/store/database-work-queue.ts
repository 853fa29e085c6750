/** Work queues in a database. */
import { randomUUID } from 'node:crypto';
import type { Transaction } from 'kysely';
import { type Json, TenetError } from '../base/index.ts';
import type { Database } from './database.ts';
import { deliverWorks } from './deliver-works.ts';
import type { Tables, WorkItemTable } from './tables.ts';
import { toItem, toRow } from './work-item-row.ts';
import type {
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

const rowsPerStatement = 500;
const defaultLeaseMs = 10 * 60_000;

export class DatabaseWorkQueue implements WorkQueue {
  readonly name: string;
  private readonly database: Database;

  constructor(database: Database, name: string) {
    this.database = database;
    this.name = name;
  }

  add(items: readonly NewWorkItem[]): Promise<number> {
    const rows = items.map((item) => toRow(this.name, item));
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
      const audiences = await this.awaitedOf(transaction, options.audiences ?? []);
      const leases: Lease[] = [];
      while (leases.length < limit) {
        // One by one, so that the second item cannot be of the first one's group.
        const size = oncePerGroup ? 1 : limit;
        const claimed = await this.claimNext(transaction, { ...options, audiences }, size);
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

  deliver(group: string, owner: string, result: Json, options: DeliverOptions = {}): Promise<Delivery> {
    return this.database.write(async (transaction) => {
      const works = [{ group, owner, payload: null, result }];
      const [delivery] = await deliverWorks(this.database, transaction, this.name, works, {
        ...options,
        mustExist: true,
      });
      if (delivery !== null) return delivery;
      const by = options.once ? `${owner} or somebody else` : owner;
      throw new TenetError('store', `${by} has finished ${group} of queue ${this.name} already.`, {
        details: { group, owner },
      });
    });
  }

  deliverAll(works: readonly Work[]): Promise<(Delivery | null)[]> {
    return this.database.write(async (transaction) => {
      const deliveries: (Delivery | null)[] = [];
      for (const some of chunks(works)) {
        deliveries.push(...(await deliverWorks(this.database, transaction, this.name, some)));
      }
      return deliveries;
    });
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

  /**
   * Of many audiences those that items wait for, found by leaps through the index: whoever belongs to twenty groups belongs
   * to thousands of audiences, of which a queue has a few.
   */
  private async awaitedOf(
    transaction: Transaction<Tables>,
    audiences: readonly string[],
  ): Promise<readonly string[]> {
    const own = new Set(audiences);
    const awaited: string[] = [];
    let last: string | null = null;
    for (let leaps = 0; leaps < own.size; leaps++) {
      const next: { audience: string | null } | undefined = await transaction
        .selectFrom('work_item')
        .select('audience')
        .where('queue', '=', this.name)
        .where('status', '=', 'waiting')
        .where('audience', last === null ? 'is not' : '>', last)
        .orderBy('audience')
        .limit(1)
        .executeTakeFirst();
      if (next === undefined) return awaited;
      last = next.audience!;
      if (own.has(last)) awaited.push(last);
    }
    return [...own];
  }

  private async claimNext(
    transaction: Transaction<Tables>,
    { owner, leaseMs = defaultLeaseMs, audiences = [], oncePerGroup = false }: ClaimOptions,
    limit: number,
  ): Promise<Lease[]> {
    // The next items of each audience, found through the index, and of those the first.
    const candidates: NextItem[] = [];
    for (const audience of [null, ...audiences]) {
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
}

type NextItem = Pick<WorkItemTable, 'priority' | 'id' | 'payload' | 'attempts'> & {
  readonly position: number;
};
type ItemChange = Partial<Omit<WorkItemTable, 'position'>>;

const unowned = { owner: null, token: null, lease_expires_at: null } as const;

function isUsedUp(attempts: number, maxAttempts: number | null): boolean {
  return maxAttempts !== null && attempts >= maxAttempts;
}

function* chunks<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let i = 0; i < items.length; i += rowsPerStatement) yield items.slice(i, i + rowsPerStatement);
}
