/**
 * Reward model training: a decoder with one number at the last token learns to order responses as people do.
 *
 * A ranking of K responses is one element of the batch and gives all its K(K−1)/2 pairs from one forward pass
 * per response (Ouyang et al. 2022, arXiv:2203.02155, section 3.5); a pair is a ranking of two. The score is
 * read at each response's own last token, so padding and neighbours cannot change it.
 *
 * Shapes: R responses of a micro-batch, P pairs among them.
 */
import { type EncodedRanking, Sampler, type SamplerPosition } from '../data/index.ts';
import {
  buildModelGraph,
  countedHidden,
  type DecoderConfig,
  type ParameterStore,
  scalarHead,
  scoreHeadName,
} from '../model/index.ts';
import {
  bradleyTerryLoss,
  type Interval,
  pairCalibration,
  type RankingPairs,
  rankingPairs,
  trivialBaselines,
} from '../objective/index.ts';
import { type Feeds, learningRateAt, stopGradient, sum } from '../tensor/index.ts';
import { loadCheckpoint, saveCheckpoint } from './checkpoint.ts';
import type { StageContext } from './context.ts';
import { meanOf } from './mean.ts';
import { trainerOptions, warmupStepsOf } from './options.ts';
import { checkRankings } from './preflight.ts';
import type { RewardOptions } from './reward-options.ts';
import { HeadScorer } from './scorers.ts';
import { lengthOf, padSequences, type Sequence, tokenFeeds } from './sequences.ts';
import { stopRequested } from './stop.ts';
import { scalarFeed, Trainer } from './trainer.ts';

export interface RewardInputs {
  readonly config: DecoderConfig;
  /** A decoder with `score.weight` [1, D]; trained in place. */
  readonly parameters: ParameterStore;
  readonly rankings: readonly EncodedRanking[];
  /** Measured, not trained on. */
  readonly heldOut: readonly EncodedRanking[];
  /** True: the order of responses in the data means nothing to the label (rankings); false for chosen/rejected. */
  readonly orderIsNeutral: boolean;
}

/** How the model does on held-out pairs, beside rules that look at nothing but length or position. */
export interface RewardEvaluation {
  readonly pairs: number;
  readonly accuracy: Interval;
  readonly meanMargin: number;
  /** Nats; log 2 = 0.693 for a model that knows nothing. */
  readonly logLoss: number;
  /** Expected calibration error. */
  readonly calibrationError: number;
  readonly longestWins: Interval;
  readonly shortestWins: Interval;
  /** Null when the data names the preferred response first. */
  readonly firstWins: Interval | null;
}

export interface RewardResult {
  readonly steps: number;
  readonly loss: number;
  /** Null without held-out pairs of which one response is preferred. */
  readonly evaluation: RewardEvaluation | null;
}

interface RewardState {
  readonly position: SamplerPosition;
  readonly recentLosses: readonly number[];
}

const recentSteps = 20;

