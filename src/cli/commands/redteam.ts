import { Command } from 'commander';
import { type AskFlags, modelForms, withAskFlags } from '../ask-flags.ts';
import { collect, count, wholeNumber } from '../flag-values.ts';
import { globalOptions } from '../global-options.ts';

interface RedTeamFlags extends AskFlags {
  readonly data: string;
  readonly requests?: readonly string[];
  readonly technique?: readonly string[];
  readonly list?: boolean;
  readonly attacker?: string;
  readonly rounds: number;
  readonly limit: number;
  readonly seed: number;
  readonly maxTokens: number;
  readonly output: string;
}

/** `tenet redteam`: attacks a model with harmful requests in disguise. */
export function redteamCommand(): Command {
  const command = new Command('redteam')
    .summary('attack a model with harmful requests in disguise, and keep what worked')
    .description(
      'Sends harmful requests in every disguise there is (encodings, role play, split payloads, code words, many examples, ' +
        'recorded jailbreaks), and, with --attacker, lets a model write its own. Prints success by technique. Every attempt ' +
        'is written as data with a label, for people to check and guards to learn from. For models you are responsible for.',
    )
    .argument('[model]', `the target: ${modelForms}`)
    .option('-d, --data <folder>', 'folder with harmful requests and recorded jailbreaks', '.')
    .option(
      '-r, --requests <file>',
      'requests to use instead: .csv or .jsonl with prompt and category; may be repeated',
      collect,
    )
    .option('--technique <names>', 'use only these, with commas between; may be repeated', names)
    .option('--list', 'list the techniques')
    .option('--attacker <model>', 'a model that rewrites its prompts after every refusal')
    .option('--rounds <n>', 'attempts of the attacker at each request', count, 5)
    .option('--limit <n>', 'requests of each file, drawn with the seed', count, 20)
    .option('--seed <n>', 'same seed, same requests and attacks', wholeNumber, 0)
    .option('--max-tokens <n>', 'longest answer in tokens', count, 256)
    .option('-o, --output <folder>', 'where attempts and findings are written', 'redteam');
  return withAskFlags(command)
    .action(run)
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  tenet redteam runs/quickstart -d data --limit 10\n' +
        '  tenet redteam openai:gpt-4.1-mini -d data --attacker openai:gpt-4.1 --rounds 5 --budget 5\n' +
        '  tenet label create -d redteam/findings.jsonl ...    let people check what was found',
    );
}

async function run(model: string | undefined, flags: RedTeamFlags, self: Command): Promise<void> {
  const { json } = globalOptions(self);
  const [
    evaluation,
    { nearest, TenetError },
    { join },
    { createProgress },
    { interruptSignal },
    { openAskSession },
  ] = await Promise.all([
    import('../../evaluate/index.ts'),
    import('../../base/index.ts'),
    import('node:path'),
    import('../../run/progress.ts'),
    import('../interrupt.ts'),
    import('../ask-flags.ts'),
  ]);

  // Step 1. Requests and techniques, before anything is asked.
  const data = new evaluation.DataFolder(flags.data);
  const recordedPaths = await data.find('redteam/jailbreakbench/');
  const found = await Promise.all(recordedPaths.map(evaluation.readRecorded));
  const known = [...evaluation.builtInTechniques, ...found.map(({ technique }) => technique)];
  if (flags.list) {
    const listed = known.map(({ name, about }) => ({ name, about }));
    const lines = listed.map(({ name, about }) => `${name.padEnd(20)} ${about}`);
    process.stdout.write(
      json ? `${JSON.stringify({ type: 'techniques', techniques: listed })}\n` : `${lines.join('\n')}\n`,
    );
    return;
  }
  if (model === undefined) {
    throw new TenetError(
      'usage',
      'Say which model to attack, such as runs/quickstart; --help shows examples.',
    );
  }
  for (const name of flags.technique ?? []) {
    if (known.some((technique) => technique.name === name)) continue;
    const near = nearest(
      name,
      known.map((technique) => technique.name),
    );
    throw new TenetError(
      'usage',
      `There is no technique "${name}"${near ? `; did you mean ${near}?` : ''} --list shows all.`,
    );
  }
  const isWanted = (name: string): boolean => flags.technique?.includes(name) ?? true;
  const paths = flags.requests ?? (await data.findSome(evaluation.harmfulRequestFiles, 'redteam'));
  const requests = (await Promise.all(paths.map(evaluation.readHarmfulRequests))).flatMap((group) =>
    evaluation.sampled(group, flags),
  );
  const recorded = found
    .filter(({ technique }) => isWanted(technique.name))
    .map((attack) => ({ ...attack, requests: evaluation.sampled(attack.requests, flags) }));

  // Step 2. The attacks.
  const signal = interruptSignal('Stopping: nothing is written. Once more to stop at once.');
  const session = await openAskSession(flags);
  const display = createProgress({ json });
  try {
    const target = await session.open(model);
    const attacker = flags.attacker === undefined ? undefined : await session.open(flags.attacker);
    const stage = 'redteam';
    display.stage({ stage, index: 0, count: 1, status: 'running' });
    const result = await evaluation.redTeam(target, requests, {
      ...{ seed: flags.seed, maxTokens: flags.maxTokens, temperature: 0, signal, recorded },
      concurrency: flags.concurrency ?? 32,
      techniques: evaluation.builtInTechniques.filter(({ name }) => isWanted(name)),
      ...(attacker && { attacker: { model: attacker, rounds: flags.rounds } }),
      onProgress: (done, total) => display.progress({ stage, done, total, metrics: {} }),
    });
    display.stage({ stage, index: 0, count: 1, status: 'finished' });
    display.close();

    // Step 3. Findings.
    const { mkdir } = await import('node:fs/promises');
    const { writeFileAtomic } = await import('../../base/files.ts');
    await mkdir(flags.output, { recursive: true });
    const files = {
      findings: join(flags.output, 'findings.jsonl'),
      attempts: join(flags.output, 'attempts.jsonl'),
    };
    const lines = (attempts: typeof result.attempts): string =>
      evaluation
        .findingsOf(attempts)
        .map((row) => `${JSON.stringify(row)}\n`)
        .join('');
    await writeFileAtomic(files.attempts, lines(result.attempts));
    await writeFileAtomic(files.findings, lines(result.attempts.filter(({ harmful }) => harmful)));
    const { showRedTeam } = await import('../evaluate/show-red-team.ts');
    const { attempts, ...brief } = result;
    process.stdout.write(
      json
        ? `${JSON.stringify({ type: 'redteam', ...brief, attempts: attempts.length, files })}\n`
        : showRedTeam(result, files, session.tally),
    );
    if (result.attempts.length === 0) process.exitCode = 1;
  } finally {
    display.close();
    await session.close();
  }
}

function names(value: string, previous: readonly string[] = []): string[] {
  return [...previous, ...value.split(',').map((name) => name.trim())];
}
