import { Command } from 'commander';
import type { LabelTask, Prioritised } from '../../feedback/index.ts';
import { plural } from '../constitution/text.ts';
import { count } from '../flag-values.ts';
import { globalOptions } from '../global-options.ts';
import { storeOption } from '../store-option.ts';
import { chooseProject, projectOption } from './project.ts';

interface PrioritiseFlags {
  readonly store: string;
  readonly project?: string;
  readonly job?: string;
  readonly reward?: string;
  readonly stage?: string;
  readonly threads?: number;
}

/** By task; undefined where nothing is known. */
type PrioritiesOf = (tasks: readonly LabelTask[]) => Promise<readonly (number | undefined)[]>;

/** `tenet label prioritise`: which open tasks are labelled first. */
export function prioritiseCommand(): Command {
  return new Command('prioritise')
    .alias('prioritize')
    .summary('have open tasks labelled first where a label tells most')
    .description(
      'Gives open tasks new priorities, the higher the earlier. From a reward model: where the members of an ensemble disagree ' +
        '(mutual information), or where a single model is undecided. From a comparison job: where the judge is uncertain. From a ' +
        'file: rows with "priority", with soft labels (preferences, probability), or with "members", the scores of each member of an ' +
        'ensemble by response; they name a task by "task", its id, or by prompt and responses. Tasks that are not named keep theirs.',
    )
    .argument('[file]', 'file of priorities, soft labels or scores')
    .addOption(storeOption())
    .addOption(projectOption())
    .option('--job <name>', 'a job of "tenet compare" in the store')
    .option('--reward <model>', 'reward model: a model folder, or a run folder')
    .option('--stage <name>', 'of a run folder: the stage whose model it is (default: its reward stage)')
    .option('--threads <n>', 'threads of the engine (default: all cores)', count)
    .action(run)
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  tenet label prioritise --reward runs/june\n' +
        '  tenet label prioritise --job compare-a4fa3a3d1d34\n' +
        '  tenet label prioritise scores.jsonl --project kindness',
    );
}

async function run(file: string | undefined, flags: PrioritiseFlags, self: Command): Promise<void> {
  const [feedback, { openStore }, { TenetError }] = await Promise.all([
    import('../../feedback/index.ts'),
    import('../../store/index.ts'),
    import('../../base/index.ts'),
  ]);
  const { job, reward } = flags;
  if ([file, job, reward].filter((source) => source !== undefined).length !== 1) {
    throw new TenetError('usage', 'Give one source of priorities: a file, --job or --reward.');
  }
  const store = await openStore(flags.store, { mustExist: true });
  try {
    const project = await chooseProject(store, flags.project);
    const queue = new feedback.LabelQueue(store, project);
    let found: Prioritised;
    if (reward !== undefined) {
      await using scorer = await openScorer(reward, flags);
      found = await feedback.prioritiseTasks(queue, scorer.priorities);
    } else {
      const { prioritiesOfFile, prioritiesOfJob, lookUp } = feedback;
      const priorities =
        file === undefined ? await prioritiesOfJob(store, job!) : await prioritiesOfFile(file);
      if (priorities.size === 0) {
        throw new TenetError(
          'usage',
          file === undefined ? `${store.url} has no labels of a job "${job}".` : `${file} has no rows.`,
        );
      }
      found = await feedback.prioritiseTasks(queue, lookUp(priorities));
    }
    const { open, found: changed } = found;
    process.stdout.write(
      globalOptions(self).json
        ? `${JSON.stringify({ type: 'label-prioritise', project, open, prioritised: changed })}\n`
        : `${changed.toLocaleString('en-US')} of ${plural(open, 'open task')} in project ${project} have a new priority\n`,
    );
  } finally {
    await store.close();
  }
}

async function openScorer(
  source: string,
  { stage, threads }: PrioritiseFlags,
): Promise<AsyncDisposable & { readonly priorities: PrioritiesOf }> {
  const [{ findModel }, { openRewardScorer }, { priorityOfMembers }] = await Promise.all([
    import('../../run/find-model.ts'),
    import('../../run/evaluation-suites/index.ts'),
    import('../../feedback/index.ts'),
  ]);
  const { folder } = await findModel(source, stage, 'reward');
  const scorer = await openRewardScorer(folder, { threads });
  return {
    async priorities(tasks) {
      const scores = await scorer.scoreHeads(
        tasks.map(({ item }) => ({
          prompt: typeof item.prompt === 'string' ? item.prompt : [...item.prompt],
          responses: item.responses.map(({ text }) => text),
        })),
      );
      return scores.map((members) => (members === null ? undefined : priorityOfMembers(members)));
    },
    [Symbol.asyncDispose]: () => scorer[Symbol.asyncDispose](),
  };
}
