/** Tasks in the database. */
import type { Database } from '../../store/index.ts';
import type { LabelTask } from './label-task.ts';

const rowsPerPage = 500;

export async function readTask(database: Database, id: string): Promise<LabelTask | null> {
  const row = await database.read((db) =>
    db.selectFrom('label_task').select('content').where('id', '=', id).executeTakeFirst(),
  );
  return row ? (JSON.parse(row.content) as LabelTask) : null;
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

/** Projects with tasks, by name. */
export async function labelProjects(database: Database): Promise<string[]> {
  const rows = await database.read((db) =>
    db.selectFrom('label_task').select('project').distinct().orderBy('project').execute(),
  );
  return rows.map(({ project }) => project);
}
