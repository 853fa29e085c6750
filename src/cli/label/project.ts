/** Which project a command works on. */
import { Option } from 'commander';
import type { Store } from '../../store/index.ts';

/** What `tenet label create` calls a project that is given no name. */
export const usualProject = 'labels';

/** `--project`, the same in every command that has it. */
export function projectOption(): Option {
  return new Option('-p, --project <name>', 'whose tasks and labels (default: the only project there is)');
}

/**
 * The project named, or the only one with tasks.
 * @throws TenetError('usage') when there is none, or several to choose from
 */
export async function chooseProject(store: Store, given: string | undefined): Promise<string> {
  const [{ labelProjects }, { nearest, TenetError }] = await Promise.all([
    import('../../feedback/index.ts'),
    import('../../base/index.ts'),
  ]);
  const known = await labelProjects(store.database);
  if (given !== undefined && known.includes(given)) return given;
  if (given === undefined && known.length === 1) return known[0];
  if (known.length === 0) {
    throw new TenetError(
      'usage',
      `${store.url} has no label tasks yet. Make some from a file of rankings or preferences: tenet label create FILE`,
    );
  }
  if (given === undefined) {
    throw new TenetError(
      'usage',
      `${store.url} has several projects; name one with --project: ${known.join(', ')}.`,
    );
  }
  const like = nearest(given, known);
  throw new TenetError(
    'usage',
    `${store.url} has no project "${given}"${like === undefined ? '.' : `; did you mean ${like}?`} Known: ${known.join(', ')}.`,
  );
}
