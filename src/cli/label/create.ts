import { Command, Option } from 'commander';
import type { LabelProgress, LabelQueue, NewLabelTask, TasksAdded } from '../../feedback/index.ts';
import type { Store } from '../../store/index.ts';
import { type AskFlags, modelForms, openAskSession, withAskFlags } from '../ask-flags.ts';
import { plural } from '../constitution/text.ts';
import { anyNumber, collect, count, positive, unit, wholeNumber } from '../flag-values.ts';
import { globalOptions } from '../global-options.ts';
import { usualProject } from './project.ts';

interface CreateFlags extends AskFlags {
  readonly project: string;
  readonly overlap: number;
  readonly priority: number;
  readonly uncertainFirst?: boolean;
  readonly audience?: string[];
  readonly guideline?: string;
  readonly constitution?: string;
  readonly contentWarning?: string;
  readonly ranks: 'ignore' | 'suggestion' | 'gold';
  readonly shownTo?: number;
  readonly limit?: number;
  readonly qualification?: boolean;
  readonly model?: string;
  readonly responses: number;
  readonly temperature: number;
  readonly responseLength: number;
  readonly seed: number;
}

/** `tenet label create`: label tasks from data files, or from prompts that a model answers. */
export function createCommand(): Command {
  const command = new Command('create')
    .summary('make label tasks from a file of rankings, preferences or prompts')
    .description(
      'Makes a task for each row with responses: rankings, preferences, or prompts that --model answers. The same rows again ' +
        'make no new tasks, so an interrupted call is simply repeated, and a higher --overlap asks for further labels. Rows may ' +
        'say of themselves: models, audiences, priority, overlap, key, suggestion, gold, contentWarning, guidelineVersion.',
    )
    .argument('<files...>', 'data files, as "tenet data check" knows them')
    .option('-p, --project <name>', 'the project that the tasks belong to', usualProject)
    .option('--overlap <n>', 'labels wanted for each task, each by another annotator', count, 1)
    .addOption(
      new Option(
        '--ranks <use>',
        'what ranks in the rows are: to be labelled anew, suggestions of an AI judge, or right answers',
      )
        .choices(['ignore', 'suggestion', 'gold'])
        .default('ignore'),
    )
    .option(
      '--shown-to <share>',
      'share of annotators who see a suggestion, drawn by chance (default: 0)',
      unit,
    )
    .option('--uncertain-first', 'begin with what soft labels in the rows are least certain of')
    .option('--priority <n>', 'higher comes first', anyNumber, 0)
    .option(
      '--audience <name>',
      'only for annotators of this group or language; repeated: of all of them',
      collect,
    )
    .option('--guideline <version>', 'version of the guideline that people label by')
    .option(
      '-c, --constitution <document>',
      'constitution that people label by; its hash goes with each label',
    )
    .option('--content-warning <text>', 'what the texts may contain; they are covered until asked for')
    .option(
      '--qualification',
      'questions of the test that annotators pass before they get tasks; the rows have right answers',
    )
    .option('--limit <n>', 'use at most this many rows', count)
    .option('-m, --model <model>', `answers prompts that come without responses: ${modelForms}`)
    .option('-n, --responses <k>', 'responses to each prompt', count, 4)
    .option('--temperature <t>', 'sampling temperature of the responses', positive, 1)
    .option('--response-length <n>', 'most tokens of a response', count, 300)
    .option('--seed <n>', 'same seed, same responses', wholeNumber, 0);
  return withAskFlags(command)
    .action(run)
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  tenet label create rankings.jsonl --overlap 2\n' +
        '  tenet label create gold.jsonl --ranks gold --qualification\n' +
        '  tenet label create prompts.txt -m local:policy -n 4\n' +
        '  tenet label create comparisons/rankings.jsonl --ranks suggestion --shown-to 0.5 --uncertain-first',
    );
}

async function run(files: string[], flags: CreateFlags, self: Command): Promise<void> {
  const [{ LabelQueue }, { openStore }] = await Promise.all([
    import('../../feedback/index.ts'),
    import('../../store/index.ts'),
  ]);
  const counts = { rows: 0, alike: 0 };
  const session = flags.model === undefined ? null : await openAskSession(flags);
  const store = session?.store ?? (await openStore(flags.store));
  try {
    const queue = new LabelQueue(store, flags.project);
    const tasks =
      flags.model === undefined
        ? fromFiles(files, flags, counts)
        : await answered(files, flags, session!, counts, self);
    if (flags.qualification) {
      await addQuestions(self, queue, store, tasks);
      return;
    }
    const added = await queue.add(tasks);
    const progress = await queue.progress();
    report(self, store, flags, { added, progress, ...counts });
  } finally {
    await (session ?? store).close();
  }
}

/** Tasks of rows that come with responses. */
async function* fromFiles(
  files: readonly string[],
  flags: CreateFlags,
  counts: { rows: number; alike: number },
): AsyncGenerator<NewLabelTask> {
  const [{ tasksFromRecords }, { readRecords }] = await Promise.all([
    import('../../feedback/index.ts'),
    import('../../data/index.ts'),
  ]);
  const options = await taskOptions(flags);
  for (const file of files) {
    const rows = readRecords(file, /\.txt(\.gz)?$/.test(file) ? { format: 'prompt-only' } : {});
    for await (const task of tasksFromRecords(rows, options, counts)) {
      if (flags.limit !== undefined && counts.rows > flags.limit) return;
      yield task;
    }
  }
}

