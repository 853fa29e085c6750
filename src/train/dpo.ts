/**
 * Direct preference optimisation: a policy from comparisons, without a reward model and without sampling.
 *
 * The reference model never changes, so its log-probabilities are computed once before the first step, with the
 * weights that the policy starts from; no second model is kept in memory while training.
 *
 * Shapes: P pairs of a micro-batch (2P sequences: chosen and rejected by turns), N counted tokens.
 *
 * @see Rafailov et al. 2023, arXiv:2305.18290, eq. 7.
 */
import { type EncodedPreference, Sampler, type SamplerPosition } from '../data/index.ts';
import {
  buildModelGraph,
  countedLogProbs,
  countedTargets,
  type DecoderConfig,
  type ModelGraph,
  type ParameterStore,
} from '../model/index.ts';
import { crossEntropyLoss, dpoLoss, packedLayout, trlMetricNames } from '../objective/index.ts';
import { type Feeds, gatherRows, learningRateAt, multiply, Session, type Tensor } from '../tensor/index.ts';
import { loadCheckpoint, saveCheckpoint } from './checkpoint.ts';
import type { StageContext } from './context.ts';
import type { DpoOptions } from './dpo-options.ts';
import { meanOf } from './mean.ts';
import { trainerOptions, warmupStepsOf } from './options.ts';
import { checkRankings } from './preflight.ts';
import { ResponseScorer } from './scorers.ts';
import { lengthOf, padSequences, planMicroBatches, type Sequence, tokenFeeds } from './sequences.ts';
import { stopRequested } from './stop.ts';
import { scalarFeed, Trainer } from './trainer.ts';

export interface DpoInputs {
  readonly config: DecoderConfig;
  /** The policy, trained in place; its weights at the start are the reference. */
  readonly parameters: ParameterStore;
  readonly pairs: readonly EncodedPreference[];
  /** Measured, not trained on; may be empty. */
  readonly heldOut: readonly EncodedPreference[];
}

export interface DpoResult {
  readonly steps: number;
  readonly loss: number;
  /** Part of the held-out pairs whose chosen response has the larger implicit reward; null without any. */
  readonly heldOutAccuracy: number | null;
}

/** A pair with what the reference model thinks of it. */
interface ReferencedPair {
  readonly chosen: Sequence;
  readonly rejected: Sequence;
  /** log π_ref of the whole response, nats. */
  readonly chosenReference: number;
  readonly rejectedReference: number;
}

interface DpoState {
  readonly position: SamplerPosition;
  readonly recentLosses: readonly number[];
  /** [pairs, 2] reference log-probabilities: the policy has moved since they were computed. */
  readonly reference: readonly number[];
  readonly heldOutReference: readonly number[];
}

const recentSteps = 20;

