/** How far a project's labels have come, counted from the queue. */
import { sql } from 'kysely';
import type { Database } from '../../store/index.ts';
import type { Purpose } from './places.ts';
import { countTasks } from './task-table.ts';

export interface LabelProgress {
  readonly tasks: number;
  /** Tasks that have all the labels wanted. */
  readonly complete: number;
  /** Tasks that nobody is asked for any more, with fewer labels than wanted, because too many have skipped them. */
  readonly skipped: number;
  /** Labels wanted, those there are included. */
  readonly wanted: number;
  readonly labels: number;
  /** Tasks that are given out now. */
  readonly leased: number;
  readonly skips: number;
  readonly adjudications: { readonly waiting: number; readonly done: number };
  /** Who has labelled, most labels first. */
  readonly annotators: readonly { readonly id: string; readonly labels: number; readonly skips: number }[];
}

export async function progressOf(
  database: Database,
  project: string,
  queues: Readonly<Record<Purpose, string>>,
): Promise<LabelProgress> {
  const [tasks, byTask, leased, byAnnotator, adjudications] = await Promise.all([
    countTasks(database, project),
    database.read(async (db) => {
      const { rows } = await sql<TaskCounts>`
        select
          sum(case when pending = 0 and labels > 0 then 1 else 0 end) as complete,
          sum(case when pending = 0 and labels = 0 then 1 else 0 end) as skipped,
          sum(pending + labels) as wanted, sum(labels) as labels, sum(skips) as skips
        from (
          select
            sum(case when status in ('waiting', 'leased') then 1 else 0 end) as pending,
            sum(case when status = 'done' then 1 else 0 end) as labels,
            sum(case when status = 'failed' then 1 else 0 end) as skips
          from work_item where queue = ${queues.label} group by group_key
        ) as places
      `.execute(db);
      return rows[0];
    }),
    database.read((db) =>
      db
        .selectFrom('work_item')
        .where('queue', '=', queues.label)
        .where('status', '=', 'leased')
        // Leases that have ended stay as they are until somebody asks for a task.
        .where('lease_expires_at', '>', Date.now())
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow(),
    ),
    database.read(async (db) => {
      const { rows } = await sql<{ id: string; labels: number; skips: number }>`
        select owner as id,
          sum(case when status = 'done' then 1 else 0 end) as labels,
          sum(case when status = 'failed' then 1 else 0 end) as skips
        from work_item where queue = ${queues.label} and owner is not null
        group by owner order by 2 desc, owner
      `.execute(db);
      return rows.filter(({ labels, skips }) => Number(labels) + Number(skips) > 0);
    }),
    database.read((db) =>
      db
        .selectFrom('work_item')
        .where('queue', '=', queues.adjudication)
        .groupBy('status')
        .select(({ fn }) => ['status', fn.countAll<number>().as('count')])
        .execute(),
    ),
  ]);
  const count = (status: string): number =>
    Number(adjudications.find((row) => row.status === status)?.count ?? 0);
  return {
    tasks,
    complete: Number(byTask.complete ?? 0),
    skipped: Number(byTask.skipped ?? 0),
    wanted: Number(byTask.wanted ?? 0),
    labels: Number(byTask.labels ?? 0),
    leased: Number(leased.count),
    skips: Number(byTask.skips ?? 0),
    adjudications: { waiting: count('waiting') + count('leased'), done: count('done') },
    annotators: byAnnotator.map(({ id, labels, skips }) => ({
      id,
      labels: Number(labels),
      skips: Number(skips),
    })),
  };
}

/** `LabelQueue.passedOver`. @param queue of places for labels */
export async function passedOverIn(database: Database, queue: string): Promise<Set<string>> {
  const { rows } = await database.read((db) =>
    sql<{ task: string }>`
      select group_key as task from work_item where queue = ${queue} group by group_key
      having sum(case when status in ('waiting', 'leased') then 1 else 0 end) > 0
        and sum(case when status = 'leased' and lease_expires_at > ${Date.now()} then 1 else 0 end) = 0
        and sum(case when status = 'failed' then 1 else 0 end) > 0
        and count(distinct case when status in ('done', 'failed') then owner end) >= (
          select count(distinct owner) from work_item where queue = ${queue} and status in ('done', 'failed')
        )
    `.execute(db),
  );
  return new Set(rows.map(({ task }) => task));
}

/** Sums come as texts from PostgreSQL, and as null where there is nothing. */
type TaskCounts = Record<'complete' | 'skipped' | 'wanted' | 'labels' | 'skips', number | string | null>;
