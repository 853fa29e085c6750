import { Command } from 'commander';
import { collect, unit } from '../flag-values.ts';
import { globalOptions } from '../global-options.ts';
import { expectNoTrainedFlags } from '../guard-flags.ts';

interface EvaluateFlags {
  readonly data?: readonly string[];
  readonly harmful?: readonly string[];
  readonly harmless?: readonly string[];
  readonly refusalRate?: number;
  readonly inputThreshold?: number;
  readonly outputThreshold?: number;
  readonly answers?: 'output' | 'exchange';
  readonly int8?: boolean;
  readonly model?: string;
  readonly output?: string;
}

/** `tenet guard evaluate`: what a guard stops, what it refuses for nothing, what it costs. */
export function evaluateCommand(): Command {
  return new Command('evaluate')
    .summary('measure what a guard stops, what it refuses for nothing, and what it costs')
    .description(
      'Attack success and over-refusal with 95 % intervals, area under the ROC curve, by technique, category and source, ' +
        'and latency, beside the keyword baseline. Without data it takes the examples that training kept apart.',
    )
    .argument('<guard>', 'folder of a guard, or of the run that made it; or keywords')
    .option(
      '-d, --data <file>',
      'file with labels, of any form that "tenet guard train" reads; may be repeated',
      collect,
    )
    .option(
      '--harmful <file>',
      'prompts, or records of any format, that are harmful; may be repeated',
      collect,
    )
    .option('--harmless <file>', 'the same, harmless; may be repeated', collect)
    .option(
      '--refusal-rate <share>',
      'block at the threshold for this share of harmless traffic (default: 0.01)',
      unit,
    )
    .option('--input-threshold <score>', 'refuse conversations from this score instead', unit)
    .option('--output-threshold <score>', 'stop answers from this score instead', unit)
    .option('--answers <kind>', 'which classifier judges answers: output or exchange (default: exchange)')
    .option('--int8', 'compute with 8-bit weights')
    .option('-m, --model <folder>', 'local model that it guards: says what screening adds to its generation')
    .option(
      '-o, --output <file>',
      'write the whole report, with ROC curves and mistakes: .json, or .html to be read',
    )
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  tenet guard evaluate guards/mine -o report.html\n' +
        '  tenet guard evaluate guards/mine --data redteam/xstest_prompts.csv --refusal-rate 0.05\n' +
        '  tenet guard evaluate keywords --data redteam/xstest_prompts.csv\n',
    )
    .action(run);
}

async function run(given: string, flags: EvaluateFlags, self: Command): Promise<void> {
  const { json } = globalOptions(self);
  const [
    guard,
    { TenetError, writeFileAtomic },
    { join },
    { createProgress },
    { interruptSignal },
    show,
    { findGuard },
  ] = await Promise.all([
    import('../../guard/index.ts'),
    import('../../base/index.ts'),
    import('node:path'),
    import('../../run/progress.ts'),
    import('../interrupt.ts'),
    import('./show-evaluated.ts'),
    import('../../run/find-guard.ts'),
  ]);
  const name = await findGuard(given);
  if (name === 'keywords') await expectNoTrainedFlags(flags);
  if (flags.answers && !['output', 'exchange'].includes(flags.answers)) {
    throw new TenetError('usage', `--answers ${flags.answers}: give output or exchange.`);
  }
  if (flags.output && !/\.(json|html)$/.test(flags.output)) {
    throw new TenetError('usage', `--output ${flags.output}: the report is written as .json or .html.`);
  }
  const wanted = [
    ...(flags.data ?? []).map((path) => ({ path })),
    ...(flags.harmful ?? []).map((path) => ({ path, as: 'harmful' as const })),
    ...(flags.harmless ?? []).map((path) => ({ path, as: 'harmless' as const })),
  ];
  if (wanted.length === 0) {
    if (name === 'keywords') throw new TenetError('usage', 'The keywords bring no data: give --data FILE.');
    wanted.push({ path: join(name, guard.testFileName) });
  }
  const { refusalRate, answers } = flags;
  const opened =
    name === 'keywords'
      ? guard.keywordGuard()
      : await guard.openClassifierGuard(name, {
          ...(refusalRate !== undefined && { refusalRate }),
          ...(answers && { answers }),
          ...(flags.int8 && { precision: 'int8' }),
        });
  const display = createProgress({ json });
  const stage = 'evaluate';
  try {
    const examples = [];
    for (const { path, ...as } of wanted) examples.push(...(await guard.readGuardData(path, as)).examples);
    if (examples.length === 0) {
      throw new TenetError('usage', `${name} kept no examples for a test; give some with --data FILE.`);
    }
    display.stage({ stage, index: 0, count: 1, status: 'running' });
    const report = await guard.evaluateGuard(opened, examples, {
      thresholds: {
        ...(flags.inputThreshold !== undefined && { input: flags.inputThreshold }),
        ...(flags.outputThreshold !== undefined && { output: flags.outputThreshold }),
      },
      signal: interruptSignal('Stopping: nothing is written. Once more to stop at once.'),
      onProgress: (done, total) => display.progress({ stage, done, total, metrics: {} }),
    });
    const shared = flags.model ? await guard.SharedProbe.find([name], flags.model) : null;
    const generation = flags.model
      ? await guard.measureGeneration(flags.model, examples, { probe: shared?.stateProbe })
      : null;
    display.stage({ stage, index: 0, count: 1, status: 'finished' });
    display.close();
    const whole = { ...report, generation };
    if (flags.output) {
      const content = flags.output.endsWith('.html')
        ? guard.guardReportPage(whole)
        : `${JSON.stringify(whole, null, 2)}\n`;
      await writeFileAtomic(flags.output, content);
    }
    process.stdout.write(
      json
        ? `${JSON.stringify({ type: 'guard-report', ...whole, mistakes: report.mistakes.length })}\n`
        : show.showEvaluated(whole, flags.output),
    );
  } finally {
    display.close();
    await opened.close();
  }
}
