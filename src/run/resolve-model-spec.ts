/** Names of models as users give them: also runs, where a model folder is meant. */
import { exists, TenetError } from '../base/index.ts';
import { isHubName } from '../hub/index.ts';
import { findModel } from './find-model.ts';

/**
 * A name that `openModel` understands. `local:<run folder>` becomes the run's newest language model, and the path of a
 * run or model folder may stand without `local:`; so may a model on the Hub, `hub:owner/name`.
 * @throws TenetError('usage') when a run has no model yet, or for a name without a prefix that is no folder
 */
export async function resolveModelSpec(spec: string): Promise<string> {
  const isWhole = (await exists(spec)) || isHubName(spec);
  if (!isWhole && !spec.includes(':')) {
    throw new TenetError(
      'usage',
      `${spec} does not exist, and it names no model elsewhere. Give a run or model folder, hub:<owner>/<name>, ` +
        'openai:<model>, anthropic:<model> or openai-compatible:<model>@<address>.',
    );
  }
  if (!isWhole && !spec.startsWith('local:')) return spec;
  const { folder } = await findModel(isWhole ? spec : spec.slice('local:'.length));
  return `local:${folder}`;
}
