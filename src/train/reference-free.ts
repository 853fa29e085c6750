/**
 * A policy from comparisons without a reference model: the loop of ORPO, CPO and SimPO, which differ in the loss alone.
 */
import { trlMetricNames } from '../objective/index.ts';
import type { Tensor } from '../tensor/index.ts';
import type { StageContext } from './context.ts';
import { DataTraining, type DataTrainingOptions } from './data-training.ts';
import { Evaluator } from './evaluator.ts';
import { trainerOptions } from './options.ts';
import {
  buildPairGraph,
  chosenOf,
  type PairGraph,
  type PairInputs,
  type PairResult,
  pairFeeds,
  pairTokens,
  rejectedOf,
} from './pair-batch.ts';
import { checkPairs } from './preflight.ts';
import { rehearse, rowLengthOf } from './rehearsal.ts';
import { Trainer } from './trainer.ts';

export interface ReferenceFreeMethod {
  /** For messages. */
  readonly name: string;
  /** Builds the loss; metrics as `trlMetricNames.preference` calls them. */
  readonly lossOf: (graph: PairGraph) => { readonly loss: Tensor; readonly metrics: object };
}

/** Trains `inputs.parameters` in place. */
export async function trainReferenceFree(
  { name, lossOf }: ReferenceFreeMethod,
  options: DataTrainingOptions & {
    readonly microBatchTokens: number;
    readonly gradientCheckpointing: boolean;
    readonly threads?: number;
  },
  inputs: PairInputs,
  context: StageContext,
): Promise<PairResult> {
  const { config, parameters, pairs, heldOut } = inputs;
  checkPairs(pairs, name, heldOut);
  const build = (
    gradientCheckpointing: boolean,
  ): PairGraph & { outputs: { loss: Tensor } & Record<string, Tensor> } => {
    const graph = buildPairGraph(config, parameters, { gradientCheckpointing });
    const { loss, metrics } = lossOf(graph);
    return { ...graph, outputs: { loss, ...metrics, ...graph.metrics } };
  };

  // Step 1. The loss over log-probabilities of responses.
  const trained = build(options.gradientCheckpointing);
  const { loss, ...metrics } = trained.outputs;
  await using trainer = await Trainer.create(trained.model, loss, metrics, parameters, {
    ...trainerOptions(options),
    folder: context.folder,
  });
  const measured = heldOut.length > 0 ? build(false) : null;
  await using evaluator =
    measured &&
    (await Evaluator.create(measured.model, measured.outputs, parameters, { threads: options.threads }));

  // Step 2. The order of the data; or, when resuming, where it stood.
  const training = await DataTraining.create<null>({
    options,
    size: pairs.length,
    context,
    trainer,
    parts: { model: { parameters, optimizer: trainer } },
    metricNames: { ...trlMetricNames.preference, ...trlMetricNames.preferenceTokens },
  });
  const tokenBudget = options.microBatchTokens;
  const measure = evaluator && (() => evaluator.measure(pairFeeds(heldOut, { tokenBudget })));

  await rehearse(trainer, pairs.flatMap((pair) => [chosenOf(pair), rejectedOf(pair)]).map(rowLengthOf), {
    perStep: 2 * options.batchSize,
    perPrompt: 2,
    tokenBudget: options.microBatchTokens,
  });
  for (const step of training.remaining()) {
    // Step 3. One optimizer step.
    const chosen = step.rows.map((i) => pairs[i]);
    const result = await training.update(step, pairFeeds(chosen, { tokenBudget }), pairTokens(chosen));

    // Step 4. Measure, report, save.
    await training.finish(step, {
      result,
      progress: { accuracy: result.rewardsAccuracies },
      measure,
      keep: () => null,
    });
  }

  return {
    steps: training.totalSteps,
    loss: training.recentLoss,
    heldOutAccuracy: training.heldOut?.rewardsAccuracies ?? null,
  };
}
