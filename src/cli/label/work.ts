import { userInfo } from 'node:os';
import { Command, Option } from 'commander';
import type { Annotator, LabelQueue, QualificationState } from '../../feedback/index.ts';
import { percent, plural } from '../constitution/text.ts';
import { collect } from '../flag-values.ts';
import { globalOptions } from '../global-options.ts';
import { storeOption } from '../store-option.ts';
import type { AnnotateSummary } from './annotate/annotate.ts';
import { chooseProject, projectOption } from './project.ts';

interface WorkFlags {
  readonly store: string;
  readonly project?: string;
  readonly as?: string;
  readonly group?: string;
  readonly audience?: string[];
  readonly adjudicate?: boolean;
  readonly guideline?: string;
}

/** `tenet label work`: rank responses in the terminal. */
export function workCommand(): Command {
  return new Command('work')
    .summary('rank responses here, in the terminal')
    .description(
      'Shows one task after the other: a prompt with responses in an order of their own for each annotator, and never the ' +
        'models that wrote them. Everything is done with keys; ? shows them. What is sent is on disk at once, what is not is ' +
        'kept as a draft, and the next call goes on from there.',
    )
    .addOption(storeOption())
    .addOption(projectOption())
    .addOption(
      new Option(
        '--as <id>',
        'who you are in the ledger, which forgets nothing: better no name (default: your login)',
      ).env('TENET_ANNOTATOR'),
    )
    .option('--group <name>', 'the group of annotators that you belong to')
    .option('--audience <name>', 'a language or group whose tasks you can do; may be repeated', collect)
    .option('--adjudicate', 'decide where the labels of others disagree')
    .option('--guideline <file>', 'text to show on g (default: the project’s own)')
    .action(run);
}

async function run(flags: WorkFlags, self: Command): Promise<void> {
  const { json } = globalOptions(self);
  const [
    { annotate },
    { openTerminal },
    { LabelQueue, readGuideline },
    { openStore },
    { TenetError },
    { readFile },
  ] = await Promise.all([
    import('./annotate/annotate.ts'),
    import('./annotate/open-terminal.ts'),
    import('../../feedback/index.ts'),
    import('../../store/index.ts'),
    import('../../base/error.ts'),
    import('node:fs/promises'),
  ]);
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    throw new TenetError('usage', 'Labelling needs a terminal: standard input and output must both be one.');
  }
  const file = flags.guideline === undefined ? null : await readFile(flags.guideline, 'utf8');
  const store = await openStore(flags.store, { mustExist: true });
  try {
    const project = await chooseProject(store, flags.project);
    const queue = new LabelQueue(store, project);
    const guideline = async (version: string | null): Promise<string | null> =>
      file ?? (await readGuideline(store.database, project, version ?? undefined))?.text ?? null;
    const id = flags.as ?? userInfo().username;
    const annotator = {
      id,
      ...(flags.group !== undefined && { group: flags.group }),
      ...(flags.audience && { audiences: flags.audience }),
    };
    const { terminal, close } = openTerminal(
      { input: process.stdin, output: process.stdout },
      { colours: !process.env.NO_COLOR },
    );
    const summary = await annotate({
      ...{ queue, annotator, terminal, guideline },
      purpose: flags.adjudicate ? 'adjudication' : 'label',
    }).finally(close);
    process.stdout.write(
      json
        ? `${JSON.stringify({ type: 'label-work', project, annotator: id, ...summary })}\n`
        : await report(summary, queue, annotator),
    );
  } finally {
    await store.close();
  }
}

async function report(
  { labels, answers, skips, corrections, times, finished }: AnnotateSummary,
  queue: LabelQueue,
  annotator: Annotator,
): Promise<string> {
  const [{ wanted, labels: all, leased }, test] = await Promise.all([
    queue.progress(),
    queue.qualification.state(annotator),
  ]);
  const done = [
    ...(answers > 0 ? [`${plural(answers, 'answer')} in the qualification test`] : []),
    ...(labels > 0 || answers === 0 ? [plural(labels, 'label')] : []),
    ...(corrections > 0 ? [plural(corrections, 'correction')] : []),
    ...(skips > 0 ? [plural(skips, 'skip')] : []),
  ];
  const seconds = [...times].sort((a, b) => a - b)[times.length >> 1];
  const pace = seconds === undefined ? '' : `, ${(seconds / 1000).toFixed(0)} s each in the middle`;
  const left = wanted - all;
  const rest =
    test !== null && test.status !== 'passed'
      ? testInWords(test)
      : left === 0
        ? 'All labels that were wanted are there. Write them to a file with: tenet label export labels.jsonl'
        : finished
          ? `There is nothing more for you: ${plural(left, 'label')} ${left === 1 ? 'is' : 'are'} for other annotators` +
            `${leased > 0 ? ` (${plural(leased, 'task')} being worked on)` : ''}.`
          : `${plural(left, 'label')} to go. The same command goes on from here.`;
  return `${done.join(', ')} by ${annotator.id} in ${queue.project}${pace}.\n${rest}\n`;
}

/** Where somebody stands who has not passed. */
function testInWords({ status, answered, questions, score, pass, retakeAt }: QualificationState): string {
  if (status === 'testing') {
    return `Tasks come after the qualification test: ${answered} of ${questions} questions answered. The same command goes on.`;
  }
  const result = `The qualification test was not passed: ${percent(score ?? 0)} right, and ${percent(pass)} would have been enough.`;
  return retakeAt === null
    ? `${result} There is no further attempt.`
    : `${result} Try again from ${new Date(retakeAt).toLocaleString('en-GB')}.`;
}
