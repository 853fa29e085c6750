import { Command, Option } from 'commander';
import type {
  Constitution,
  ConstitutionDiff,
  ConstitutionFormat,
  Finding,
  JudgeLint,
  PrincipleStats,
} from '../../constitution/index.ts';
import { type AskFlags, modelForms, openAskSession, withAskFlags } from '../ask-flags.ts';
import { wholeNumber } from '../flag-values.ts';
import { globalOptions } from '../global-options.ts';
import { storeOption } from '../store-option.ts';

const documentHelp =
  'constitution: a .md, .yaml or .json file, a folder with files of Bai et al. 2022, or "default"';

/** `tenet constitution show | lint | diff | stats`: the document that critique and comparison work from. */
export function constitutionCommand(): Command {
  return new Command('constitution')
    .summary('look at, check and compare constitutions')
    .description(
      'A constitution is a document of principles, each with the words in which a model is asked to criticise, revise ' +
        'and compare under it. Labels name it by the hash of its content.',
    )
    .addCommand(showCommand())
    .addCommand(lintCommand())
    .addCommand(diffCommand())
    .addCommand(statsCommand());
}

function showCommand(): Command {
  return new Command('show')
    .summary('print a constitution')
    .description(
      'Prints principles with their ids, tags, weights and texts, or the whole document in a file format.',
    )
    .argument('[document]', documentHelp, 'default')
    .option('--principle <id>', 'print one principle with all its wording and examples')
    .addOption(
      new Option(
        '--format <format>',
        'print the document as a file: to convert, or to start your own from',
      ).choices(['markdown', 'yaml', 'json'] satisfies ConstitutionFormat[]),
    )
    .action(async (path: string, flags: ShowFlags, command: Command) => {
      const library = await import('../../constitution/index.ts');
      const { showConstitution, showPrinciple } = await import('../constitution/show.ts');
      const constitution = await library.loadConstitution(path);
      const { json } = globalOptions(command);
      if (flags.format) {
        process.stdout.write(library.formatConstitution(constitution, flags.format));
        return;
      }
      const principle = flags.principle ? library.principleOf(constitution, flags.principle) : null;
      const { origin: _, ...content } = constitution;
      if (json) print(principle ? { type: 'principle', ...principle } : { type: 'constitution', ...content });
      else
        process.stdout.write(
          principle ? showPrinciple(constitution, principle) : showConstitution(constitution),
        );
    })
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  tenet constitution show\n' +
        '  tenet constitution show --format markdown > my-constitution.md\n' +
        '  tenet constitution show my-constitution.md --principle no-injury',
    );
}

function lintCommand(): Command {
  const command = new Command('lint')
    .summary('find what makes a constitution hard to follow')
    .description(
      'Looks for vague words without a test, over-specific rules, pairs that may conflict, duplicates, categories that ' +
        'nothing covers, missing or leading wording, and documents under which refusing is free. With --with a model ' +
        'invents edge cases and judges them, and what it finds is shown with the case.',
    )
    .argument('[document]', documentHelp, 'default')
    .option('--with <model>', `also ask a model: ${modelForms}`)
    .option('--pairs <n>', 'with a model: pairs of principles to look at', wholeNumber, 12)
    .option('--cases <n>', 'with a model: edge cases to invent for each category', wholeNumber, 1)
    .option('--seed <n>', 'with a model: same seed, same pairs', wholeNumber, 0)
    .option('--strict', 'exit with 1 when there is a warning, for continuous integration');
  return withAskFlags(command)
    .action(async (path: string, flags: LintFlags, self: Command) => {
      const { lintConstitution, loadConstitution } = await import('../../constitution/index.ts');
      const { showFindings, showJudgeLint } = await import('../constitution/findings.ts');
      const { json } = globalOptions(self);
      const constitution = await loadConstitution(path);
      const findings = lintConstitution(constitution);
      const judged = flags.with === undefined ? null : await lintWith(flags.with, constitution, flags, json);
      if (json) {
        print({ type: 'constitution-lint', document: path, hash: constitution.hash, findings, judged });
      } else {
        process.stdout.write(showFindings(constitution, findings));
        if (judged) process.stdout.write(showJudgeLint(judged));
      }
      if (flags.strict && failsStrictly(findings, judged)) process.exitCode = 1;
    })
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  tenet constitution lint my-constitution.md\n' +
        '  tenet constitution lint my-constitution.md --with openai:gpt-4.1-mini --budget 0.50',
    );
}