/** Trains `inputs.parameters` in place. */
export async function trainDpo(
  options: DpoOptions,
  inputs: DpoInputs,
  context: StageContext,
): Promise<DpoResult> {
  const { config, parameters } = inputs;
  checkRankings(
    inputs.pairs.map(({ chosen, rejected }) => ({ responses: [chosen, rejected], ranks: [1, 2] })),
  );

  // Step 1. The loss over log-probabilities of whole responses.
  const model = buildModelGraph(config, parameters);
  const { loss, metrics } = lossOf(model, options);
  const trainer = await Trainer.create(model, loss, metrics, parameters, {
    ...trainerOptions(options),
    folder: context.folder,
  });

  // Step 2. The reference model's view of every pair; or, when resuming, what it was.
  const checkpoint = { folder: context.folder, parts: { model: { parameters, optimizer: trainer } } };
  const saved = context.resume ? await loadCheckpoint<DpoState>(checkpoint) : null;
  const reference = saved?.state.reference ?? (await referenceLogProbs(inputs.pairs, inputs, options));
  const heldOutReference =
    saved?.state.heldOutReference ?? (await referenceLogProbs(inputs.heldOut, inputs, options));
  const pairs = withReference(inputs.pairs, reference);
  const heldOut = withReference(inputs.heldOut, heldOutReference);
  const evaluation = heldOut.length > 0 ? await createEvaluation(inputs, options, heldOut) : null;

  const sampler = new Sampler({
    size: pairs.length,
    batchSize: Math.min(options.batchSize, pairs.length),
    seed: options.seed,
  });
  if (saved) sampler.restore(saved.state.position);
  const recent = [...(saved?.state.recentLosses ?? [])];
  const totalSteps =
    options.maxSteps ?? Math.max(1, Math.round(options.numTrainEpochs * sampler.batchesPerEpoch));
  const schedule = {
    schedule: options.lrSchedulerType,
    lr: options.learningRate,
    totalSteps,
    warmupSteps: warmupStepsOf(options, totalSteps),
  };
  let heldOutAccuracy: number | null = null;

  for (let step = (saved?.step ?? 0) + 1; step <= totalSteps; step++) {
    // Step 3. One optimizer step.
    const chosen = sampler.next().map((index) => pairs[index]);
    const lr = learningRateAt(step - 1, schedule);
    const result = await trainer.step(microBatchesOf(chosen, options.microBatchTokens), lr);
    recent.push(result.loss);
    if (recent.length > recentSteps) recent.shift();

    // Step 4. Measure, report, save.
    const last = step === totalSteps;
    if (evaluation && (step % options.evalSteps === 0 || last)) {
      const measured = await evaluation.measure();
      heldOutAccuracy = measured.rewardsAccuracies;
      context.event(step, {
        eval_loss: measured.loss,
        'eval_rewards/accuracies': measured.rewardsAccuracies,
        'eval_rewards/margins': measured.rewardsMargins,
      });
    }
    if (step % options.loggingSteps === 0 || last) {
      const named = Object.entries(trlMetricNames.preference).filter(([key]) => key in result);
      context.event(step, {
        loss: result.loss,
        ...Object.fromEntries(named.map(([key, name]) => [name, result[key]])),
        grad_norm: result.gradNorm,
        lr,
      });
      context.progress(step, totalSteps, { loss: meanOf(recent), accuracy: result.rewardsAccuracies });
    }
    const stopping = context.signal.aborted && !last;
    if (stopping || (step % options.saveSteps === 0 && !last)) {
      const state: DpoState = {
        position: sampler.position,
        recentLosses: recent,
        reference,
        heldOutReference,
      };
      await saveCheckpoint(checkpoint, step, state, options.saveTotalLimit);
    }
    if (stopping) throw stopRequested(step, totalSteps, 'step');
  }

  await trainer.release();
  await evaluation?.release();
  return { steps: totalSteps, loss: meanOf(recent), heldOutAccuracy };
}

/** The loss on a model's graph; sums over tokens and pairs are divided by totals of the whole step. */
function lossOf(
  model: ModelGraph,
  options: DpoOptions,
): { loss: Tensor; metrics: Readonly<Record<string, Tensor>> } {
  const { graph } = model;
  const perPair = (name: string): Tensor => graph.input(name, 'real', ['P']);
  const tokens = countedLogProbs(model);
  const counted = graph.input('counted', 'real', ['N']);
  const layout = packedLayout({
    sequence: graph.input('sequence', 'int32', ['N']),
    counted,
    like: graph.input('sequenceZeros', 'real', ['R']),
  });
  const responses = layout.sumPerSequence(tokens.logProbs); // [R]
  const chosen = graph.input('chosen', 'int32', ['P']);
  const rejected = graph.input('rejected', 'int32', ['P']);
  const isChosen = graph.input('isChosen', 'real', ['N']);
  const chosenCrossEntropy = crossEntropyLoss({
    logProbs: multiply(tokens.logProbs, isChosen),
    counted,
    normaliser: graph.input('chosenTotal', 'real', []),
  }).loss;
  const { loss, metrics } = dpoLoss({
    chosenLogProbs: gatherRows(responses, chosen),
    rejectedLogProbs: gatherRows(responses, rejected),
    referenceChosenLogProbs: perPair('referenceChosen'),
    referenceRejectedLogProbs: perPair('referenceRejected'),
    chosenLengths: gatherRows(layout.lengths, chosen),
    rejectedLengths: gatherRows(layout.lengths, rejected),
    chosenCrossEntropy,
    pairTotal: graph.input('pairTotal', 'real', []),
    losses: options.lossType.map((type, i) => ({ type, weight: options.lossWeights?.[i] ?? 1 })),
    beta: options.beta,
    labelSmoothing: options.labelSmoothing,
    fDivergenceType: options.fDivergenceType,
    fAlphaDivergenceCoef: options.fAlphaDivergenceCoef,
    discopopTau: options.discopopTau,
  });
  return { loss, metrics: { ...metrics } };
}

