/** A reward model of a run or a folder as a scorer of responses. */
import { Encoder } from '../../data/index.ts';
import type { RewardScorer } from '../../evaluate/index.ts';
import { loadModelFolder, scoreHeadName } from '../../model/index.ts';
import { loadTokenizer } from '../../text/index.ts';
import { HeadScorer, type Sequence } from '../../train/index.ts';
import { expectHead } from '../stages/stage-run.ts';

export interface OpenRewardScorer extends AsyncDisposable {
  readonly score: RewardScorer;
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
  return {
    async score(items) {
      const encoded = items.map(({ prompt, responses }) =>
        encoder.encodeRanking(
          { kind: 'ranking', prompt, responses: [...responses], ranks: responses.map((_, i) => i + 1) },
          'truncate-prompt',
        ),
      );
      const sequences = encoded.flatMap((ranking): Sequence[] =>
        ranking ? ranking.responses.map((response) => ({ prompt: ranking.prompt, response })) : [],
      );
      const scores = await scorer.scoreLast(loaded.parameters, sequences);
      let next = 0;
      // A prompt that does not fit tells nothing: all its responses score alike, which counts as a tie.
      return encoded.map((ranking, i) => {
        const count = ranking ? ranking.responses.length : 0;
        const own = scores.subarray(next, (next += count));
        return ranking ? own : new Float32Array(items[i].responses.length);
      });
    },
    [Symbol.asyncDispose]: () => scorer.release(),
  };
}
