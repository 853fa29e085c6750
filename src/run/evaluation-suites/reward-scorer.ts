/** A reward model of a run or a folder as a scorer of responses. */
import { Encoder } from '../../data/index.ts';
import type { RewardScorer } from '../../evaluate/index.ts';
import { loadModelFolder, scoreHeadName } from '../../model/index.ts';
import { loadTokenizer } from '../../text/index.ts';
import { HeadScorer, type Sequence } from '../../train/index.ts';
import { expectHead } from '../stages/stage-run.ts';

export interface OpenRewardScorer extends AsyncDisposable {
  /** By the first head. */
  readonly score: RewardScorer;
  /** [items][H][K] by every head, such as the members of an ensemble; null for a prompt that does not fit. */
  scoreHeads(items: Parameters<RewardScorer>[0]): Promise<(readonly Float32Array[] | null)[]>;
}

/**
 * @param folder a reward model's
 * @throws TenetError('model') when it holds a language model
 */
export async function openRewardScorer(
  folder: string,
  options: { readonly threads?: number } = {},
): Promise<OpenRewardScorer> {
  const loaded = await loadModelFolder(folder);
  expectHead(loaded.head, 'reward', folder);
  const tokenizer = await loadTokenizer(loaded.tokenizerFolder);
  const encoder = new Encoder({
    tokenizer,
    wrapInChat: true,
    maxLength: loaded.config.maxPositions,
  });
  const scorer = await HeadScorer.create(loaded.config, loaded.parameters, scoreHeadName, options);
  /** [items][H][K]; null for a prompt that does not fit. */
  async function scoreHeads(items: Parameters<RewardScorer>[0]): Promise<(Float32Array[] | null)[]> {
    const encoded = items.map(({ prompt, responses }) =>
      encoder.encodeRanking(
        { kind: 'ranking', prompt, responses: [...responses], ranks: responses.map((_, i) => i + 1) },
        'truncate-prompt',
      ),
    );
    const sequences = encoded.flatMap((ranking): Sequence[] =>
      ranking ? ranking.responses.map((response) => ({ prompt: ranking.prompt, response })) : [],
    );
    const heads = await scorer.scoreHeads(loaded.parameters, sequences);
    let next = 0;
    return encoded.map((ranking) => {
      if (!ranking) return null;
      const start = next;
      next += ranking.responses.length;
      return heads.map((scores) => scores.subarray(start, next));
    });
  }
  return {
    scoreHeads,
    async score(items) {
      // A prompt that does not fit tells nothing: all its responses score alike, which counts as a tie.
      return (await scoreHeads(items)).map(
        (heads, i) => heads?.[0] ?? new Float32Array(items[i].responses.length),
      );
    },
    [Symbol.asyncDispose]: () => scorer.release(),
  };
}
