/**
 * Direct preference optimisation: a policy from comparisons, without a reward model and without sampling.
 *
 * As long as the reference model does not change, its log-probabilities are computed once before the first step, with
 * the weights that the policy starts from; no second model is kept in memory while training.
 *
 * @see Rafailov et al. 2023, arXiv:2305.18290, eq. 7; for the other losses `src/objective/dpo-losses.ts`.
 */
import type { EncodedPreference } from '../data/index.ts';
import { trlMetricNames } from '../objective/index.ts';
import type { StageContext } from './context.ts';
import { DataTraining } from './data-training.ts';
import { comparesPairs, dpoLossOf, tokenWeightsOf } from './dpo-loss.ts';
import { type DpoOptions, dpoRules } from './dpo-options.ts';
import { Evaluator } from './evaluator.ts';
import { followPolicy, refuseMixedAdapters } from './kl-penalty.ts';
import { refuseOptions } from './option-rules.ts';
import { trainerOptions } from './options.ts';
import {
  buildPairGraph,
  chosenOf,
  type PairInputs,
  type PairResult,
  pairFeeds,
  pairTokens,
  rejectedOf,
} from './pair-batch.ts';
import { checkPairs } from './preflight.ts';
import { pickReference, type ReferenceLogProbs, referenceLogProbs } from './reference-log-probs.ts';
import { rehearse, rowLengthOf } from './rehearsal.ts';
import { ResponseScorer } from './scorers.ts';
import { Trainer } from './trainer.ts';

/** What a checkpoint keeps of the reference: the policy has moved since the numbers were computed. */
interface DpoState {
  readonly pairs: ReferenceLogProbs | null;
  readonly heldOut: ReferenceLogProbs | null;
}

/** Trains `inputs.parameters` in place. */
export async function trainDpo(
  options: DpoOptions,
  inputs: PairInputs,
  context: StageContext,
): Promise<PairResult> {
  const { config, parameters, pairs, heldOut } = inputs;
  refuseOptions('DPO', options, dpoRules);
  refuseMixedAdapters('DPO', options, parameters);
  checkPairs(pairs, 'DPO', heldOut);

  // Step 1. The loss over log-probabilities of whole responses.
  const graphOptions = { weightsTokens: options.ldAlpha !== null };
  const { gradientCheckpointing } = options;
  const graph = buildPairGraph(config, parameters, { ...graphOptions, gradientCheckpointing });
  const { loss, metrics } = dpoLossOf(graph, options);
  await using trainer = await Trainer.create(graph.model, loss, metrics, parameters, {
    ...trainerOptions(options),
    folder: context.folder,
  });
  await using evaluator = heldOut.length > 0 ? await createEvaluator(inputs, options, graphOptions) : null;

  // Step 2. What the reference model thinks of the pairs: of all of them now, or of each step's in that step. When
  // resuming, what it had become or what it said.
  const reference = options.precomputeRefLogProbs ? parameters : parameters.clone();
  const training = await DataTraining.create<DpoState>({
    options,
    size: pairs.length,
    context,
    trainer,
    parts: {
      model: { parameters, optimizer: trainer },
      ...(options.syncRefModel && { reference: { parameters: reference } }),
    },
    metricNames: { ...trlMetricNames.preference, ...trlMetricNames.preferenceTokens },
  });
  const weights = tokenWeightsOf(pairs, options);
  const heldOutWeights = tokenWeightsOf(heldOut, options);
  const createScorer = (): Promise<ResponseScorer> =>
    ResponseScorer.create(config, parameters, {
      threads: options.threads,
      tokenBudget: options.microBatchTokens,
    });
  await using scorer = options.precomputeRefLogProbs ? null : await createScorer();
  const judge = async (
    some: readonly EncodedPreference[],
    someWeights: typeof weights,
  ): Promise<ReferenceLogProbs> => {
    await using once = scorer ? null : await createScorer();
    return await referenceLogProbs((scorer ?? once) as ResponseScorer, reference, some, someWeights);
  };
  const known: DpoState = training.restored ?? {
    pairs: options.precomputeRefLogProbs ? await judge(pairs, weights) : null,
    heldOut: options.syncRefModel ? null : await judge(heldOut, heldOutWeights),
  };
  const feedOptions = {
    tokenBudget: options.microBatchTokens,
    together: comparesPairs(options) ? options.batchSize : undefined,
  };
  const measure =
    evaluator &&
    (async () => {
      const perPair = { ...(known.heldOut ?? (await judge(heldOut, heldOutWeights))) };
      return evaluator.measure(pairFeeds(heldOut, { ...feedOptions, perPair, tokenWeights: heldOutWeights }));
    });

  await rehearse(trainer, pairs.flatMap((pair) => [chosenOf(pair), rejectedOf(pair)]).map(rowLengthOf), {
    perStep: 2 * options.batchSize,
    perPrompt: 2,
    tokenBudget: options.microBatchTokens,
  });
  for (const step of training.remaining()) {
    // Step 3. One optimizer step.
    const chosen = step.rows.map((i) => pairs[i]);
    const tokenWeights = weights && step.rows.map((i) => weights[i]);
    const perPair = {
      ...(known.pairs ? pickReference(known.pairs, step.rows) : await judge(chosen, tokenWeights)),
    };
    const microBatches = pairFeeds(chosen, { ...feedOptions, perPair, tokenWeights });
    const result = await training.update(step, microBatches, pairTokens(chosen));
    if (options.syncRefModel && step.number % options.refModelSyncSteps === 0) {
      followPolicy(reference, parameters, options.refModelMixupAlpha);
    }

    // Step 4. Measure, report, save.
    await training.finish(step, {
      result,
      progress: { accuracy: result.rewardsAccuracies },
      measure,
      keep: () => known,
    });
  }

  return {
    steps: training.totalSteps,
    loss: training.recentLoss,
    heldOutAccuracy: training.heldOut?.rewardsAccuracies ?? null,
  };
}

function createEvaluator(
  { config, parameters }: PairInputs,
  options: DpoOptions,
  graphOptions: { readonly weightsTokens: boolean },
): Promise<Evaluator> {
  const graph = buildPairGraph(config, parameters, graphOptions);
  const { loss, metrics } = dpoLossOf(graph, options);
  return Evaluator.create(graph.model, { loss, ...metrics }, parameters, { threads: options.threads });
}
