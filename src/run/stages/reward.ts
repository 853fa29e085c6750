/** The reward stage: loads comparisons, trains a reward model from the policy, saves it. */
import { resolve } from 'node:path';
import { Random, TenetError } from '../../base/index.ts';
import {
  type EncodedRanking,
  type Encoder,
  type Example,
  examplesOf,
  readRecords,
} from '../../data/index.ts';
import {
  decoderSpecs,
  initialiseParameters,
  ParameterStore,
  scalarHeadSpec,
  scoreHeadName,
} from '../../model/index.ts';
import { accuracyCeiling, type CeilingItem } from '../../sandbox/index.ts';
import { trainReward } from '../../train/index.ts';
import { holdOut, loadData } from '../load-data.ts';
import type { InputRecord } from '../manifest.ts';
import type { StageOf } from '../run-recipe.ts';
import { describeLosses } from './encode-texts.ts';
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
  const { context, run, seed } = stage;
  const start = await startModel(stage, { from: options.model });
  const { examples, inputs, panel } = await comparisons(options, stage);
  await run.recordInputs(inputs);
  const wrong = examples.find(({ kind }) => kind !== 'ranking');
  if (wrong) {
    throw new TenetError(
      'data',
      `stage "${stage.name}" needs preferences or rankings, but its data holds ${wrong.kind} records; "tenet data check" says what a file is.`,
    );
  }

  // Step 1. Held-out comparisons, and all of them in tokens.
  const { train, heldOut } = holdOut(examples, options.heldOut, seed);
  const maxLength = Math.min(options.maxLength, start.config.maxPositions);
  const encoder = encoderFor(stage, start.tokenizer, maxLength);
  const encodedTrain = encodeRankings(encoder, train);
  const encodedHeldOut = encodeRankings(encoder, heldOut);
  const losses = describeLosses(encoder);
  if (losses) context.warn(losses);

  // Step 2. The policy's decoder with a fresh head for one number.
  const parameters = new ParameterStore([...decoderSpecs(start.config), scalarHeadSpec(start.config)]);
  const missing = parameters.copyShared(start.parameters);
  initialiseParameters(parameters, new Random(seed).fork('reward head'), missing);
  if (missing.some((name) => name !== scoreHeadName)) {
    throw new TenetError('internal', `reward model: the policy lacks ${missing.join(', ')}`);
  }

  // Step 3. Train, and measure on what was held out.
  const orderIsNeutral =
    panel !== null || examples.some((example) => example.kind === 'ranking' && example.responses.length > 2);
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

/** The recipe's data, or what the newest rankings stage collected. */
async function comparisons(
  options: StageOf<'reward'>,
  stage: StageRun,
): Promise<{
  examples: readonly Example[];
  inputs: readonly InputRecord[];
  panel: keyof typeof panels | null;
}> {
  const { context, run, seed } = stage;
  if (options.data) {
    const { examples, inputs } = await loadData(options.data, {
      purpose: `${stage.name} data`,
      folder: context.folder,
      seed,
    });
    return { examples, inputs, panel: null };
  }
  const collected = stage.finished.findLast(({ type }) => type === 'rankings');
  if (!collected?.result.data) {
    throw new TenetError(
      'usage',
      `stage "${stage.name}" has no data: give it data: { path: … } with preferences or rankings, or put a rankings stage before it.`,
    );
  }
  const examples: Example[] = [];
  for await (const { record, format } of readRecords(resolve(run.path, collected.result.data))) {
    examples.push(...examplesOf(record, format));
  }
  return { examples, inputs: [], panel: collected.result.panel as keyof typeof panels };
}

function encodeRankings(encoder: Encoder, examples: readonly Example[]): EncodedRanking[] {
  return examples.flatMap((example) => encoder.encodeRanking(example) ?? []);
}

function toCeilingItem(example: Example): CeilingItem {
  const { prompt, responses, ranks } = example as Extract<Example, { kind: 'ranking' }>;
  return { prompt: String(prompt), responses: responses.map(String), ranks: ranks.map(Number) };
}
