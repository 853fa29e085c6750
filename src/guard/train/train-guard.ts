/**
 * Makes a guard's folder from examples: parts them by family, trains the classifiers, calibrates them on what they have
 * not seen, and keeps the test for "tenet guard evaluate".
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { exists, replaceFolder, TenetError, writeFileAtomic } from '../../base/index.ts';
import { saveModelFolder } from '../../model/index.ts';
import { removeCheckpoints, type StageContext } from '../../train/index.ts';
import { calibrateGuard } from '../classifier/calibrate.ts';
import { categoriesOf, checkTexts, encodeExample } from '../classifier/encode-examples.ts';
import { type GuardFile, guardFileName, readGuardFile, testFileName } from '../classifier/guard-file.ts';
import { type GuardKind, guardKinds, headNames } from '../classifier/heads.ts';
import { aucByKind, TextScorer } from '../classifier/text-scorer.ts';
import { Transcript } from '../classifier/transcript.ts';
import { disguised } from '../data/disguise.ts';
import { type GuardExample, toGuardRow } from '../data/guard-example.ts';
import type { GuardSource } from '../data/guard-sources.ts';
import { type PartOptions, partExamples } from '../data/prepare.ts';
import { trainClassifier } from './classifier.ts';
import type { ClassifierOptions } from './classifier-options.ts';
import { type FormerGuard, makeTrunk, type NewTrunk } from './trunk.ts';

export type { GuardSource } from '../data/guard-sources.ts';

export interface TrainGuardOptions {
  readonly classifier: ClassifierOptions;
  readonly parts: Omit<PartOptions, 'seed'>;
  /** Default all three. */
  readonly kinds?: readonly GuardKind[];
  /**
   * Scores of their own. Default: the categories that the training data name often enough, and those of the guard that
   * goes on.
   */
  readonly categories?: readonly string[];
  /** Attacks that each judged prompt of the training is also put in. Default 0. */
  readonly disguises?: number;
  readonly maxLength: number;
  readonly trunk: string | NewTrunk | FormerGuard;
  readonly constitution?: { readonly name: string; readonly hash: string };
  /** True: a guard in the folder is replaced. Default false. */
  readonly overwrite?: boolean;
}

/**
 * @param folder  where the guard is saved
 * @param context the stage's own folder holds checkpoints; they are removed when it ends
 * @throws TenetError('usage') when the folder holds something else; TenetError('preflight') for data that teach nothing
 */
