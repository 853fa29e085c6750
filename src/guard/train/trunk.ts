/** The decoder that a classifier stands on: a trained model, or a new one with a vocabulary of its own. */
import { Random, TenetError } from '../../base/index.ts';
import {
  type DecoderConfig,
  initialiseParameters,
  loadModelFolder,
  makeLlamaConfig,
  ParameterStore,
  parameterSpecs,
  plainParameters,
  scalarHeadSpec,
} from '../../model/index.ts';
import { loadTokenizer, type Tokenizer, trainBpe } from '../../text/index.ts';
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

export interface Trunk {
  readonly config: DecoderConfig;
  /** With its output projection and `score.weight` [H, D]. */
  readonly parameters: ParameterStore;
  readonly tokenizer: Tokenizer;
  readonly name: string;
}

/**
 * @param from     a model folder, or the shape of a new trunk
 * @param examples texts that a new vocabulary is learnt from
 * @param heads    H
 */
export async function makeTrunk(
  from: string | NewTrunk,
  examples: readonly GuardExample[],
  { heads, seed }: { readonly heads: number; readonly seed: number },
): Promise<Trunk> {
  const random = new Random(seed).fork('initial weights');
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
    const parameters = new ParameterStore([
      ...parameterSpecs(config),
      scalarHeadSpec(config, { rows: heads }),
    ]);
    initialiseParameters(parameters, random);
    return { config, parameters, tokenizer, name: 'new' };
  }
  const loaded = await loadModelFolder(from);
  if (loaded.head !== 'causal') {
    throw new TenetError(
      'model',
      `${from} is a ${loaded.head} model; a classifier is trained on a language model.`,
    );
  }
  const { config } = loaded;
  const parameters = new ParameterStore([...parameterSpecs(config), scalarHeadSpec(config, { rows: heads })]);
  initialiseParameters(parameters, random);
  parameters.copyShared(await plainParameters(config, loaded.parameters, {}));
  return { config, parameters, tokenizer: await loadTokenizer(loaded.tokenizerFolder), name: from };
}
