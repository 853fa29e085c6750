/** The decoder that a classifier stands on: a trained model, another guard's, or a new one with a vocabulary of its own. */
import { Random, TenetError } from '../../base/index.ts';
import {
  type DecoderConfig,
  decoderSpecs,
  initialiseParameters,
  loadModelFolder,
  makeLlamaConfig,
  ParameterStore,
  parameterSpecs,
  plainParameters,
  scalarHeadSpec,
  scoreHeadName,
} from '../../model/index.ts';
import { loadTokenizer, type Tokenizer, trainBpe } from '../../text/index.ts';
import { readGuardFile } from '../classifier/guard-file.ts';
import { headNames } from '../classifier/heads.ts';
import type { GuardExample } from '../data/guard-example.ts';

/** Shape of a new trunk; sizes as in `LlamaShape`. */
export interface NewTrunk {
  readonly vocabSize: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  /** Most tokens it can read. */
  readonly maxPositions: number;
}

/** A guard whose weights go on: its decoder and vocabulary, and its scores as far as they have the same names. */
export interface FormerGuard {
  /** Its folder. */
  readonly guard: string;
}

export interface Trunk {
  readonly config: DecoderConfig;
  /** With its output projection and `score.weight` [H, D]. */
  readonly parameters: ParameterStore;
  readonly tokenizer: Tokenizer;
  readonly name: string;
}

/**
 * @param from     a model folder, a guard that goes on, or the shape of a new trunk
 * @param examples texts that a new vocabulary is learnt from
 * @param heads    [H] names of the scores
 */
export async function makeTrunk(
  from: string | NewTrunk | FormerGuard,
  examples: readonly GuardExample[],
  { heads, seed }: { readonly heads: readonly string[]; readonly seed: number },
): Promise<Trunk> {
  const random = new Random(seed).fork('initial weights');
  if (typeof from !== 'string' && 'guard' in from) return formerTrunk(from.guard, heads, random);
  if (typeof from !== 'string') {
    const texts = examples.flatMap(({ prompt, answer }) => [
      ...prompt.map(({ content }) => content),
      ...(answer === null ? [] : [answer]),
    ]);
    const { tokenizer } = await trainBpe(texts, { vocabSize: from.vocabSize, maxLength: from.maxPositions });
    const config = makeLlamaConfig({
      ...from,
      vocabSize: tokenizer.vocabSize,
      innerWidth: Math.ceil((from.width * 8) / 3 / 32) * 32,
      eosId: tokenizer.eosId,
      padId: tokenizer.padId,
    });
    return { config, parameters: withScores(config, heads, random), tokenizer, name: 'new' };
  }
  const loaded = await loadModelFolder(from);
  if (loaded.head !== 'causal') {
    throw new TenetError(
      'model',
      `${from} is a ${loaded.head} model; a classifier is trained on a language model.`,
    );
  }
  const { config } = loaded;
  const parameters = withScores(config, heads, random);
  parameters.copyShared(await plainParameters(config, loaded.parameters, {}));
  return { config, parameters, tokenizer: await loadTokenizer(loaded.tokenizerFolder), name: from };
}

/** A decoder with its output projection and a row for each score, all of it drawn. */
function withScores(config: DecoderConfig, heads: readonly string[], random: Random): ParameterStore {
  const parameters = new ParameterStore([
    ...parameterSpecs(config),
    scalarHeadSpec(config, { rows: heads.length }),
  ]);
  initialiseParameters(parameters, random);
  return parameters;
}

/** @throws TenetError('model') for a folder that holds no guard, or one of probes, which have no decoder of their own */
async function formerTrunk(folder: string, heads: readonly string[], random: Random): Promise<Trunk> {
  const { probe, kinds, categories } = await readGuardFile(folder);
  if (probe) {
    throw new TenetError(
      'model',
      `${folder} holds probes, which have no weights that a classifier could go on from; start from new ones, or from a language model.`,
    );
  }
  const loaded = await loadModelFolder(folder);
  const { config } = loaded;
  const parameters = withScores(config, heads, random);
  for (const { name } of decoderSpecs(config)) parameters.view(name).set(loaded.parameters.view(name));
  // [H, D], row by row
  const rows = parameters.view(scoreHeadName);
  const before = loaded.parameters.view(scoreHeadName);
  const names = headNames(kinds, categories);
  heads.forEach((head, row) => {
    const known = names.indexOf(head);
    if (known < 0) return;
    rows.set(before.subarray(known * config.width, (known + 1) * config.width), row * config.width);
  });
  return { config, parameters, tokenizer: await loadTokenizer(loaded.tokenizerFolder), name: folder };
}
