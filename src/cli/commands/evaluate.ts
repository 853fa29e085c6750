import { Command, InvalidArgumentError } from 'commander';
import { type AskFlags, modelForms, withAskFlags } from '../ask-flags.ts';
import { collect, count, notNegative, wholeNumber } from '../flag-values.ts';
import { globalOptions } from '../global-options.ts';

interface EvaluateFlags extends AskFlags {
  readonly suite?: readonly string[];
  readonly data?: string;
  readonly limit?: number;
  readonly seed: number;
  readonly maxTokens: number;
  readonly temperature: number;
  readonly examples: number;
  readonly output?: string;
  readonly list?: boolean;
  readonly before?: string;
  readonly after?: string;
  readonly maxFall: number;
  readonly maxFallOf?: Readonly<Record<string, number>>;
  readonly harmJudge?: string;
  readonly judge?: string;
  readonly prompts?: readonly string[];
  readonly constitution: string;
  readonly audits?: string;
}

/** `tenet evaluate`: suites with baselines and intervals, win rates, and the regression check. */
export function evaluateCommand(): Command {
  const command = new Command('evaluate')
    .summary('measure a model: safety, honesty, bias, knowledge; or what a change has done to it')
    .description(
      'Runs suites on one or more models and prints every figure with its 95 % interval beside what trivial rules reach. ' +
        'Without --suite: those whose files are in --data, or the sandbox’s, which need none. With --before and --after: the ' +
        'regression check, item by item; exits with 1 when a safety or honesty figure has fallen beyond its limit. With ' +
        '--judge: which model’s answers are preferred. Graders work offline.',
    )
    .argument('[models...]', `to evaluate: ${modelForms}`)
    .option('--suite <names>', 'suites to run, with commas between; may be repeated', names)
    .option('--list', 'list the suites and the files they read')
    .option('-d, --data <folder>', 'folder with the suites’ data files')
    .option('--limit <n>', 'at most so many items of each file, drawn with the seed', count)
    .option('--seed <n>', 'same seed, same items and draws', wholeNumber, 0)
    .option('--max-tokens <n>', 'longest answer in tokens', count, 256)
    .option('--temperature <t>', 'of answers; 0 takes the likeliest tokens', notNegative, 0)
    .option('--examples <n>', 'items shown of each suite', wholeNumber, 0)
    .option('-o, --output <file>', 'write all results with every item to this JSON file')
    .option('--before <model>', 'regression check: the model before, or results written with --output')
    .option('--after <model>', 'regression check: the model after, or results written with --output')
    .option('--max-fall <points>', 'largest fall of a safety or honesty figure, in % points', points, 2)
    .option(
      '--max-fall-of <suite[/figure]=points>',
      'another limit for a suite or figure; may be repeated',
      limitOf,
    )
    .option(
      '--harm-judge <model>',
      'attacks: a model that grades the answers too, beside the grader for wording',
    )
    .option('-j, --judge <model>', 'win rates: the judge')
    .option('--prompts <file>', 'win rates: prompts to answer; may be repeated', collect)
    .option('-c, --constitution <document>', 'win rates: what the judge compares under', 'default')
    .option(
      '--audits <file>',
      'win rates: people’s verdicts {id, winner: 1 | 2 | "tie"} on some of the prompts',
    );
  return withAskFlags(command)
    .action(run)
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  tenet evaluate runs/quickstart                                        in the sandbox\n' +
        '  tenet evaluate openai:gpt-4.1-mini -d data --suite xstest,attacks --limit 50 --budget 1\n' +
        '  tenet evaluate --before runs/aligned --after runs/fine-tuned -d data  did fine-tuning break it?\n' +
        '  tenet evaluate openai:gpt-4.1 --suite harm-grading -d data            can it judge harm?\n' +
        '  tenet evaluate runs/a runs/b runs/c --judge openai:gpt-4.1 --prompts prompts.jsonl\n' +
        '  tenet evaluate runs/quickstart --suite reward-bench -d data           its reward model',
    );
}

