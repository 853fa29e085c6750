/**
 * Reward model training: a decoder with a number at the last token learns to order responses as people do; with several
 * numbers, by several objectives, or as several opinions on one.
 *
 * A ranking of K responses is one element of the batch and gives all its K(K−1)/2 pairs from one forward pass
 * per response (Ouyang et al. 2022, arXiv:2203.02155, section 3.5), in which the prompt is computed once; a pair is a
 * ranking of two. The score is read at each response's own last token, so padding and neighbours cannot change it.
 *
 * Shapes: R responses of a micro-batch, H heads, P pairs among their scores [R · H].
 */
import { meanOf } from '../base/index.ts';
import { type EncodedRanking, Sampler, type SamplerPosition } from '../data/index.ts';
import {
  buildModelGraph,
  countedHidden,
  type DecoderConfig,
  type ParameterStore,
  type RewardHeads,
  scalarHead,
  scoreHeadName,
  singleHead,
} from '../model/index.ts';
import { bradleyTerryLoss } from '../objective/index.ts';
import { type Feeds, learningRateAt, stopGradient, sum } from '../tensor/index.ts';
import { loadCheckpoint, saveCheckpoint } from './checkpoint.ts';
import type { StageContext } from './context.ts';
import { scheduleFor, stepsOf, trainerOptions } from './options.ts';
import { checkHeadLabels, checkRankings } from './preflight.ts';
import { rehearse, rowLengthOf } from './rehearsal.ts';
import {
  evaluateHeads,
  type HeadsEvaluation,
  hasDecided,
  type RewardEvaluation,
  sequencesOf,
} from './reward-evaluation.ts';
import { headPairs, type LabelledRanking, labelRankings } from './reward-labels.ts';
import type { RewardOptions } from './reward-options.ts';
import { HeadScorer } from './scorers.ts';
import { sequenceBatches } from './sequence-batches.ts';
import type { Sequence } from './sequences.ts';
import { stopRequested } from './stop.ts';
import { scalarFeed, Trainer } from './trainer.ts';

export interface RewardInputs {
  readonly config: DecoderConfig;
  /** A decoder with `score.weight` [H, D]; trained in place. */
  readonly parameters: ParameterStore;
  readonly rankings: readonly EncodedRanking[];
  /** Measured, not trained on. */
  readonly heldOut: readonly EncodedRanking[];
  /** True: the order of responses in the data means nothing to the label (rankings); false for chosen/rejected. */
  readonly orderIsNeutral: boolean;
  /** What the H scores are. Default: one. */
  readonly heads?: Pick<RewardHeads, 'kind' | 'names'>;
}

export interface RewardResult {
  readonly steps: number;
  readonly loss: number;
  /** Null without held-out pairs of which one response is preferred, and with several objectives. */
  readonly evaluation: RewardEvaluation | null;
  /** By name, where there are several heads. */
  readonly heads: Readonly<Record<string, RewardEvaluation | null>>;
  /** [H] mean score over held-out responses, else over some of those trained on. */
  readonly means: readonly number[];
}

interface RewardState {
  readonly position: SamplerPosition;
  readonly recentLosses: readonly number[];
}

const recentSteps = 20;
/** Rankings over which mean scores are taken. */
const mostMeasured = 256;

