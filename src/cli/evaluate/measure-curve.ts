/** Trains and measures the reward models of `tenet data curve`. */
import { mkdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { exists, hashOf, Random, TenetError, writeFileAtomic } from '../../base/index.ts';
import {
  type Content,
  type Example,
  groupKey,
  pairsOf,
  type RankedPair,
  writeRecords,
} from '../../data/index.ts';
import {
  type BestOf,
  type CurvePoint,
  type DataCurve,
  fitDataCurve,
  scoreBestOf,
} from '../../evaluate/index.ts';
import { wilsonInterval } from '../../objective/index.ts';
import { openRewardScorer } from '../../run/evaluation-suites/index.ts';
import { findModel } from '../../run/find-model.ts';
import { createProgress } from '../../run/progress.ts';
import { parseRecipe } from '../../run/recipe.ts';
import { runInWorker } from '../../run/run-in-worker.ts';
import { recipeSchema } from '../../run/run-recipe.ts';
import { bold, dim, percent, percentInterval, table, wrap } from '../constitution/text.ts';
import { interruptSignal } from '../interrupt.ts';
import { readExamples } from '../read-examples.ts';
import { stageShortcuts } from '../run-recipe-file.ts';

export interface CurveOptions {
  readonly model: string;
  readonly data: readonly string[];
  /** Part of the prompts held out. */
  readonly test: number;
  readonly sizes?: readonly number[];
  readonly repeats: number;
  readonly accuracy?: number;
  readonly seed: number;
  readonly output: string;
  readonly set?: readonly string[];
  readonly resume?: boolean;
  readonly overwrite?: boolean;
}

export interface MeasuredCurve {
  readonly curve: DataCurve;
  readonly points: readonly CurvePoint[];
  readonly longestWins: number;
  /** For programs. */
  readonly plain: object;
  readonly wanted?: number;
}

/** Sizes that double, from where something can be learned. */
const smallestSize = 50;

export async function measureCurve(
  options: CurveOptions,
  { json }: { json: boolean },
): Promise<MeasuredCurve> {
  const { repeats, seed, accuracy } = options;

  // Step 1. Pairs, split by prompt, so that nothing held out has been trained on in another form.
  const pairs = (await readExamples(options.data)).flatMap(decidedPairs);
  const random = new Random(seed).fork('data curve');
  const prompts = random.shuffled([...new Set(pairs.map(({ group }) => group))]);
  const heldOut = new Set(prompts.slice(0, Math.max(1, Math.round(options.test * prompts.length))));
  const test = pairs.filter(({ group }) => heldOut.has(group));
  const train = pairs.filter(({ group }) => !heldOut.has(group));
  const sizes = options.sizes ?? doubling(train.length);
  const largest = Math.max(...sizes);
  if (sizes.length < 3 || largest > train.length) {
    throw new TenetError(
      'usage',
      `${pairs.length} decided comparisons leave ${train.length} to train on after ${test.length} are held out; ` +
        `a curve needs three sizes up to that${options.sizes ? `, and --sizes asks for ${largest}` : ` and at least ${4 * smallestSize}`}.`,
    );
  }

  // Step 2. A reward stage for each, in one run.
  const runFolder = resolve(options.output);
  const folder = partsFolderOf(runFolder);
  const display = createProgress({ json });
  try {
    const parts = sizes.flatMap((size) =>
      Array.from({ length: repeats }, (_, r) => ({
        size,
        name: `n${size}${repeats > 1 ? `-${r + 1}` : ''}`,
        r,
      })),
    );
    // Where a run is in the way, the pipeline says so, and the parts of that run stay as they are.
    const isFree = options.resume || options.overwrite || !(await exists(join(runFolder, 'manifest.json')));
    if (isFree) {
      await claimParts(folder, hashOf(JSON.stringify([train, test])), { resume: options.resume });
      for (const { name, size, r } of parts) {
        const drawn = random.fork(`part ${r}`).shuffled(train).slice(0, size);
        await writeRecords(
          join(folder, `${name}.jsonl`),
          drawn.map(({ group, ...row }) => row),
        );
      }
    }
    const { folder: model } = await findModel(options.model.replace(/^local:/, ''));
    const recipe = parseRecipe(
      JSON.stringify({
        model: { path: resolve(model) },
        seed,
        stages: parts.map(({ name }) => ({
          type: 'reward',
          name,
          data: { path: join(folder, `${name}.jsonl`) },
          heldOut: 0,
        })),
      }),
      {
        schema: recipeSchema,
        file: 'tenet data curve',
        folder: '.',
        set: parts.flatMap(({ name }) => (options.set ?? []).map((override) => `${name}.${override}`)),
        shortcuts: stageShortcuts,
      },
    );
    const { stages } = await runInWorker({
      ...{ recipe: recipe.value, resolved: recipe.resolved, isFitted: true, runFolder, name: 'data-curve' },
      ...{ resume: options.resume, overwrite: options.overwrite, signal: interruptSignal(), display },
    });
    display.close();

    // Step 3. The same held-out pairs for all of them.
    const items = test.map(
      ({ prompt, chosen, rejected }, i): BestOf => ({
        id: `${i}`,
        section: 'held out',
        prompt,
        responses: [chosen, rejected],
      }),
    );
    const points: CurvePoint[] = [];
    let longestWins = 0;
    for (const [i, { result }] of stages.entries()) {
      if (!result.model) throw new TenetError('internal', `stage ${parts[i].name} made no model`);
      const scorer = await openRewardScorer(join(runFolder, result.model.folder));
      const { figures } = await scoreBestOf(items, scorer.score);
      await scorer[Symbol.asyncDispose]();
      const [{ interval, landmarks }] = figures;
      const right = ((interval?.estimate ?? 0) / 100) * items.length;
      longestWins = (landmarks.find(({ name }) => name === 'longest wins')?.value ?? 0) / 100;
      points.push({ comparisons: parts[i].size, right, pairs: items.length });
    }
    const curve = fitDataCurve(points, { seed });
    return {
      ...{ curve, points, longestWins, wanted: accuracy },
      plain: {
        ...{ runFolder, points, longestWins, fit: curve.fit, ceiling: curve.ceiling },
        doubled: curve.accuracyAt(2 * largest),
        ...(accuracy !== undefined && { accuracy, comparisons: curve.comparisonsFor(accuracy) }),
      },
    };
  } finally {
    display.close();
  }
}

/**
 * What each model is trained on lies beside the run, not in a folder for temporary files: the run's recipe names it, and
 * must find it again when it resumes.
 */
function partsFolderOf(runFolder: string): string {
  return `${runFolder}-parts`;
}

/**
 * Models of one curve must have learnt from the same comparisons, and been kept from the same.
 * @throws TenetError('usage') where a resumed run began with others
 */
async function claimParts(
  folder: string,
  hash: string,
  { resume }: Pick<CurveOptions, 'resume'>,
): Promise<void> {
  const path = join(folder, 'comparisons.sha256');
  const before = resume && (await exists(path)) ? await readFile(path, 'utf8') : hash;
  if (before !== hash) {
    throw new TenetError(
      'usage',
      `The comparisons that are trained on or held out differ from those that the run began with (${path}). Give the same ` +
        '--data, --test and --seed, or start again with --overwrite or another --output.',
    );
  }
  await mkdir(folder, { recursive: true });
  await writeFileAtomic(path, hash);
}

export function showCurve({ curve, points, longestWins, wanted }: MeasuredCurve): string {
  const largest = Math.max(...points.map(({ comparisons }) => comparisons));
  const lines = [
    bold(`Reward models on ${points[0].pairs} held-out comparisons`),
    table(
      ['comparisons', 'accuracy', 'on the curve'],
      points.map(({ comparisons, right, pairs }) => [
        comparisons.toLocaleString('en-US'),
        percentInterval(wilsonInterval(right, pairs)),
        percent(curve.accuracyAt(comparisons).estimate),
      ]),
    ),
    dim(
      `"Longest wins" is right in ${percent(longestWins)}. Curve: error = ${curve.fit.floor.toFixed(3)} + ${curve.fit.scale.toFixed(2)} · n^−${curve.fit.rate.toFixed(2)}.`,
    ),
    '',
    ...[2, 4, 8].map((factor) => {
      const { estimate, low, high } = curve.accuracyAt(factor * largest);
      return `${(factor * largest).toLocaleString('en-US')} comparisons (${factor} ×): ${percentInterval({ estimate, low, high })} expected`;
    }),
    `The most that such data would reach: ${percentInterval(curve.ceiling)}`,
  ];
  if (wanted !== undefined) {
    const { estimate, low, high } = curve.comparisonsFor(wanted);
    lines.push(`${percent(wanted)} would take ${amount(estimate)} [${amount(low)}, ${amount(high)}]`);
  }
  lines.push(
    dim(
      wrap(
        'Intervals hold the noise of measuring, not that of training; --repeats adds it. Far beyond the largest size, a fit is a guess.',
      ),
    ),
  );
  return `${lines.join('\n')}\n`;
}

function amount(value: number): string {
  return value > 1e9 ? 'more than there can be' : `${Math.ceil(value).toLocaleString('en-US')} comparisons`;
}

interface Pair extends RankedPair {
  readonly prompt: Content;
  /** What the pair shares with others of its prompt. */
  readonly group: string;
}

/** @throws TenetError('data') for records that are no comparisons */
function decidedPairs(example: Example): Pair[] {
  if (example.kind !== 'ranking') {
    throw new TenetError('data', `A curve needs comparisons or rankings; these are ${example.kind} records.`);
  }
  return pairsOf(example).map((pair) => ({ ...pair, prompt: example.prompt, group: groupKey(example) }));
}

/** 50, 100, 200 … and all there are. */
function doubling(most: number): number[] {
  const found: number[] = [];
  for (let size = smallestSize; size < 0.75 * most; size *= 2) found.push(size);
  return [...found, most];
}
