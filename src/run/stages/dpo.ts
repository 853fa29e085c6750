/** The dpo stage: loads comparisons, trains the policy on them directly, saves it. */
import { type EncodedPreference, type Encoder, pairsOf, type RankingExample } from '../../data/index.ts';
import { trainDpo } from '../../train/index.ts';
import { holdOut } from '../load-data.ts';
import type { StageOf } from '../run-recipe.ts';
import { loadComparisons } from './comparisons.ts';
import { reportLosses } from './expect-examples.ts';
import { finite } from './pretrain.ts';
import {
  encoderFor,
  finishModel,
  type StageResult,
  type StageRun,
  settingsOf,
  startModel,
} from './stage-run.ts';

export async function runDpo(options: StageOf<'dpo'>, stage: StageRun): Promise<StageResult> {
  const { context, seed } = stage;
  const start = await startModel(stage, { from: options.model });
  const { examples, inputs } = await loadComparisons(options.data, stage);
  const { train, heldOut } = holdOut(examples, options.heldOut, seed);
  const maxLength = Math.min(options.maxLength, start.config.maxPositions);
  const encoder = encoderFor(stage, start.tokenizer, maxLength);
  const pairs = encodePairs(encoder, train);
  reportLosses(stage, encoder, pairs, maxLength);
  const result = await trainDpo(
    { ...options, maxLength, seed, threads: stage.threads },
    { config: start.config, parameters: start.parameters, pairs, heldOut: encodePairs(encoder, heldOut) },
    context,
  );
  const made = await finishModel(stage, start, {
    head: 'causal',
    settings: settingsOf(options),
    metrics: finite({ ...result }),
    data: inputs,
  });
  return { ...result, pairs: pairs.length, ...made };
}

/** Every decided pair of every comparison. */
function encodePairs(encoder: Encoder, examples: readonly RankingExample[]): EncodedPreference[] {
  return examples.flatMap((example) =>
    pairsOf(example).flatMap(({ chosen, rejected }) => {
      const pair: RankingExample = { ...example, responses: [chosen, rejected], ranks: [1, 2] };
      return encoder.encodePreference(pair) ?? [];
    }),
  );
}