async function run(models: readonly string[], flags: EvaluateFlags, self: Command): Promise<void> {
  const { json } = globalOptions(self);
  if (flags.list) return listSuites(json);
  const { TenetError } = await import('../../base/error.ts');
  const isCheck = flags.before !== undefined || flags.after !== undefined;
  if (isCheck && (flags.before === undefined || flags.after === undefined || models.length > 0)) {
    throw new TenetError(
      'usage',
      'The regression check takes --before MODEL and --after MODEL, and no other model.',
    );
  }
  if (!isCheck && models.length === 0) {
    throw new TenetError(
      'usage',
      'Say which model to evaluate, such as runs/quickstart; --help shows examples.',
    );
  }
  if (flags.judge !== undefined && (models.length < 2 || !flags.prompts)) {
    throw new TenetError('usage', '--judge compares two models or more on --prompts FILE; give both.');
  }
  if (flags.judge === undefined && (flags.prompts || flags.audits)) {
    throw new TenetError('usage', '--prompts and --audits go with --judge MODEL.');
  }
  const [{ DataFolder }, { createProgress }, { interruptSignal }, { openAskSession }] = await Promise.all([
    import('../../evaluate/index.ts'),
    import('../../run/progress.ts'),
    import('../interrupt.ts'),
    import('../ask-flags.ts'),
  ]);
  const settings = {
    data: new DataFolder(flags.data ?? '.'),
    limit: flags.limit,
    seed: flags.seed,
    maxTokens: flags.maxTokens,
    temperature: flags.temperature,
    concurrency: flags.concurrency ?? 32,
    threads: flags.threads,
    signal: interruptSignal('Stopping: nothing is written. Once more to stop at once.'),
  };
  const session = await openAskSession(flags);
  const display = createProgress({ json });
  const parts = { session, display };
  try {
    if (flags.judge !== undefined) {
      const { judgeModels, showJudged } = await import('../evaluate/judge-models.ts');
      const { judge, prompts = [], constitution, audits } = flags;
      const judged = await judgeModels(models, { judge, prompts, constitution, audits }, settings, parts);
      await write(flags.output, { type: 'win-rates', ...judged });
      display.close();
      const { answers, ...shown } = judged;
      process.stdout.write(
        json ? `${JSON.stringify({ type: 'win-rates', ...shown })}\n` : showJudged(judged),
      );
      return;
    }
    const harmJudge = flags.harmJudge === undefined ? undefined : await session.open(flags.harmJudge);
    const measured = await measureAll(
      isCheck ? [flags.before!, flags.after!] : models,
      flags,
      { ...settings, harmJudge },
      parts,
    );
    display.close();
    if (isCheck) await printRegression(measured, flags, json);
    else await printResults(measured, flags, json);
  } finally {
    display.close();
    await session.close();
  }
}

type Parts = Omit<
  Parameters<typeof import('../evaluate/run-suites.ts')['evaluateModel']>[3],
  'scoresRewards'
>;
type Settings = Parameters<typeof import('../evaluate/run-suites.ts')['evaluateModel']>[2];
type Results = Awaited<ReturnType<typeof import('../evaluate/run-suites.ts')['evaluateModel']>>;

/** Each model's results, or those that a file holds; the same suites for all. */
async function measureAll(
  specs: readonly string[],
  flags: EvaluateFlags,
  settings: Settings,
  parts: Parts,
): Promise<Results[]> {
  const [
    { evaluateModel },
    { chooseSuites, rewardBench },
    { readResults },
    { resolveModelSpec },
    { TenetError },
  ] = await Promise.all([
    import('../evaluate/run-suites.ts'),
    import('../evaluate/known-suites.ts'),
    import('../evaluate/results-file.ts'),
    import('../../run/resolve-model-spec.ts'),
    import('../../base/error.ts'),
  ]);
  const isFile = (spec: string): boolean => spec.endsWith('.json');
  const saved = new Map<string, Results>();
  for (const spec of specs.filter(isFile)) saved.set(spec, await readResults(spec));
  const [first] = saved.values();
  const names = flags.suite ?? first?.suites.map(({ suite }) => suite);
  const fresh = specs.filter((spec) => !isFile(spec));
  if (first) {
    const [seed, limit] = [settings.seed, settings.limit ?? null];
    if (fresh.length > 0 && (first.seed !== seed || first.limit !== limit)) {
      const wanted = `--seed ${first.seed}${first.limit === null ? '' : ` --limit ${first.limit}`}`;
      throw new TenetError(
        'usage',
        `The saved results were measured with ${wanted}; give the same, so that the items are the same.`,
      );
    }
  }
  const local = await Promise.all(
    fresh.map(async (spec) => (await resolveModelSpec(spec)).startsWith('local:')),
  );
  const data = flags.data === undefined ? null : settings.data;
  const suites = await chooseSuites(names, data, { isLocal: local.every(Boolean) });
  if (settings.harmJudge && !suites.some(({ name }) => name === 'attacks')) {
    throw new TenetError(
      'usage',
      '--harm-judge grades the answers of the suite attacks, which is not among those that run; give --suite attacks and --data.',
    );
  }
  const scoresRewards = names?.includes(rewardBench) ?? false;
  const measured: Results[] = [];
  for (const spec of specs) {
    measured.push(
      saved.get(spec) ?? (await evaluateModel(spec, suites, settings, { ...parts, scoresRewards })),
    );
  }
  return measured;
}

