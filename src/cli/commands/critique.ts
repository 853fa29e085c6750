import { Command } from 'commander';
import type { HelpfulResponse } from '../../constitution/index.ts';
import { type AskFlags, type AskSession, modelForms, openAskSession, withAskFlags } from '../ask-flags.ts';
import { collect, count, share, wholeNumber } from '../flag-values.ts';
import { globalOptions } from '../global-options.ts';
import { parseSet, withSetFlag } from '../option-set.ts';

interface CritiqueFlags extends AskFlags {
  readonly model: string;
  readonly critic?: string;
  readonly prompts: readonly string[];
  readonly given?: boolean;
  readonly limit?: number;
  readonly constitution: string;
  readonly output: string;
  readonly helpful?: readonly string[];
  readonly helpfulShare?: number;
  readonly allRevisions?: boolean;
  readonly pairs?: boolean;
  readonly seed: number;
  readonly set?: readonly string[];
}

/** `tenet critique`: phase 1 of Constitutional AI, from prompts to demonstrations. */
export function critiqueCommand(): Command {
  const command = new Command('critique')
    .summary('let a model criticise and revise its responses (Constitutional AI, phase 1)')
    .description(
      'For each prompt a response, then rounds of critique and revision under principles of a constitution. Writes the ' +
        'last revisions, mixed with helpful responses, as demonstrations for "tenet train sft". Every step goes to the ' +
        'ledger as it is made, so the same command goes on where it was stopped.',
    )
    .requiredOption('-m, --model <model>', `answers the prompts: ${modelForms}`)
    .option('--critic <model>', 'criticises and revises (default: the same model)')
    .requiredOption(
      '-p, --prompts <file>',
      'prompts, any data format or a .txt with one a line; may be repeated',
      collect,
    )
    .option('--given', 'criticise the responses in the file instead of sampling new ones')
    .option('--limit <n>', 'use at most this many prompts', count)
    .option(
      '-c, --constitution <document>',
      'a .md, .yaml or .json file, a folder of Bai et al. 2022',
      'default',
    )
    .option('-o, --output <folder>', 'where demonstrations, chains and report are written', 'critiques')
    .option(
      '--helpful <file>',
      'helpful responses to mix in; where it has prompts alone, the model responds',
      collect,
    )
    .option(
      '--helpful-share <s>',
      'part of the demonstrations that are helpful ones (default: 0.5 with --helpful)',
      share,
    )
    .option('--all-revisions', 'demonstrate every revision instead of the last of each chain')
    .option('--pairs', 'also write preference pairs: last revision above first response')
    .option('--seed <n>', 'same seed, same draws', wholeNumber, 0);
  return withSetFlag(withAskFlags(command), 'critique', 'rounds=2')
    .action(run)
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  tenet critique -m local:my-model -p red-team.txt --helpful helpful.jsonl\n' +
        '  tenet critique -m local:my-model --critic openai:gpt-4.1-mini --budget 5 -p red-team.jsonl --pairs\n' +
        '  tenet critique -m openai:gpt-4.1-mini -p replies.jsonl --given --set principles=violated --set fewShot=3',
    );
}

async function run(flags: CritiqueFlags, self: Command): Promise<void> {
  const { json } = globalOptions(self);
  const [
    library,
    { readExamples },
    { createProgress },
    { interruptSignal },
    { showCritiques },
    { TenetError },
  ] = await Promise.all([
    import('../../constitution/index.ts'),
    import('../read-examples.ts'),
    import('../../run/progress.ts'),
    import('../interrupt.ts'),
    import('../constitution/show-critiques.ts'),
    import('../../base/error.ts'),
  ]);
  const helpfulShare = flags.helpfulShare ?? (flags.helpful ? 0.5 : 0);
  if (helpfulShare > 0 && !flags.helpful) {
    throw new TenetError(
      'usage',
      '--helpful-share needs --helpful FILE, which says where the responses are.',
    );
  }

  // Step 1. Everything that can be wrong with the call, before anything is asked.
  const [constitution, options, examples, helpfulExamples] = await Promise.all([
    library.loadConstitution(flags.constitution),
    parseSet('critique', library.critiqueOptions, flags.set),
    readExamples(flags.prompts, flags.limit),
    flags.helpful ? readExamples(flags.helpful) : [],
  ]);
  const inputs = library.chainInputsOf(examples, flags.given ?? false);
  const signal = interruptSignal('Stopping: answers under way are kept. Once more to stop at once.');
  const session = await openAskSession(flags);
  const display = createProgress({ json });
  try {
    const [responder, critic] = await openModels(session, flags);

    // Step 2. The chains, and helpful responses where there are only requests.
    display.stage({ stage: 'critique', index: 0, count: 1, status: 'running' });
    const shared = {
      seed: flags.seed,
      journal: session.store.ledger,
      concurrency: flags.concurrency,
      signal,
    };
    const result = await library.runCritiqueJob({
      ...{ responder, critic, constitution, inputs, options, ...shared },
      onProgress: (done, total) =>
        display.progress({ stage: 'critique', done, total, metrics: { calls: session.tally.calls } }),
    });
    let helpful: readonly HelpfulResponse[] = [];
    if (helpfulExamples.length > 0) {
      const { temperature, topP, responseLength } = options;
      const sampling = { count: 1, temperature, topP, responseLength };
      const found = await library.helpfulResponses(helpfulExamples, {
        policy: responder,
        options: sampling,
        ...shared,
      });
      const message = library.describeMissing(found, helpfulExamples.length);
      if (message !== null) display.warn({ stage: 'critique', time: Date.now(), message });
      helpful = found.responses;
    }

    // Step 3. Demonstrations, pairs, report.
    const { files, report } = await library.writeCritiques(result, {
      ...{ folder: flags.output, constitution, helpful, helpfulShare, seed: flags.seed },
      revisions: flags.allRevisions ? 'all' : 'final',
      pairs: flags.pairs ?? false,
      store: session.store,
    });
    display.stage({ stage: 'critique', index: 0, count: 1, status: 'finished' });
    display.close();
    process.stdout.write(
      json
        ? `${JSON.stringify({ type: 'critique', files, report })}\n`
        : showCritiques(report, files, session.tally),
    );
    if (report.failed > 0) process.exitCode = 1;
  } finally {
    display.close();
    await session.close();
  }
}

async function openModels(session: AskSession, flags: CritiqueFlags) {
  const responder = await session.open(flags.model);
  return [responder, flags.critic === undefined ? responder : await session.open(flags.critic)] as const;
}
