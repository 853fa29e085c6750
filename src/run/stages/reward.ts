/** The reward stage: loads comparisons, trains a reward model from the policy, saves it. */
import { Random, TenetError } from '../../base/index.ts';
import type { EncodedRanking, Encoder, Example } from '../../data/index.ts';
import {
  decoderSpecs,
  initialiseParameters,
  type ParameterSpec,
  ParameterStore,
  type RewardHeads,
  scalarHeadSpec,
  singleHead,
} from '../../model/index.ts';
import { accuracyCeiling, type CeilingItem } from '../../sandbox/index.ts';
import { trainReward } from '../../train/index.ts';
import { holdOut } from '../load-data.ts';
import { watchData } from '../monitoring/watch-stage.ts';
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
  type StartModel,
  settingsOf,
  startModel,
} from './stage-run.ts';
import { adaptedCopy } from './trainable.ts';

export async function runReward(options: StageOf<'reward'>, stage: StageRun): Promise<StageResult> {
  const { context, seed } = stage;
  const start = await startModel(stage, { from: options.model, adapter: options.adapter });
  const { examples, inputs, panel } = await loadComparisons(options.data, stage);

  // Step 1. Held-out comparisons, and all of them in tokens.
  const { train, heldOut } = holdOut(examples, options.heldOut, seed);
  const maxLength = Math.min(options.maxLength, start.config.maxPositions);
  const encoder = encoderFor(stage, start.tokenizer, maxLength);
  const encodedTrain = encodeRankings(encoder, train);
  const encodedHeldOut = encodeRankings(encoder, heldOut);
  reportLosses(stage, encoder, encodedTrain, maxLength);

  // Step 2. The policy's decoder with a fresh head for one number, or for several.
  const heads = headsOf(options);
  const head = scalarHeadSpec(start.config, { rows: heads.names.length });
  const random = new Random(seed).fork('reward head');
  const parameters = options.adapter
    ? adaptedCopy(start, options.adapter, { extra: [head], random })
    : withHead(start, head, random);

  // Step 3. Train, and measure on what was held out.
  const orderIsNeutral = panel !== null || examples.some(({ responses }) => responses.length > 2);
  const watch = await watchData(options.monitors, context);
  const result = await trainReward(
    { ...options, maxLength, seed, threads: stage.threads },
    {
      config: start.config,
      parameters,
      rankings: encodedTrain,
      heldOut: encodedHeldOut,
      orderIsNeutral,
      heads,
    },
    watch.context,
  ).finally(() => watch.release());
  const ceiling =
    panel && heldOut.length > 0 ? accuracyCeiling(heldOut.map(toCeilingItem), panels[panel]).ceiling : null;
  const { evaluation } = result;
  const made = await finishModel(
    stage,
    { ...start, parameters },
    {
      head: 'reward',
      heads: { ...heads, means: result.means },
      settings: settingsOf(options),
      metrics: finite({
        steps: result.steps,
        loss: result.loss,
        heldOutAccuracy: evaluation?.accuracy.estimate,
        calibrationError: evaluation?.calibrationError,
        ...Object.fromEntries(
          Object.entries(result.heads).map(([name, one]) => [
            `heldOutAccuracy (${name})`,
            one?.accuracy.estimate,
          ]),
        ),
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
    ...(heads.kind !== 'single' && { heads: result.heads }),
    ...(ceiling !== null && { ceiling }),
    ...watch.record(),
    ...made,
  };
}

/** The policy's decoder, with a head that is drawn. */
function withHead(
  { config, parameters: policy }: StartModel,
  head: ParameterSpec,
  random: Random,
): ParameterStore {
  const parameters = new ParameterStore([...decoderSpecs(config), head]);
  const missing = parameters.copyShared(policy);
  initialiseParameters(parameters, random, missing);
  if (missing.some((name) => name !== head.name)) {
    throw new TenetError('internal', `reward model: the policy lacks ${missing.join(', ')}`);
  }
  return parameters;
}

/** What the scores of the model will be. */
function headsOf({ heads, ensembleHeads }: StageOf<'reward'>): RewardHeads {
  if (heads) return { kind: 'objectives', names: heads, means: null };
  if (ensembleHeads === null) return singleHead;
  const names = Array.from({ length: ensembleHeads }, (_, i) => `member ${i + 1}`);
  return { kind: 'ensemble', names, means: null };
}

function encodeRankings(encoder: Encoder, examples: readonly Example[]): EncodedRanking[] {
  return examples.flatMap((example) => encoder.encodeRanking(example) ?? []);
}

function toCeilingItem(example: Example): CeilingItem {
  const { prompt, responses, ranks } = example as Extract<Example, { kind: 'ranking' }>;
  return { prompt: String(prompt), responses: responses.map(String), ranks: ranks.map(Number) };
}
