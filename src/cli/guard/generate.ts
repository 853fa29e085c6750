import { Command } from 'commander';
import { type AskFlags, modelForms, withAskFlags } from '../ask-flags.ts';
import { count, unit, wholeNumber } from '../flag-values.ts';
import { globalOptions } from '../global-options.ts';

interface GenerateFlags extends AskFlags {
  readonly model: string;
  readonly output: string;
  readonly number: number;
  readonly disguises: number;
  readonly testShare: number;
  readonly maxTokens: number;
  readonly seed: number;
}

/** `tenet guard generate`: training data from a constitution. */
export function generateCommand(): Command {
  const command = new Command('generate')
    .summary('let a model write training data from a constitution')
    .description(
      'Asks a model for requests against each principle and for harmless ones that look alike, for answers of both kinds, ' +
        'and puts all of them into the disguises of attacks. Near duplicates are left out. New requests in disguises of ' +
        'their own are marked for tests. A model that refuses to write harmful answers gives fewer of them.',
    )
    .argument('[constitution]', 'Markdown or YAML file (default: the one that Tenet brings)')
    .requiredOption('-m, --model <model>', `who writes: ${modelForms}`)
    .requiredOption('-o, --output <file>', 'file to write: .jsonl or .json, each also with .gz')
    .option('-n, --number <n>', 'requests of each kind for each principle', count, 20)
    .option('--disguises <n>', 'attacks that each request is put in, besides the plain form', wholeNumber, 2)
    .option('--test-share <share>', 'share of requests, and of attacks, that is for tests alone', unit, 0.25)
    .option('--max-tokens <n>', 'longest answer in tokens', count, 400)
    .option('--seed <n>', 'same seed, same draws', wholeNumber, 0);
  return withAskFlags(command)
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  tenet guard generate my-constitution.md -m openai:gpt-4.1-mini -o guard-data.jsonl --budget 5\n' +
        '  tenet guard train guard-data.jsonl -c my-constitution.md -o guards/mine\n',
    )
    .action(run);
}

async function run(file: string | undefined, flags: GenerateFlags, self: Command): Promise<void> {
  const { json } = globalOptions(self);
  const [guard, constitutions, { writeRecords }, { createProgress }, { interruptSignal }, ask, text] =
    await Promise.all([
      import('../../guard/index.ts'),
      import('../../constitution/index.ts'),
      import('../../data/index.ts'),
      import('../../run/progress.ts'),
      import('../interrupt.ts'),
      import('../ask-flags.ts'),
      import('../constitution/text.ts'),
    ]);
  const constitution = await constitutions.loadConstitution(file ?? constitutions.DEFAULT_CONSTITUTION);
  const signal = interruptSignal(
    'Stopping: nothing is written; what providers answered is kept. Once more to stop at once.',
  );
  const session = await ask.openAskSession(flags);
  const display = createProgress({ json });
  const stage = 'generate';
  try {
    const model = await session.open(flags.model);
    display.stage({ stage, index: 0, count: 1, status: 'running' });
    const { examples, left } = await guard.generateGuardData(constitution, model, {
      ...{ perPrinciple: flags.number, disguises: flags.disguises, testShare: flags.testShare },
      ...{ maxTokens: flags.maxTokens, seed: flags.seed, concurrency: flags.concurrency, signal },
      onProgress: (done, total) => display.progress({ stage, done, total: Math.ceil(total), metrics: {} }),
    });
    display.stage({ stage, index: 0, count: 1, status: 'finished' });
    display.close();
    const rows = await writeRecords(
      flags.output,
      (async function* () {
        for (const example of examples) yield guard.toGuardRow(example);
      })(),
    );
    const tests = examples.filter(({ split }) => split === 'test').length;
    const { nearDuplicates, unfitAnswers, failed, reason } = left;
    const lines = [
      `${flags.output}: ${text.plural(rows, 'row')}, ${tests} of them for tests`,
      `${text.plural(nearDuplicates, 'near duplicate')} left out, ${text.plural(unfitAnswers, 'answer')} that ${unfitAnswers === 1 ? 'was' : 'were'} not what was asked for`,
      ...(failed > 0 ? [`${text.plural(failed, 'question')} came to nothing, the first: ${reason}`] : []),
      text.dim(ask.describeTally(session.tally)),
      '',
    ];
    process.stdout.write(
      json
        ? `${JSON.stringify({ type: 'guard-data', file: flags.output, rows, tests, ...left })}\n`
        : lines.join('\n'),
    );
    if (rows === 0) process.exitCode = 1;
  } finally {
    display.close();
    await session.close();
  }
}
