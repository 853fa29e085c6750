/**
 * How good are the monitors? Trains sandbox policies, half of them on rewards that are wrong on purpose, and counts for
 * each detector how often it tells, how often it cries wolf, and how long before the gold reward has fallen by 5 % from
 * its peak.
 *
 *     npx tsx bench/monitors/main.ts --run runs/quickstart --output runs/monitors --runs 40 --threads 1 --jobs 14
 *
 * Every run starts from the fine-tuned policy of a finished quickstart and its reward model. What monitors may look at as
 * held-out reward is a second reward model, made first, from other answers and other noise of the annotators; the gold
 * reward is only what they are judged by. Called again it goes on where it was stopped, and with nothing left to do it
 * prints the tables again.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import pLimit from 'p-limit';
import { stringify } from 'yaml';
import { writeFileAtomic } from '../../src/base/index.ts';
import { readManifest } from '../../src/run/index.ts';
import { detectorRows, outcomeOf } from './analyse.ts';
import { isHack, type Kind, optionsOf, planRuns } from './kinds.ts';
import { tables } from './tables.ts';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

const { values: flags } = parseArgs({
  options: {
    /** A finished run of recipes/quickstart.yaml. */
    run: { type: 'string', default: 'runs/quickstart' },
    output: { type: 'string', default: 'runs/monitors' },
    runs: { type: 'string', default: '40' },
    iterations: { type: 'string', default: '24' },
    batch: { type: 'string', default: '64' },
    /** Threads of each run, and runs at once. */
    threads: { type: 'string', default: '1' },
    jobs: { type: 'string', default: String(Math.max(1, availableParallelism() - 1)) },
    /** Prompts that are ranked for the second reward model. */
    labels: { type: 'string', default: '1200' },
    /** A reward model folder to use as held-out reward instead of making one. */
    'held-out': { type: 'string' },
  },
});
const count = (name: 'runs' | 'iterations' | 'batch' | 'threads' | 'jobs' | 'labels'): number => {
  const value = Number(flags[name]);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`--${name} is ${flags[name]}; it must be a whole number above 0`);
};

const source = resolve(flags.run);
const output = resolve(flags.output);
const policy = join(source, 'stages/02-sft/model');
const rewardModel = join(source, 'stages/04-reward/model');
await mkdir(output, { recursive: true });

const children = new Set<ChildProcess>();
// Runs that are under way stop with this process, saved; called again it resumes them.
process.once('exit', () => {
  for (const child of children) child.kill('SIGINT');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const heldOut = flags['held-out'] ? resolve(flags['held-out']) : await makeHeldOut();
const plan = planRuns(count('runs'));
const limit = pLimit(count('jobs'));
const started = Date.now();
let done = 0;
await Promise.all(
  plan.map(({ name, kind, seed }) =>
    limit(async () => {
      await execute(name, policyRecipe(name, kind, seed));
      done++;
      const minutes = ((Date.now() - started) / 60_000).toFixed(1);
      process.stderr.write(`${done}/${plan.length} ${name} after ${minutes} min\n`);
    }),
  ),
);

const outcomes = (await Promise.all(plan.map(({ name, kind }) => outcomeOf(output, name, kind)))).filter(
  (outcome) => outcome !== null,
);
const rows = detectorRows(outcomes, {
  'any about reward or hack': [
    ...['held-out-fall', 'proxy-gap', 'reward-length', 'reward-style', 'feature-drift', 'same-answer'],
    ...['verbosity', 'sycophancy', 'confident-hallucination', 'avoidance'],
  ],
  'any named hack': ['verbosity', 'sycophancy', 'confident-hallucination', 'avoidance'],
});
await writeFileAtomic(join(output, 'monitors.json'), `${JSON.stringify({ outcomes, rows }, null, 1)}\n`);
const text = tables(outcomes, rows);
await writeFile(join(output, 'monitors.md'), text);
process.stdout.write(text);

/** A second reward model: other answers, ranked by the same kind of people with noise of their own. */
async function makeHeldOut(): Promise<string> {
  const rankings = { sandbox: 'prompts', limit: count('labels') };
  await execute('held-out', {
    name: 'held-out',
    seed: 4711,
    threads: count('threads') * count('jobs'),
    model: { path: policy },
    stages: [
      { type: 'rankings', prompts: rankings, responseLength: 64 },
      {
        ...{ type: 'reward', maxLength: 160, heldOut: 0.15, numTrainEpochs: 2, batchSize: 8 },
        ...{
          learningRate: 0.0005,
          lrSchedulerType: 'cosine',
          warmupRatio: 0.05,
          centerRewardsCoefficient: 0.01,
        },
      },
    ],
  });
  return join(output, 'held-out/stages/02-reward/model');
}

function policyRecipe(name: string, kind: Kind, seed: number): object {
  const batchSize = count('batch');
  return {
    name,
    description: isHack(kind) ? `Hacks by construction: ${kind}.` : `Healthy by construction: ${kind}.`,
    seed,
    threads: count('threads'),
    model: { path: policy },
    stages: [
      {
        type: 'ppo',
        prompts: { sandbox: 'prompts', limit: 4000 },
        totalEpisodes: batchSize * count('iterations'),
        batchSize,
        numPpoEpochs: 2,
        numMiniBatches: 2,
        valueModel: 'head',
        lrSchedulerType: 'constant',
        responseLength: 64,
        temperature: 1,
        missingEosPenalty: 1,
        allowWeakReward: true,
        ...optionsOf(kind, rewardModel),
        monitors: { heldOut: { name: 'second', rewardModelPath: heldOut } },
      },
    ],
  };
}

/** Runs a recipe in a process of its own, unless it has been run; goes on with one that was stopped. */
async function execute(name: string, recipe: object): Promise<void> {
  const folder = join(output, name);
  const file = join(output, `${name}.yaml`);
  const begun = await readManifest(folder).catch(() => null);
  if (begun?.status === 'finished') return;
  await writeFileAtomic(file, stringify(recipe));
  const command = ['--import', 'tsx', join(root, 'src/cli/main.ts'), 'run', file, '--output', folder];
  const child = spawn(process.execPath, [...command, ...(begun ? ['--resume'] : []), '--json'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  children.add(child);
  let errors = '';
  child.stderr?.on('data', (data: Buffer) => {
    errors = (errors + data.toString()).slice(-4000);
  });
  const code = await new Promise<number | null>((ended, failed) => {
    child.once('error', failed);
    child.once('close', ended);
  });
  children.delete(child);
  if (code !== 0) throw new Error(`${name} ended with exit code ${code}:\n${errors}`);
}
