/** Tasks in the database. */
import type { Database } from '../../store/index.ts';
import type { LabelTask } from './label-task.ts';
import { isTest } from './test-project.ts';

const rowsPerPage = 500;

export async function readTask(database: Database, id: string): Promise<LabelTask | null> {
  const row = await database.read((db) =>
    db.selectFrom('label_task').select('content').where('id', '=', id).executeTakeFirst(),
  );
  return row ? (JSON.parse(row.content) as LabelTask) : null;
}

/** Adds tasks that are not there yet. @returns how many were new */
export async function insertTasks(database: Database, tasks: readonly LabelTask[]): Promise<number> {
  const rows = tasks.map((task) => ({
    ...{ id: task.id, project: task.project, content: JSON.stringify(task), created_at: Date.now() },
  }));
  const { numInsertedOrUpdatedRows } = await database.write((transaction) =>
    transaction
      .insertInto('label_task')
      .values(rows)
      .onConflict((conflict) => conflict.column('id').doNothing())
      .executeTakeFirstOrThrow(),
  );
  return Number(numInsertedOrUpdatedRows ?? 0);
}

export async function* readTasks(
  database: Database,
  project: string,
): AsyncGenerator<LabelTask, void, undefined> {
  for (let after = 0; ; ) {
    const rows = await database.read((db) =>
      db
        .selectFrom('label_task')
        .select(['position', 'content'])
        .where('project', '=', project)
        .where('position', '>', after)
        .orderBy('position')
        .limit(rowsPerPage)
        .execute(),
    );
    for (const { content } of rows) yield JSON.parse(content) as LabelTask;
    if (rows.length < rowsPerPage) return;
    after = rows[rows.length - 1].position;
  }
}

export async function countTasks(database: Database, project: string): Promise<number> {
  const { count } = await database.read((db) =>
    db
      .selectFrom('label_task')
      .where('project', '=', project)
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow(),
  );
  return Number(count);
}

/** Projects with tasks, by name; their qualification tests are not among them. */
export async function labelProjects(database: Database): Promise<string[]> {
  const rows = await database.read((db) =>
    db.selectFrom('label_task').select('project').distinct().orderBy('project').execute(),
  );
  return rows.map(({ project }) => project).filter((project) => !isTest(project));
}
