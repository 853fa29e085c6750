/** The stages that learn from pairs: comparisons loaded, the policy trained on them directly, saved. */
import { type EncodedPreference, type Encoder, pairsOf, type RankingExample } from '../../data/index.ts';
import {
  type PairInputs,
  type PairResult,
  trainCpo,
  trainDpo,
  trainOrpo,
  trainSimpo,
} from '../../train/index.ts';
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

export type PairStage = StageOf<'dpo' | 'orpo' | 'cpo' | 'simpo'>;

export async function runPairMethod(options: PairStage, stage: StageRun): Promise<StageResult> {
  const { seed } = stage;
  const start = await startModel(stage, { from: options.model, adapter: options.adapter });
  const { examples, inputs } = await loadComparisons(options.data, stage);
  const { train: training, heldOut } = holdOut(examples, options.heldOut, seed);
  const maxLength = Math.min(options.maxLength, start.config.maxPositions);
  const encoder = encoderFor(stage, start.tokenizer, maxLength);
  const pairs = encodePairs(encoder, training);
  reportLosses(stage, encoder, pairs, maxLength);
  const result = await train({ ...options, maxLength }, stage, {
    config: start.config,
    parameters: start.parameters,
    pairs,
    heldOut: encodePairs(encoder, heldOut),
  });
  const made = await finishModel(stage, start, {
    head: 'causal',
    settings: settingsOf(options),
    metrics: finite({ ...result }),
    data: inputs,
  });
  return { ...result, pairs: pairs.length, ...made };
}

function train(
  options: PairStage,
  { context, seed, threads }: StageRun,
  inputs: PairInputs,
): Promise<PairResult> {
  const shared = { seed, threads };
  switch (options.type) {
    case 'dpo':
      return trainDpo({ ...options, ...shared }, inputs, context);
    case 'orpo':
      return trainOrpo({ ...options, ...shared }, inputs, context);
    case 'cpo':
      return trainCpo({ ...options, ...shared }, inputs, context);
    case 'simpo':
      return trainSimpo({ ...options, ...shared }, inputs, context);
  }
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
