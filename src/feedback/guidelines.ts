/** Guidelines of label projects: Markdown by version. A version that labels refer to never changes. */
import type { Database } from '../store/index.ts';
import { readSetting } from './settings.ts';

export interface Guideline {
  readonly version: string;
  /** Markdown. */
  readonly text: string;
}

/** @param version default: the newest; null when there is none */
export async function readGuideline(
  database: Database,
  project: string,
  version?: string,
): Promise<Guideline | null> {
  const wanted = version ?? (await readSetting<string>(database, newestName(project)));
  if (wanted === null) return null;
  const text = await readSetting<string>(database, guidelineName(project, wanted));
  return text === null ? null : { version: wanted, text };
}

/** @returns false, and nothing is changed, when the version is there with another text */
export function writeGuideline(
  database: Database,
  project: string,
  { version, text }: Guideline,
): Promise<boolean> {
  return database.write(async (transaction) => {
    const add = (name: string, value: string) =>
      transaction.insertInto('setting').values({ name, value: JSON.stringify(value) });
    await add(guidelineName(project, version), text)
      .onConflict((conflict) => conflict.column('name').doNothing())
      .execute();
    const row = await transaction
      .selectFrom('setting')
      .select('value')
      .where('name', '=', guidelineName(project, version))
      .executeTakeFirstOrThrow();
    if (JSON.parse(row.value) !== text) return false;
    await add(newestName(project), version)
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ value: JSON.stringify(version) }))
      .execute();
    return true;
  });
}

function guidelineName(project: string, version: string): string {
  return `guideline ${JSON.stringify([project, version])}`;
}

function newestName(project: string): string {
  return `newest guideline ${JSON.stringify(project)}`;
}
