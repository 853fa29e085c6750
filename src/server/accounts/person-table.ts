/** People in the database. */
import type { Database, Tables } from '../../store/index.ts';

export type NewRole = Pick<Tables['invitation'], 'role'> &
  Partial<Pick<Tables['invitation'], 'judge_group' | 'audiences'>>;

/** Gives somebody new what they were invited for. */
export async function giveRole(
  database: Database,
  id: string,
  { role, judge_group = null, audiences = '[]' }: NewRole,
): Promise<void> {
  await database.write((transaction) =>
    transaction.updateTable('person').set({ role, judge_group, audiences }).where('id', '=', id).execute(),
  );
}

export async function endSessions(database: Database, personId: string): Promise<void> {
  await database.write((transaction) =>
    transaction.deleteFrom('person_session').where('person_id', '=', personId).execute(),
  );
}
