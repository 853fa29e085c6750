/** Labels that are not finished. */
import type { Database } from '../../store/index.ts';
import type { TimeSpent } from './submission.ts';

export interface Draft extends TimeSpent {
  /** [K] by response. */
  readonly ranks?: readonly (number | null)[];
  readonly flags?: readonly string[];
  readonly rationale?: string;
}

export async function saveDraft(
  database: Database,
  taskId: string,
  annotator: string,
  draft: Draft,
): Promise<void> {
  const row = { content: JSON.stringify(draft), saved_at: Date.now() };
  await database.write((transaction) =>
    transaction
      .insertInto('label_draft')
      .values({ id: draftId(taskId, annotator), ...row })
      .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
      .execute(),
  );
}

export async function readDraft(
  database: Database,
  taskId: string,
  annotator: string,
): Promise<Draft | null> {
  const row = await database.read((db) =>
    db
      .selectFrom('label_draft')
      .select('content')
      .where('id', '=', draftId(taskId, annotator))
      .executeTakeFirst(),
  );
  return row ? (JSON.parse(row.content) as Draft) : null;
}

export async function removeDraft(database: Database, taskId: string, annotator: string): Promise<void> {
  await database.write((transaction) =>
    transaction.deleteFrom('label_draft').where('id', '=', draftId(taskId, annotator)).execute(),
  );
}

function draftId(taskId: string, annotator: string): string {
  return `${taskId} ${annotator}`;
}