/** [pairs · 2] log π_ref of chosen and rejected responses by turns, with the parameters as they are now. */
async function referenceLogProbs(
  pairs: readonly EncodedPreference[],
  { config, parameters }: DpoInputs,
  options: DpoOptions,
): Promise<number[]> {
  if (pairs.length === 0) return [];
  const scorer = await ResponseScorer.create(config, parameters, { threads: options.threads });
  const sequences = pairs.flatMap(({ prompt, chosen, rejected }) => [
    { prompt, response: chosen },
    { prompt, response: rejected },
  ]);
  const scores = await scorer.score(parameters, sequences);
  await scorer.release();
  return scores.map(({ logProbs }) => logProbs.reduce((sum, value) => sum + value, 0));
}

function withReference(pairs: readonly EncodedPreference[], reference: readonly number[]): ReferencedPair[] {
  return pairs.map(({ prompt, chosen, rejected }, i) => ({
    chosen: { prompt, response: chosen },
    rejected: { prompt, response: rejected },
    chosenReference: reference[2 * i],
    rejectedReference: reference[2 * i + 1],
  }));
}

/** The feeds of one step; a pair is never torn apart. */
function microBatchesOf(pairs: readonly ReferencedPair[], tokenBudget: number): Feeds[] {
  const lengths = pairs.map(({ chosen, rejected }) => Math.max(lengthOf(chosen), lengthOf(rejected)));
  const chosenTotal = pairs.reduce((sum, { chosen }) => sum + chosen.response.length, 0);
  return planMicroBatches(lengths, Math.ceil(tokenBudget / 2)).map((group) => {
    const members = group.map((index) => pairs[index]);
    const sequences = members.flatMap(({ chosen, rejected }) => [chosen, rejected]);
    const batch = padSequences(sequences);
    const { rows, targets } = countedTargets(batch);
    const sequence = Int32Array.from(
      sequences.flatMap(({ response }, i) => new Array<number>(response.length).fill(i)),
    );
    return {
      ...tokenFeeds(batch),
      rows,
      targets,
      sequence,
      counted: new Float32Array(targets.length).fill(1),
      isChosen: Float32Array.from(sequence, (index) => 1 - (index % 2)),
      sequenceZeros: new Float32Array(sequences.length),
      chosen: Int32Array.from(members, (_, i) => 2 * i),
      rejected: Int32Array.from(members, (_, i) => 2 * i + 1),
      referenceChosen: Float32Array.from(members, ({ chosenReference }) => chosenReference),
      referenceRejected: Float32Array.from(members, ({ rejectedReference }) => rejectedReference),
      pairTotal: scalarFeed(pairs.length),
      chosenTotal: scalarFeed(chosenTotal),
    };
  });
}

/** Loss, accuracy and margin on held-out pairs with the parameters as they are. */
async function createEvaluation(
  { config, parameters }: DpoInputs,
  options: DpoOptions,
  heldOut: readonly ReferencedPair[],
): Promise<{ measure(): Promise<Record<string, number>>; release(): Promise<void> }> {
  const model = buildModelGraph(config, parameters);
  const { loss, metrics } = lossOf(model, options);
  const session = await Session.create<string>(
    model.graph,
    { loss, ...metrics },
    { threads: options.threads },
  );
  const weights = Object.fromEntries(
    [...model.weights.inputs.keys()].map((name) => [name, parameters.view(name)]),
  );
  const microBatches = microBatchesOf(heldOut, options.microBatchTokens);
  return {
    async measure() {
      const totals: Record<string, number> = {};
      for (const feeds of microBatches) {
        const values = await session.run({ ...weights, ...feeds });
        for (const [name, { data }] of Object.entries(values))
          totals[name] = (totals[name] ?? 0) + Number(data[0]);
      }
      return totals;
    },
    release: () => session.release(),
  };
}