export async function trainGuard(
  folder: string,
  sources: readonly GuardSource[],
  options: TrainGuardOptions,
  context: StageContext,
): Promise<GuardFile> {
  const { classifier, kinds = guardKinds, constitution } = options;
  await checkPlace(folder, options.overwrite ?? false);

  // Step 1. Parts that share no family, no request and no answer with the test.
  const of = (use: GuardSource['use']): GuardExample[] =>
    sources.flatMap((source) => (source.use === use ? source.examples : []));
  const parts = partExamples(of('train'), of('test'), { ...options.parts, seed: classifier.seed });
  const categories = options.categories ?? (await usualCategories(options.trunk, parts.train));
  const names = headNames(kinds, categories);

  // Step 2. A trunk, and the examples as it reads them.
  const trunk = await makeTrunk(options.trunk, parts.train, {
    heads: names,
    seed: classifier.seed,
  });
  const { config, parameters, tokenizer } = trunk;
  const maxLength = Math.min(options.maxLength, config.maxPositions);
  const transcript = new Transcript(tokenizer);
  const encode = (examples: readonly GuardExample[]) =>
    disguised(examples, { count: options.disguises ?? 0, seed: classifier.seed }).flatMap((example) =>
      encodeExample(example, transcript, { kinds, maxLength }),
    );
  const [texts, heldOut] = [encode(parts.train), encode(parts.calibration)];
  checkTexts(texts, kinds);

  // Step 3. The classifiers.
  const result = await trainClassifier(
    classifier,
    { config, parameters, kinds, categories, texts, heldOut },
    context,
  );

  // Step 4. Probabilities and thresholds from what was not trained on.
  const scorer = await TextScorer.create(config, parameters, { threads: classifier.threads });
  const scores = await scorer.score(parameters, heldOut);
  const calibration = calibrateGuard(heldOut, scores, kinds, categories);
  await scorer[Symbol.asyncDispose]();
  for (const kind of kinds) {
    if (calibration.kinds[kind]?.thresholds.length === 0) {
      context.warn(
        `No harmless text of kind ${kind} was left to set its threshold with; it blocks from 0.5.`,
      );
    }
  }

  // Step 5. The folder, whole or not at all.
  const { testFamilies, duplicates, ...counted } = parts;
  let file: GuardFile | undefined;
  await replaceFolder(folder, async (temporary) => {
    const { weightsHash } = await saveModelFolder(temporary, {
      config,
      parameters,
      head: 'reward',
      heads: { kind: names.length > 1 ? 'objectives' : 'single', names, means: null },
      tokenizerFiles: tokenizer.files,
      card: {
        name: 'Guard classifiers',
        summary: `Scores text at every token: ${names.join(', ')}. Made by "tenet guard train"; "guard.json" holds its calibration and thresholds.`,
        ...(trunk.name !== 'new' && { baseModel: trunk.name }),
        stages: [
          {
            name: 'guard',
            data: sources.map(({ path, hash, examples }) => ({ name: path, hash, rows: examples.length })),
            settings: { learningRate: classifier.learningRate, steps: result.steps, maxLength },
            metrics: { loss: result.loss },
          },
        ],
        limitations:
          'A classifier sees what its data showed it. Measure it on traffic of your own before it blocks anyone.',
      },
    });
    file = {
      version: 1,
      kinds: [...kinds],
      categories: [...categories],
      maxLength,
      calibration: calibration as GuardFile['calibration'],
      constitution: constitution ?? null,
      data: sources.map(({ path, hash, use, examples }) => ({ path, hash, use, examples: examples.length })),
      parts: {
        train: counted.train.length,
        calibration: counted.calibration.length,
        test: counted.test.length,
        duplicates,
        testFamilies: [...testFamilies],
      },
      options: { ...classifier, trunk: options.trunk },
      result: { steps: result.steps, loss: result.loss, auc: aucByKind(heldOut, scores, kinds) },
      weightsHash,
    };
    await writeFileAtomic(join(temporary, guardFileName), `${JSON.stringify(file, null, 2)}\n`);
    const rows = parts.test.map((example) => `${JSON.stringify(toGuardRow(example))}\n`);
    await writeFileAtomic(join(temporary, testFileName), rows.join(''));
  });
  await removeCheckpoints(context.folder);
  return file!;
}

/** A policy may name the categories of a guard that goes on, so none of them is dropped. */
async function usualCategories(
  trunk: TrainGuardOptions['trunk'],
  examples: readonly GuardExample[],
): Promise<string[]> {
  const found = categoriesOf(examples);
  if (typeof trunk === 'string' || !('guard' in trunk)) return found;
  return [...new Set([...(await readGuardFile(trunk.guard)).categories, ...found])].sort();
}

/** A guard's folder may be replaced on request, and nothing else. */
export async function checkPlace(folder: string, overwrite: boolean): Promise<void> {
  if (!(await exists(folder))) return;
  const names = await readdir(folder).catch(() => null);
  if (names?.length === 0) return;
  if (names?.includes(guardFileName)) {
    if (overwrite) return;
    throw new TenetError(
      'usage',
      `${folder} holds a guard already. Choose another folder, or add --overwrite.`,
    );
  }
  throw new TenetError(
    'usage',
    `${folder} exists and holds no guard; it would be lost. Choose another folder.`,
  );
}