/** Trains `inputs.parameters` in place. */
export async function trainReward(
  options: RewardOptions,
  inputs: RewardInputs,
  context: StageContext,
): Promise<RewardResult> {
  const { config, parameters, rankings, heldOut } = inputs;
  checkRankings(rankings);

  // Step 1. The loss over scores at the last tokens.
  const model = buildModelGraph(config, parameters);
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
  });

  // Step 2. The order of the data, and where an interrupted run stood.
  const useful = rankings.filter((ranking) => pairsOf([ranking], options).rankings === 1);
  if (useful.length < rankings.length) {
    context.warn(
      `${rankings.length - useful.length} of ${rankings.length} rankings compare nothing and are left out.`,
    );
  }
  // Ties say nothing about accuracy.
  const measurable = pairsOf(heldOut, { ties: 'skip' }).rankings > 0;
  if (heldOut.length > 0 && !measurable) {
    context.warn('The held-out rankings hold ties only, so the accuracy of the reward model stays unknown.');
  }
  const batchSize = Math.min(options.batchSize, useful.length);
  const sampler = new Sampler({ size: useful.length, batchSize, seed: options.seed });
  const totalSteps =
    options.maxSteps ?? Math.max(1, Math.round(options.numTrainEpochs * sampler.batchesPerEpoch));
  const schedule = {
    schedule: options.lrSchedulerType,
    lr: options.learningRate,
    totalSteps,
    warmupSteps: warmupStepsOf(options, totalSteps),
  };
  const checkpoint = { folder: context.folder, parts: { model: { parameters, optimizer: trainer } } };
  const saved = context.resume ? await loadCheckpoint<RewardState>(checkpoint) : null;
  if (saved) sampler.restore(saved.state.position);
  const recent = [...(saved?.state.recentLosses ?? [])];
  let evaluation: RewardEvaluation | null = null;

  for (let step = (saved?.step ?? 0) + 1; step <= totalSteps; step++) {
    // Step 3. One optimizer step. A ranking is never torn apart: its pairs need all its scores.
    const chosen = sampler.next().map((index) => useful[index]);
    const microBatches = cutRankings(chosen, options.microBatchTokens).map((group) =>
      rankingFeeds(group, chosen.length, options),
    );
    const lr = learningRateAt(step - 1, schedule);
    const result = await trainer.step(microBatches, lr);
    recent.push(result.loss);
    if (recent.length > recentSteps) recent.shift();

    // Step 4. Measure, report, save.
    const last = step === totalSteps;
    if (measurable && (step % options.evalSteps === 0 || last)) {
      evaluation = await evaluateRewardModel(scorer, parameters, heldOut, inputs.orderIsNeutral);
      context.event(step, {
        eval_accuracy: evaluation.accuracy.estimate,
        eval_margin: evaluation.meanMargin,
        eval_loss: evaluation.logLoss,
        eval_calibration_error: evaluation.calibrationError,
      });
    }
    if (step % options.loggingSteps === 0 || last) {
      const accuracy = result.correct / Math.max(1, result.decided);
      context.event(step, {
        loss: result.loss,
        accuracy,
        margin: result.margin,
        mean_reward: result.totalReward / chosen.flatMap(sequencesOf).length,
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

  return { steps: totalSteps, loss: meanOf(recent), evaluation };
}

/** Accuracy, margin and calibration on every decided pair of the rankings. @throws TenetError('usage') when there is none */
export async function evaluateRewardModel(
  scorer: HeadScorer,
  parameters: ParameterStore,
  rankings: readonly EncodedRanking[],
  orderIsNeutral: boolean,
): Promise<RewardEvaluation> {
  const sequences = rankings.flatMap(sequencesOf);
  const scores = await scorer.scoreLast(parameters, sequences);
  const pairs = pairsOf(rankings, { ties: 'skip' });
  const { better, worse } = pairs;
  const calibration = pairCalibration(
    Float64Array.from(better, (index, i) => scores[index] - scores[worse[i]]),
  );
  const lengthAt = (index: number): number => sequences[index].response.length;
  const baselines = trivialBaselines({
    betterLengths: Float64Array.from(better, lengthAt),
    worseLengths: Float64Array.from(worse, lengthAt),
    betterIsFirst: orderIsNeutral
      ? Uint8Array.from(better, (index, i) => (index < worse[i] ? 1 : 0))
      : undefined,
  });
  const { accuracy, meanMargin, logLoss, calibrationError } = calibration;
  return { pairs: calibration.pairs, accuracy, meanMargin, logLoss, calibrationError, ...baselines };
}

function sequencesOf({ prompt, responses }: EncodedRanking): Sequence[] {
  return responses.map((response) => ({ prompt, response }));
}

/** Groups whole rankings so that their padded tokens stay within the budget. */
function cutRankings(rankings: readonly EncodedRanking[], tokenBudget: number): EncodedRanking[][] {
  const longest = (ranking: EncodedRanking): number => Math.max(...sequencesOf(ranking).map(lengthOf));
  const sorted = rankings
    .map((ranking) => ({ ranking, length: longest(ranking) }))
    .sort((a, b) => b.length - a.length);
  const groups: EncodedRanking[][] = [];
  let rows = 0;
  let width = 0;
  for (const { ranking, length } of sorted) {
    const size = ranking.responses.length;
    if (groups.length === 0 || (rows + size) * width > tokenBudget) {
      groups.push([]);
      rows = 0;
      width = length;
    }
    groups[groups.length - 1].push(ranking);
    rows += size;
  }
  return groups;
}

/** The pairs to learn from; soft labels count where there are any. */
function pairsOf(rankings: readonly EncodedRanking[], { ties }: Pick<RewardOptions, 'ties'>): RankingPairs {
  return rankingPairs(
    rankings.map(({ ranks }) => ranks),
    { ties, preferences: rankings.map(({ preferences }) => preferences) },
  );
}

function rankingFeeds(rankings: readonly EncodedRanking[], total: number, options: RewardOptions): Feeds {
  const sequences = rankings.flatMap(sequencesOf);
  const batch = padSequences(sequences);
  const { better, worse, weights, targets } = pairsOf(rankings, options);
  const marginOf = rankings.flatMap(({ responses, margin }) => responses.map(() => margin ?? 0));
  return {
    ...tokenFeeds(batch),
    rows: Int32Array.from(sequences, (sequence, row) => row * batch.length + lengthOf(sequence) - 1),
    better,
    worse,
    weights,
    pairTargets: targets,
    margins: Float32Array.from(better, (index) => (options.useMargins ? marginOf[index] : 0)),
    normaliser: scalarFeed(total),
  };
}
