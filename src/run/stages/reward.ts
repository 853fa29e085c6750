/** The reward stage: loads comparisons, trains a reward model from the policy, saves it. */
import { Random, TenetError } from '../../base/index.ts';
import type { EncodedRanking, Encoder, Example } from '../../data/index.ts';
import {
  decoderSpecs,
  initialiseParameters,
  ParameterStore,
  scalarHeadSpec,
  scoreHeadName,
} from '../../model/index.ts';
import { accuracyCeiling, type CeilingItem } from '../../sandbox/index.ts';
import { trainReward } from '../../train/index.ts';
import { holdOut } from '../load-data.ts';
import type { StageOf } from '../run-recipe.ts';
import { loadComparisons } from './comparisons.ts';
import { reportLosses } from './expect-examples.ts';
import { finite } from './pretrain.ts';
import { panels } from './rankings.ts';
import {
  encoderFor,
  finishModel,
  type StageResult,
  type StageRun,
  settingsOf,
  startModel,
} from './stage-run.ts';

export async function runReward(options: StageOf<'reward'>, stage: StageRun): Promise<StageResult> {
  const { context, seed } = stage;
  const start = await startModel(stage, { from: options.model });
  const { examples, inputs, panel } = await loadComparisons(options.data, stage);

  // Step 1. Held-out comparisons, and all of them in tokens.
  const { train, heldOut } = holdOut(examples, options.heldOut, seed);
  const maxLength = Math.min(options.maxLength, start.config.maxPositions);
  const encoder = encoderFor(stage, start.tokenizer, maxLength);
  const encodedTrain = encodeRankings(encoder, train);
  const encodedHeldOut = encodeRankings(encoder, heldOut);
  reportLosses(stage, encoder, encodedTrain, maxLength);

  // Step 2. The policy's decoder with a fresh head for one number.
  const parameters = new ParameterStore([...decoderSpecs(start.config), scalarHeadSpec(start.config)]);
  const missing = parameters.copyShared(start.parameters);
  initialiseParameters(parameters, new Random(seed).fork('reward head'), missing);
  if (missing.some((name) => name !== scoreHeadName)) {
    throw new TenetError('internal', `reward model: the policy lacks ${missing.join(', ')}`);
  }

  // Step 3. Train, and measure on what was held out.
  const orderIsNeutral = panel !== null || examples.some(({ responses }) => responses.length > 2);
  const result = await trainReward(
    { ...options, maxLength, seed, threads: stage.threads },
    { config: start.config, parameters, rankings: encodedTrain, heldOut: encodedHeldOut, orderIsNeutral },
    context,
  );
  const ceiling =
    panel && heldOut.length > 0 ? accuracyCeiling(heldOut.map(toCeilingItem), panels[panel]).ceiling : null;
  const { evaluation } = result;
  const made = await finishModel(
    stage,
    { ...start, parameters },
    {
      head: 'reward',
      settings: settingsOf(options),
      metrics: finite({
        steps: result.steps,
        loss: result.loss,
        heldOutAccuracy: evaluation?.accuracy.estimate,
        calibrationError: evaluation?.calibrationError,
      }),
      data: inputs,
    },
  );
  return {
    steps: result.steps,
    loss: result.loss,
    rankings: encodedTrain.length,
    heldOutRankings: encodedHeldOut.length,
    ...(evaluation && { accuracy: evaluation.accuracy.estimate, evaluation }),
    ...(ceiling !== null && { ceiling }),
    ...made,
  };
}

function encodeRankings(encoder: Encoder, examples: readonly Example[]): EncodedRanking[] {
  return examples.flatMap((example) => encoder.encodeRanking(example) ?? []);
}

function toCeilingItem(example: Example): CeilingItem {
  const { prompt, responses, ranks } = example as Extract<Example, { kind: 'ranking' }>;
  return { prompt: String(prompt), responses: responses.map(String), ranks: ranks.map(Number) };
}