function diffCommand(): Command {
  return new Command('diff')
    .summary('say what changed between two constitutions')
    .description(
      'Compares principles by their ids, word by word, and says by how much the version should rise: major when ' +
        'principles are removed, or limits or priorities change; minor when wording or weights change or principles are ' +
        'added; patch for titles, examples and descriptions.',
    )
    .argument('<before>', documentHelp)
    .argument('<after>', 'the other one')
    .action(async (before: string, after: string, _: object, command: Command) => {
      const { diffConstitutions, loadConstitution } = await import('../../constitution/index.ts');
      const { showDiff } = await import('../constitution/show-diff.ts');
      const [a, b] = await Promise.all([loadConstitution(before), loadConstitution(after)]);
      const diff: ConstitutionDiff = diffConstitutions(a, b);
      if (globalOptions(command).json)
        print({ type: 'constitution-diff', before: a.hash, after: b.hash, ...diff });
      else process.stdout.write(showDiff(a, b, diff));
    });
}

function statsCommand(): Command {
  return new Command('stats')
    .summary('say how each principle fared, from the ledger')
    .description(
      'For each principle: how often it was drawn, found violated and decisive, how often people overruled it, how ' +
        'often it agrees with them, and whether it says the same when asked again or in other words.',
    )
    .argument('[document]', documentHelp, 'default')
    .addOption(storeOption())
    .option('--job <name>', 'only this job, as "tenet critique" and "tenet compare" print it')
    .action(async (path: string, flags: { store: string; job?: string }, command: Command) => {
      const [{ loadConstitution, principleStats }, { openStore }, { showStats }] = await Promise.all([
        import('../../constitution/index.ts'),
        import('../../store/index.ts'),
        import('../constitution/show-stats.ts'),
      ]);
      const constitution = await loadConstitution(path);
      const store = await openStore(flags.store, { mustExist: true });
      let stats: PrincipleStats[];
      try {
        stats = await principleStats(store.ledger, constitution.hash, { project: flags.job });
      } finally {
        await store.close();
      }
      if (globalOptions(command).json)
        print({ type: 'constitution-stats', hash: constitution.hash, principles: stats });
      else process.stdout.write(showStats(constitution, stats));
    });
}

interface ShowFlags {
  readonly principle?: string;
  readonly format?: ConstitutionFormat;
}

interface LintFlags extends AskFlags {
  readonly with?: string;
  readonly pairs: number;
  readonly cases: number;
  readonly seed: number;
  readonly strict?: boolean;
}

async function lintWith(
  spec: string,
  constitution: Constitution,
  flags: LintFlags,
  json: boolean,
): Promise<JudgeLint> {
  const [{ lintWithModel }, { interruptSignal }, { createProgress }] = await Promise.all([
    import('../../constitution/index.ts'),
    import('../interrupt.ts'),
    import('../../run/progress.ts'),
  ]);
  const session = await openAskSession(flags);
  const display = createProgress({ json });
  try {
    const model = await session.open(spec);
    return await lintWithModel(model, constitution, {
      ...{
        pairs: flags.pairs,
        casesPerCategory: flags.cases,
        seed: flags.seed,
        concurrency: flags.concurrency,
      },
      signal: interruptSignal('Stopping: answers so far are kept. Once more to stop at once.'),
      onProgress: (done, total) => display.progress({ stage: 'lint', done, total, metrics: {} }),
    });
  } finally {
    display.close();
    await session.close();
  }
}

function failsStrictly(findings: readonly Finding[], judged: JudgeLint | null): boolean {
  const hasWarning = findings.some(({ severity }) => severity === 'warning');
  return hasWarning || (judged !== null && judged.conflicts.length + judged.gaps.length > 0);
}

function print(record: object): void {
  process.stdout.write(`${JSON.stringify(record)}\n`);
}
