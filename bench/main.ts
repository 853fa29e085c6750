/**
 * `npm run bench`: what Tenet reaches of what the machine can do, as ratios.
 *
 *     npm run bench                          everything (about 15 minutes on 2 cores)
 *     npm run bench -- train decode          only these benchmarks
 *     npm run bench -- train:5m --threads 1  one case, on one thread
 *     npm run bench -- --json bench.json     also writes the results to a file
 *     npm run bench -- --quick               as few repeats as possible, to see that everything runs
 *     npm run bench -- peers --trl trl.json  beside what bench/peers/measure_trl.py measured on this machine
 */
import { execFileSync, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { TenetError, writeFileAtomic } from '../src/base/index.ts';
import { describeMachine, describeVersions } from '../src/run/machine.ts';
import { adamw } from './adamw.ts';
import { type Benchmark, isMet, type Row } from './benchmark.ts';
import { decode } from './decode.ts';
import { evaluate } from './evaluate.ts';
import { footprint } from './footprint.ts';
import { guardClassifier } from './guard-classifier.ts';
import { guardProxy } from './guard-proxy.ts';
import { labels } from './labels.ts';
import { ledger } from './ledger.ts';
import { memory } from './memory.ts';
import { methods } from './methods.ts';
import { peak } from './peak.ts';
import { peers } from './peers.ts';
import { ppo } from './ppo.ts';
import { productsBenchmark } from './products.ts';
import { formatRows, formatTitle } from './report.ts';
import { startup } from './startup.ts';
import { train } from './train.ts';

const benchmarks: readonly Benchmark[] = [
  peak,
  train,
  productsBenchmark,
  decode,
  ppo,
  methods,
  peers,
  startup,
  adamw,
  ledger,
  guardClassifier,
  guardProxy,
  labels,
  evaluate,
  memory,
  footprint,
];

const { values: flags, positionals: names } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'string' },
    threads: { type: 'string' },
    quick: { type: 'boolean', default: false },
    trl: { type: 'string' },
    /** Internal: run one case in this process and send its rows to the parent. */
    child: { type: 'boolean', default: false },
  },
});
const settings = {
  threads: Number(flags.threads ?? availableParallelism()),
  quick: flags.quick,
  trl: flags.trl,
};

if (flags.child) {
  const [[benchmark, name]] = chosenCases(names);
  process.send?.(await benchmark.cases[name](settings), () => process.exit());
} else {
  process.exitCode = (await runAll()) ? 0 : 1;
}

async function runAll(): Promise<boolean> {
  const chosen = chosenCases(names);
  const machine = describeMachine();
  const versions = describeVersions();
  const commit = describeCommit();
  const gigabytes = (machine.memoryBytes / 2 ** 30).toFixed(1);
  console.log(
    `${machine.cpu}, ${machine.cores} cores, ${gigabytes} GB; ${settings.threads} threads used\n` +
      `tenet ${versions.tenet} (${commit}), onnxruntime ${versions.onnxruntime}, node ${versions.node}, ${machine.platform} ${machine.arch}`,
  );
  const results: { benchmark: string; case: string; rows: Row[] }[] = [];
  const failed: string[] = [];
  let titled: Benchmark | null = null;
  for (const [benchmark, name] of chosen) {
    if (titled !== benchmark) console.log(formatTitle(benchmark));
    titled = benchmark;
    try {
      const rows = await runCase(`${benchmark.name}:${name}`);
      results.push({ benchmark: benchmark.name, case: name, rows });
      console.log(formatRows(rows));
    } catch (error) {
      failed.push(`${benchmark.name}:${name}`);
      console.log(`  ${name} failed: ${(error as Error).message}`);
    }
  }
  const missed = results.flatMap(({ rows }) => rows.filter((row) => !isMet(row)));
  console.log(
    missed.length
      ? `\nTargets missed:\n${missed.map(({ what, of, ratio }) => `  ${what}: ${ratio.toFixed(3)} of ${of}`).join('\n')}`
      : `\nNo target of these was missed.`,
  );
  if (flags.json) {
    const record = { date: new Date().toISOString(), machine, versions, commit, ...settings, results };
    await writeFileAtomic(flags.json, `${JSON.stringify(record, null, 2)}\n`);
  }
  if (failed.length) console.log(`Failed: ${failed.join(', ')}`);
  return failed.length === 0;
}

/** The cases named as `benchmark` or `benchmark:case`; all when none is. */
function chosenCases(wanted: readonly string[]): [Benchmark, string][] {
  const all = benchmarks.flatMap((benchmark) =>
    Object.keys(benchmark.cases).map((name): [Benchmark, string] => [benchmark, name]),
  );
  const fits = (name: string, [benchmark, entry]: [Benchmark, string]): boolean =>
    name === benchmark.name || name === `${benchmark.name}:${entry}`;
  const unknown = wanted.filter((name) => !all.some((entry) => fits(name, entry)));
  if (unknown.length) {
    const known = all.map(([{ name }, entry]) => `${name}:${entry}`).join(', ');
    throw new TenetError('usage', `No benchmark is called ${unknown.join(', ')}. There are: ${known}`);
  }
  return wanted.length ? all.filter((entry) => wanted.some((name) => fits(name, entry))) : all;
}

/** Runs a case in a fresh process. */
function runCase(name: string): Promise<Row[]> {
  const options = ['--child', '--threads', String(settings.threads)];
  if (settings.quick) options.push('--quick');
  if (settings.trl) options.push('--trl', settings.trl);
  return new Promise((resolve, reject) => {
    const child = fork(import.meta.filename, [name, ...options], { serialization: 'advanced' });
    let rows: Row[] | null = null;
    child.on('message', (message) => {
      rows = message as Row[];
    });
    child.on('error', reject);
    child.on('close', (code) =>
      rows ? resolve(rows) : reject(new Error(`its process ended with code ${code}`)),
    );
  });
}

/** The commit, with a + when files differ from it. */
function describeCommit(): string {
  const git = (...parameters: string[]): string =>
    execFileSync('git', parameters, {
      cwd: import.meta.dirname,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  try {
    return git('rev-parse', '--short=10', 'HEAD') + (git('status', '--porcelain') ? '+' : '');
  } catch {
    return 'no commit';
  }
}
