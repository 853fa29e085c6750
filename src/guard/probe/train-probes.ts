/**
 * Makes a guard of linear probes on a model's own hidden states: the cheap first stage of a cascade. Its folder holds no
 * model, but says which one it belongs to.
 */
import { join, relative, resolve } from 'node:path';
import { hashOf, replaceFolder, TenetError, writeFileAtomic } from '../../base/index.ts';
import { loadModelFolder, TokenScorer } from '../../model/index.ts';
import { loadTokenizer } from '../../text/index.ts';
import { calibrateGuard } from '../classifier/calibrate.ts';
import { ChatForm } from '../classifier/chat-form.ts';
import { checkTexts, type EncodedText, encodeExample } from '../classifier/encode-examples.ts';
import { type GuardFile, guardFileName, testFileName } from '../classifier/guard-file.ts';
import type { GuardKind } from '../classifier/heads.ts';
import { aucByKind, largestScores } from '../classifier/text-scorer.ts';
import { Transcript } from '../classifier/transcript.ts';
import { disguised } from '../data/disguise.ts';
import { type GuardExample, toGuardRow } from '../data/guard-example.ts';
import { type PartOptions, partExamples } from '../data/prepare.ts';
import { checkPlace, type GuardSource } from '../train/train-guard.ts';
import { fitProbes, type ProbeOptions } from './fit-probe.ts';
import { ProbeScorer } from './probe-scorer.ts';

/** An answer is always read behind its conversation: the model has read both. */
export const probeKinds = ['input', 'exchange'] as const satisfies readonly GuardKind[];

export interface TrainProbesOptions {
  readonly probe: Omit<ProbeOptions, 'layers'> & {
    /** Layers from 0. Default: one in the middle and the last but one. */
    readonly layers?: readonly number[];
  };
  readonly parts: Omit<PartOptions, 'seed'>;
  readonly disguises?: number;
  readonly maxLength: number;
  readonly constitution?: { readonly name: string; readonly hash: string };
  readonly overwrite?: boolean;
}

/** @param model folder of the model that is guarded @param folder where the guard is saved */
export async function trainProbes(
  folder: string,
  model: string,
  sources: readonly GuardSource[],
  { probe, parts: partOptions, disguises = 0, constitution, ...options }: TrainProbesOptions,
): Promise<GuardFile> {
  const { seed, threads } = probe;
  await checkPlace(folder, options.overwrite ?? false);

  // Step 1. The model, and examples as it reads them.
  const loaded = await loadModelFolder(model);
  if (loaded.head !== 'causal') {
    throw new TenetError('model', `${model} is a ${loaded.head} model; probes read a language model.`);
  }
  const { config, parameters } = loaded;
  const layers = probe.layers ?? usualLayers(config.layers);
  const tokenizer = await loadTokenizer(loaded.tokenizerFolder);
  const chat = ChatForm.of(tokenizer);
  const form = chat ?? new Transcript(tokenizer);
  const of = (use: GuardSource['use']): GuardExample[] =>
    sources.flatMap((source) => (source.use === use ? source.examples : []));
  const parts = partExamples(of('train'), of('test'), { ...partOptions, seed });
  const maxLength = Math.min(options.maxLength, config.maxPositions);
  const encode = (examples: readonly GuardExample[]): EncodedText[] =>
    disguised(examples, { count: disguises, seed }).flatMap((example) =>
      encodeExample(example, form, { kinds: probeKinds, maxLength }),
    );
  const [texts, heldOut] = [encode(parts.train), encode(parts.calibration)];
  checkTexts(texts, probeKinds);

  // Step 2. The probes.
  const states = await TokenScorer.create(config, parameters, { head: null, layers, threads });
  const weights = await fitProbes(states, texts, probeKinds, config.width, { ...probe, layers });
  await states.release();

  // Step 3. Probabilities and thresholds from what they have not seen.
  const scorer = await ProbeScorer.create(config, parameters, weights, { threads });
  const scores: Float32Array[] = [];
  for (const { ids, judgedFrom } of heldOut) {
    const { scores: all } = await scorer.open().read(ids);
    scores.push(largestScores(all.subarray(judgedFrom * probeKinds.length), probeKinds.length));
  }
  await scorer.release();

  // Step 4. The folder.
  const { testFamilies, duplicates, train, calibration, test } = parts;
  const file: GuardFile = {
    version: 1,
    kinds: [...probeKinds],
    categories: [],
    probe: {
      model: relative(resolve(folder), resolve(model)),
      modelHash: parameters.hash(),
      chatTemplate: chat?.templateHash ?? null,
      layers: [...weights.layers],
      window: weights.window,
      rows: weights.rows.map((row) => [...row]),
    },
    maxLength,
    calibration: calibrateGuard(heldOut, scores, probeKinds, []) as GuardFile['calibration'],
    constitution: constitution ?? null,
    data: sources.map(({ path, hash, use, examples }) => ({ path, hash, use, examples: examples.length })),
    parts: {
      ...{ train: train.length, calibration: calibration.length, test: test.length },
      ...{ duplicates, testFamilies: [...testFamilies] },
    },
    options: { ...probe, layers: [...layers], onProgress: undefined, signal: undefined },
    result: { steps: probe.epochs, loss: null, auc: aucByKind(heldOut, scores, probeKinds) },
    weightsHash: hashOf(JSON.stringify(weights)),
  };
  await replaceFolder(folder, async (temporary) => {
    await writeFileAtomic(join(temporary, guardFileName), `${JSON.stringify(file)}\n`);
    const rows = test.map((example) => `${JSON.stringify(toGuardRow(example))}\n`);
    await writeFileAtomic(join(temporary, testFileName), rows.join(''));
  });
  return file;
}

function usualLayers(count: number): number[] {
  return [...new Set([Math.floor(count / 2), Math.max(0, count - 2)])];
}
