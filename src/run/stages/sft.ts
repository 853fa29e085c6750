/** The sft stage: loads demonstrations, fine-tunes, saves the policy. */
import { trainSft } from '../../train/index.ts';
import { holdOut, loadData } from '../load-data.ts';
import type { StageOf } from '../run-recipe.ts';
import { collectedBy } from './comparisons.ts';
import { encodeTexts } from './encode-texts.ts';
import { demonstrationsOf, reportLosses } from './expect-examples.ts';
import { finite } from './pretrain.ts';
import {
  encoderFor,
  finishModel,
  type StageResult,
  type StageRun,
  settingsOf,
  startModel,
} from './stage-run.ts';

export async function runSft(options: StageOf<'sft'>, stage: StageRun): Promise<StageResult> {
  const { context, run, seed } = stage;
  const start = await startModel(stage, { from: options.model, adapter: options.adapter });
  const { examples, inputs } = options.data
    ? await loadData(options.data, { purpose: `${stage.name} data`, folder: context.folder, seed })
    : { ...(await collectedBy(stage, 'demonstrations')), inputs: [] };
  await run.recordInputs(inputs);
  const maxLength = Math.min(options.maxLength, start.config.maxPositions);
  const encoder = encoderFor(stage, start.tokenizer, maxLength);
  const { train, heldOut } = holdOut(demonstrationsOf(stage, examples, context.warn), options.heldOut, seed);
  const policy = { tooLong: 'truncate', lossOn: options.completionOnlyLoss ? 'auto' : 'all' } as const;
  const encodedTrain = encodeTexts(encoder, train, policy);
  reportLosses(stage, encoder, encodedTrain, maxLength);
  const result = await trainSft(
    { ...options, maxLength, seed, threads: stage.threads },
    {
      config: start.config,
      parameters: start.parameters,
      examples: encodedTrain,
      heldOut: encodeTexts(encoder, heldOut, policy),
      stopIds: start.stopIds,
    },
    context,
  );
  const made = await finishModel(stage, start, {
    head: 'causal',
    settings: settingsOf(options),
    metrics: finite({ ...result }),
    data: inputs,
  });
  return { ...result, examples: encodedTrain.length, ...made };
}
