import { Command } from 'commander';
import { type AskFlags, modelForms, openAskSession, withAskFlags } from '../ask-flags.ts';
import { collect, count, positive, wholeNumber } from '../flag-values.ts';
import { globalOptions } from '../global-options.ts';
import { parseSet, withSetFlag } from '../option-set.ts';

interface CompareFlags extends AskFlags {
  readonly judge: string;
  readonly policy?: string;
  readonly data: readonly string[];
  readonly responses: number;
  readonly temperature: number;
  readonly responseLength: number;
  readonly limit?: number;
  readonly constitution: string;
  readonly output: string;
  readonly recheck: number;
  readonly seed: number;
  readonly set?: readonly string[];
}

/** `tenet compare`: phase 2 of Constitutional AI, from prompts or responses to soft labels. */
export function compareCommand(): Command {
  const command = new Command('compare')
    .summary('let a model compare responses under a constitution (RLAIF, phase 2)')
    .description(
      'Compares the responses in a file, or responses that a policy is asked for, and writes soft labels for "tenet train ' +
        'reward". Says how far the judge can be trusted: its leaning to a place or to length, whether it says the same ' +
        'when asked again, and, where the file has people’s labels, how often it agrees with them, beside rules that ' +
        'read nothing. Every answer goes to the ledger as it comes, so the same command goes on where it was stopped.',
    )
    .requiredOption('-j, --judge <model>', `compares: ${modelForms}`)
    .option('-m, --policy <model>', 'answers the prompts of rows that have no responses')
    .requiredOption(
      '-d, --data <file>',
      'preferences or rankings to label anew, or prompts; may be repeated',
      collect,
    )
    .option('-n, --responses <k>', 'responses that the policy gives to each prompt', count, 2)
    .option('--temperature <t>', 'sampling temperature of the policy', positive, 1)
    .option('--response-length <n>', 'most tokens of a response', count, 300)
    .option('--limit <n>', 'use at most this many rows', count)
    .option(
      '-c, --constitution <document>',
      'a .md, .yaml or .json file, a folder of Bai et al. 2022',
      'default',
    )
    .option('-o, --output <folder>', 'where labels and report are written', 'comparisons')
    .option(
      '--recheck <n>',
      'pairs asked about again, to see whether the judge says the same',
      wholeNumber,
      50,
    )
    .option('--seed <n>', 'same seed, same draws', wholeNumber, 0);
  return withSetFlag(withAskFlags(command), 'compare', 'principles=all')
    .action(run)
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  tenet compare -j openai:gpt-4.1-mini -d human-preferences.jsonl --limit 200    how good is this judge?\n' +
        '  tenet compare -j local:judge -m local:policy -d prompts.jsonl -n 4 --set principles=all\n' +
        '  tenet compare -j local:judge -d responses.jsonl --set chainOfThought=true --set fewShot=2',
    );
}

async function run(flags: CompareFlags, self: Command): Promise<void> {
  const { json } = globalOptions(self);
  const [
    library,
    { readExamples },
    { createProgress },
    { interruptSignal },
    { showComparisons },
    { TenetError },
  ] = await Promise.all([
    import('../../constitution/index.ts'),
    import('../read-examples.ts'),
    import('../../run/progress.ts'),
    import('../interrupt.ts'),
    import('../constitution/show-comparisons.ts'),
    import('../../base/error.ts'),
  ]);

  // Step 1. Everything that can be wrong with the call, before anything is asked.
  const [constitution, options, examples] = await Promise.all([
    library.loadConstitution(flags.constitution),
    parseSet('compare', library.comparisonOptions, flags.set),
    readExamples(flags.data, flags.limit),
  ]);
  const inputs = library.comparisonInputsOf(examples);
  const bare = inputs.filter(({ responses }) => responses === undefined).length;
  if (bare > 0 && flags.policy === undefined) {
    throw new TenetError(
      'usage',
      `${bare} of ${inputs.length} rows have no responses to compare. Say which model is to give them: --policy MODEL.`,
    );
  }
  if (flags.responses < 2)
    throw new TenetError('usage', '--responses must be at least 2: there is nothing to compare.');
  const signal = interruptSignal('Stopping: answers under way are kept. Once more to stop at once.');
  const session = await openAskSession(flags);
  const display = createProgress({ json });
  try {
    const judge = await session.open(flags.judge);
    const policy = bare > 0 ? await session.open(flags.policy!) : undefined;

    // Step 2. The answers.
    display.stage({ stage: 'compare', index: 0, count: 1, status: 'running' });
    const { responses, temperature, responseLength } = flags;
    const result = await library.runCompareJob({
      ...{ judge, constitution, inputs, options, policy, recheck: flags.recheck, seed: flags.seed, signal },
      sampling: { count: responses, temperature, topP: 1, responseLength },
      journal: session.store.ledger,
      concurrency: flags.concurrency,
      onProgress: (done, total) =>
        display.progress({ stage: 'compare', done, total, metrics: { calls: session.tally.calls } }),
    });

    // Step 3. Labels and report.
    const { files, report } = await library.writeComparisons(result, {
      ...{ folder: flags.output, constitution, seed: flags.seed },
      orderIsNeutral: library.orderIsNeutral(inputs),
      store: session.store,
    });
    display.stage({ stage: 'compare', index: 0, count: 1, status: 'finished' });
    display.close();
    process.stdout.write(
      json
        ? `${JSON.stringify({ type: 'compare', files, report })}\n`
        : showComparisons(report, files, session.tally),
    );
    if (report.failed > 0) process.exitCode = 1;
  } finally {
    display.close();
    await session.close();
  }
}