async function printResults(
  measured: readonly Results[],
  flags: EvaluateFlags,
  json: boolean,
): Promise<void> {
  const [{ showResults }, { writeResults }] = await Promise.all([
    import('../evaluate/show-results.ts'),
    import('../evaluate/results-file.ts'),
  ]);
  if (flags.output !== undefined) await writeResults(flags.output, measured);
  process.stdout.write(
    json
      ? `${JSON.stringify({ type: 'evaluation', models: measured.map(briefly) })}\n`
      : showResults(measured, flags),
  );
  if (hasFailures(measured)) process.exitCode = 1;
}

/** True: there are items that could not be asked. */
function hasFailures(measured: readonly Results[]): boolean {
  return measured.some(({ suites }) => suites.some(({ failed }) => failed.count > 0));
}

async function printRegression(
  [before, after]: readonly Results[],
  flags: EvaluateFlags,
  json: boolean,
): Promise<void> {
  const [{ compareFigures }, { showRegression }] = await Promise.all([
    import('../../evaluate/index.ts'),
    import('../evaluate/show-regression.ts'),
  ]);
  const regression = compareFigures(before.suites, after.suites, {
    limit: flags.maxFall,
    limits: flags.maxFallOf,
    seed: flags.seed,
  });
  await write(flags.output, { type: 'regression', before, after, ...regression });
  process.stdout.write(
    json
      ? `${JSON.stringify({ type: 'regression', before: before.model, after: after.model, ...regression })}\n`
      : showRegression(regression, [before, after]),
  );
  if (!regression.passed || hasFailures([before, after])) process.exitCode = 1;
}

async function listSuites(json: boolean): Promise<void> {
  const [{ knownSuites, rewardBench }, { rewardBenchmarkFiles }] = await Promise.all([
    import('../evaluate/known-suites.ts'),
    import('../../evaluate/index.ts'),
  ]);
  const suites = [
    ...(await knownSuites()),
    {
      name: rewardBench,
      about: 'reward models: scores the best response highest',
      files: rewardBenchmarkFiles,
    },
  ].map(({ name, about, files }) => ({ name, about, files }));
  const rows = suites.map(
    ({ name, about, files }) =>
      `${name.padEnd(20)} ${about}${files.length > 0 ? `\n${' '.repeat(21)}${files.join(', ')}` : ''}`,
  );
  process.stdout.write(json ? `${JSON.stringify({ type: 'suites', suites })}\n` : `${rows.join('\n')}\n`);
}

/** Without every single item. */
function briefly({ suites, ...rest }: Results): object {
  return {
    ...rest,
    suites: suites.map(({ answers, figures, ...suite }) => ({
      ...suite,
      figures: figures.map(({ items, ...figure }) => ({ ...figure, count: Object.keys(items).length })),
    })),
  };
}

async function write(path: string | undefined, object: object): Promise<void> {
  if (path === undefined) return;
  const { writeFileAtomic } = await import('../../base/files.ts');
  await writeFileAtomic(path, `${JSON.stringify(object, null, 1)}\n`);
}

function names(value: string, previous: readonly string[] = []): string[] {
  const more = value
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  return [...previous, ...more];
}

function points(value: string): number {
  const parsed = Number(value);
  if (!(value.trim() !== '' && parsed >= 0))
    throw new InvalidArgumentError('Give a number from 0, in % points.');
  return parsed;
}

function limitOf(value: string, previous: Readonly<Record<string, number>> = {}): Record<string, number> {
  const at = value.lastIndexOf('=');
  if (at <= 0) throw new InvalidArgumentError('Write suite=points or suite/figure=points, such as xstest=5.');
  return { ...previous, [value.slice(0, at)]: points(value.slice(at + 1)) };
}