/** Tasks of prompts that a model answers first. */
async function answered(
  files: readonly string[],
  flags: CreateFlags,
  session: Awaited<ReturnType<typeof openAskSession>>,
  counts: { rows: number; alike: number },
  self: Command,
): Promise<NewLabelTask[]> {
  const [
    { readExamples },
    { tasksFromPrompts },
    { createProgress },
    { interruptSignal },
    { comparisonInputsOf },
    { TenetError },
  ] = await Promise.all([
    import('../read-examples.ts'),
    import('../../feedback/index.ts'),
    import('../../run/progress.ts'),
    import('../interrupt.ts'),
    import('../../constitution/index.ts'),
    import('../../base/error.ts'),
  ]);
  if (flags.responses < 2)
    throw new TenetError('usage', '--responses must be at least 2: there is nothing to rank.');
  const inputs = comparisonInputsOf(await readExamples(files, flags.limit));
  const policy = await session.open(flags.model!);
  const signal = interruptSignal('Stopping: answers under way are kept. Once more to stop at once.');
  const display = createProgress({ json: globalOptions(self).json });
  try {
    display.stage({ stage: 'responses', index: 0, count: 1, status: 'running' });
    const { responses: count, temperature, responseLength, seed, concurrency } = flags;
    const { tasks, alike, failed } = await tasksFromPrompts(
      inputs.map(({ prompt }) => prompt),
      {
        ...{ policy, seed, concurrency, signal, journal: session.store.ledger },
        sampling: { count, temperature, topP: 1, responseLength },
        task: await taskOptions(flags),
        onProgress: (done, total) =>
          display.progress({ stage: 'responses', done, total, metrics: { calls: session.tally.calls } }),
      },
    );
    display.stage({ stage: 'responses', index: 0, count: 1, status: 'finished' });
    counts.rows = inputs.length;
    counts.alike = alike;
    if (failed.length > 0) {
      process.stderr.write(
        `warning: ${failed.length} of ${inputs.length} prompts got no responses; the first: ${failed[0].reason}\n` +
          'Run the same command again to try them again; nothing else is repeated.\n',
      );
      process.exitCode = 1;
    }
    return tasks;
  } finally {
    display.close();
  }
}

async function taskOptions(flags: CreateFlags): Promise<object> {
  const { overlap, priority, uncertainFirst, audience, guideline, contentWarning, ranks, shownTo } = flags;
  let constitution: NewLabelTask['constitution'];
  if (flags.constitution !== undefined) {
    const { loadConstitution } = await import('../../constitution/index.ts');
    const { hash, version } = await loadConstitution(flags.constitution);
    constitution = { hash, ...(version !== null && { version }) };
  }
  return {
    ...{ overlap, priority, uncertainFirst, ranks },
    ...(audience && { audiences: audience }),
    ...(guideline !== undefined && { guidelineVersion: guideline }),
    ...(constitution && { constitution }),
    ...(contentWarning !== undefined && { contentWarning }),
    ...(shownTo !== undefined && { shownTo }),
  };
}

/** Adds questions, and has the project ask them where it did not before. */
async function addQuestions(
  self: Command,
  queue: LabelQueue,
  store: Store,
  tasks: AsyncIterable<NewLabelTask> | readonly NewLabelTask[],
): Promise<void> {
  const { readRules, writeRules } = await import('../../feedback/index.ts');
  const { project, qualification } = queue;
  const added = await qualification.add(tasks);
  const before = await readRules(store.database, project);
  const rules =
    before.qualification === null
      ? await writeRules(store.database, project, { ...before, qualification: {} })
      : before;
  const questions = await qualification.size();
  process.stdout.write(
    globalOptions(self).json
      ? `${JSON.stringify({ type: 'label-create', store: store.url, project, added, questions, ...rules })}\n`
      : `${plural(added.added, 'new question')} in the qualification test of project ${project} of ${store.url}, ` +
          `${questions} in all\nAnnotators pass it before they get tasks. How often, and with how much: tenet label rules\n`,
  );
}

interface Created {
  readonly added: TasksAdded;
  readonly progress: LabelProgress;
  readonly rows: number;
  readonly alike: number;
}

function report(self: Command, store: Store, { project }: CreateFlags, created: Created): void {
  const { added, progress, alike } = created;
  if (globalOptions(self).json) {
    process.stdout.write(
      `${JSON.stringify({ type: 'label-create', store: store.url, project, ...created })}\n`,
    );
    return;
  }
  const left = progress.wanted - progress.labels;
  const notes = [
    ...(added.known > 0
      ? [
          `${plural(added.known, 'task')} ${added.known === 1 ? 'was' : 'were'} there already, and stay as they are`,
        ]
      : []),
    ...(alike > 0 ? [`${plural(alike, 'row')} left out: the responses are alike`] : []),
  ];
  process.stdout.write(
    `${plural(added.added, 'new task')} in project ${project} of ${store.url}${notes.map((note) => `\n  ${note}`).join('')}\n` +
      `${plural(left, 'label')} ${left === 1 ? 'is' : 'are'} wanted${left > 0 ? '. Label here with: tenet label work' : ''}\n`,
  );
}