/** Trains `inputs.parameters` in place. */
export async function trainReward(
  options: RewardOptions,
  inputs: RewardInputs,
  context: StageContext,
): Promise<RewardResult> {
  const { config, parameters, rankings, heldOut, heads = singleHead } = inputs;
  const count = heads.names.length;
  const labelled = labelRankings(rankings, heads, options);
  if (heads.kind === 'objectives') checkHeadLabels(labelled, heads.names);
  else checkRankings(rankings);

  // Step 1. The loss over scores at the last tokens.
  const model = buildModelGraph(config, parameters, {
    gradientCheckpointing: options.gradientCheckpointing,
    sharedPrompts: true,
  });
  const { graph } = model;
  const scores = scalarHead(model, countedHidden(model), scoreHeadName);
  const { loss, metrics } = bradleyTerryLoss({
    scores,
    better: graph.input('better', 'int32', ['P']),
    worse: graph.input('worse', 'int32', ['P']),
    weights: graph.input('weights', 'real', ['P']),
    targets: graph.input('pairTargets', 'real', ['P']),
    margins: graph.input('margins', 'real', ['P']),
    normaliser: graph.input('normaliser', 'real', []),
    labelSmoothing: options.labelSmoothing,
    centreCoefficient: options.centerRewardsCoefficient ?? 0,
  });
  const { correct, decided, margin } = metrics;
  const totalReward = stopGradient(sum(scores));
  await using trainer = await Trainer.create(
    model,
    loss,
    { correct, decided, margin, totalReward },
    parameters,
    {
      ...trainerOptions(options),
      folder: context.folder,
    },
  );
  await using scorer = await HeadScorer.create(config, parameters, scoreHeadName, {
    threads: options.threads,
    tokenBudget: options.microBatchTokens,
  });

  // Step 2. The order of the data, and where an interrupted run stood.
  const useful = labelled.filter((one) => headPairs([one], count, options).labelled > 0);
  if (useful.length < rankings.length) {
    context.warn(
      `${rankings.length - useful.length} of ${rankings.length} rankings compare nothing and are left out.`,
    );
  }
  const toMeasure = labelRankings(heldOut, heads);
  const measurable = heads.names.some((_, h) => hasDecided(toMeasure, h));
  if (heldOut.length > 0 && !measurable) {
    context.warn('The held-out rankings hold ties only, so the accuracy of the reward model stays unknown.');
  }
  const batchSize = Math.min(options.batchSize, useful.length);
  const sampler = new Sampler({ size: useful.length, batchSize, seed: options.seed });
  const totalSteps = stepsOf(options, sampler.batchesPerEpoch);
  const schedule = scheduleFor(options, totalSteps);
  const checkpoint = { folder: context.folder, parts: { model: { parameters, optimizer: trainer } } };
  const saved = context.resume ? await loadCheckpoint<RewardState>(checkpoint) : null;
  if (saved) sampler.restore(saved.state.position);
  const recent = [...(saved?.state.recentLosses ?? [])];
  const perPrompt = Math.max(...useful.map(({ ranking }) => ranking.responses.length));
  await rehearse(trainer, useful.flatMap(({ ranking }) => sequencesOf(ranking)).map(rowLengthOf), {
    perStep: batchSize * perPrompt,
    perPrompt,
    tokenBudget: options.microBatchTokens,
  });
  let measured: HeadsEvaluation = { evaluation: null, heads: {} };

  for (let step = (saved?.step ?? 0) + 1; step <= totalSteps; step++) {
    // Step 3. One optimizer step. A ranking is never torn apart: its pairs need all its scores.
    const chosen = sampler.next().map((index) => useful[index]);
    const total = headPairs(chosen, count, options).labelled;
    const microBatches = rankingFeeds(chosen, { heads: count, total }, options);
    const lr = learningRateAt(step - 1, schedule);
    const result = await trainer.step(microBatches, lr);
    recent.push(result.loss);
    if (recent.length > recentSteps) recent.shift();

    // Step 4. Measure, report, save.
    const last = step === totalSteps;
    if (measurable && (step % options.evalSteps === 0 || last)) {
      measured = await evaluateHeads(scorer, parameters, heldOut, {
        ...heads,
        orderIsNeutral: inputs.orderIsNeutral,
      });
      context.event(step, evaluationMetrics(measured));
    }
    if (step % options.loggingSteps === 0 || last) {
      const accuracy = result.correct / Math.max(1, result.decided);
      context.event(step, {
        loss: result.loss,
        accuracy,
        margin: result.margin,
        mean_reward: result.totalReward / (count * responsesOf(chosen)),
        grad_norm: result.gradNorm,
        lr,
      });
      context.progress(step, totalSteps, { loss: meanOf(recent), accuracy });
    }
    const stopping = context.signal.aborted && !last;
    if (stopping || (step % options.saveSteps === 0 && !last)) {
      const state: RewardState = { position: sampler.position, recentLosses: recent };
      await saveCheckpoint(checkpoint, step, state, options.saveTotalLimit);
    }
    if (stopping) throw stopRequested(step, totalSteps, 'step');
  }

  const means = await meanScores(scorer, parameters, heldOut.length > 0 ? heldOut : rankings);
  return { steps: totalSteps, loss: meanOf(recent), ...measured, means };
}

/** Of the whole under the usual names; of heads apart with theirs behind. */
function evaluationMetrics({ evaluation, heads }: HeadsEvaluation): Record<string, number> {
  const all = [
    ['', evaluation] as const,
    ...Object.entries(heads).map(([name, one]) => [`/${name}`, one] as const),
  ];
  return Object.fromEntries(
    all.flatMap(([ending, one]) =>
      one === null
        ? []
        : [
            [`eval_accuracy${ending}`, one.accuracy.estimate],
            [`eval_margin${ending}`, one.meanMargin],
            [`eval_loss${ending}`, one.logLoss],
            [`eval_calibration_error${ending}`, one.calibrationError],
          ],
    ),
  );
}

function responsesOf(rankings: readonly LabelledRanking[]): number {
  return rankings.reduce((sum, { ranking }) => sum + ranking.responses.length, 0);
}

/** [H] mean score of each head over some responses, what its scores are centred on. */
async function meanScores(
  scorer: HeadScorer,
  parameters: ParameterStore,
  rankings: readonly EncodedRanking[],
): Promise<number[]> {
  const scores = await scorer.scoreHeads(parameters, rankings.slice(0, mostMeasured).flatMap(sequencesOf));
  return scores.map((list) => meanOf(list));
}

/**
 * The feeds of one step; a ranking is never torn apart.
 * @param heads how many there are
 * @param total rankings of the step, counted for each head that learns from them
 */
function rankingFeeds(
  rankings: readonly LabelledRanking[],
  { heads, total }: { readonly heads: number; readonly total: number },
  options: RewardOptions,
): Feeds[] {
  const sequences: Sequence[] = [];
  const together = rankings.map(({ ranking }) =>
    sequencesOf(ranking).map((sequence) => sequences.push(sequence) - 1),
  );
  const owner = together.flatMap((members, i) => members.map(() => i));
  const batches = sequenceBatches(sequences, {
    ...{ tokenBudget: options.microBatchTokens, sharedPrompts: true, together },
  });
  return batches.map(({ feeds, members, ends }) => {
    const chosen = [...new Set(members.map((member) => owner[member]))];
    // Pairs are numbered by rankings with their responses in order, rows by the length of responses.
    const places = new Map(members.map((member, place) => [member, place]));
    const inOrder = chosen.flatMap((i) => together[i]);
    const { better, worse, weights, targets, margins } = headPairs(
      chosen.map((i) => rankings[i]),
      heads,
      options,
    );
    return {
      ...feeds,
      rows: Int32Array.from(inOrder, (member) => ends[places.get(member)!]),
      better,
      worse,
      weights,
      pairTargets: targets,
      margins,
      normaliser: scalarFeed(total),
    };
  });
}
