/**
 * KTO: a policy from single judgements, desirable or not, without pairs.
 *
 * A response is worth what it gains over a reference point, the policy's divergence from the reference model. That is
 * estimated in every step from responses to *other* prompts. Each example has one such mismatched response throughout:
 * that of the next example with another prompt.
 *
 * The reference model never changes, so its log-probabilities are computed once before the first step.
 *
 * Shapes: S sequences of a micro-batch, N counted tokens.
 *
 * @see Ethayarajh et al. 2024, arXiv:2402.01306, eq. 7 and section 4.1.
 */
import { meanOf } from '../base/index.ts';
import type { EncodedJudged } from '../data/index.ts';
import {
  buildModelGraph,
  countedLogProbs,
  type DecoderConfig,
  type ModelGraph,
  type ParameterStore,
} from '../model/index.ts';
import { ktoLoss, packedLayout, trlMetricNames } from '../objective/index.ts';
import type { Feeds, Tensor } from '../tensor/index.ts';
import type { StageContext } from './context.ts';
import { DataTraining } from './data-training.ts';
import { Evaluator } from './evaluator.ts';
import type { KtoOptions } from './kto-options.ts';
import { trainerOptions } from './options.ts';
import { sequenceIndices } from './policy-batch.ts';
import { checkJudged } from './preflight.ts';
import { sequenceLogProbs } from './reference-log-probs.ts';
import { rehearse, rowLengthOf } from './rehearsal.ts';
import { ResponseScorer } from './scorers.ts';
import { sequenceBatches } from './sequence-batches.ts';
import { lengthOf, type Sequence } from './sequences.ts';
import { responseTokenMetrics } from './token-metrics.ts';
import { scalarFeed, Trainer } from './trainer.ts';

export interface KtoInputs {
  readonly config: DecoderConfig;
  /** The policy, trained in place; its weights at the start are the reference. */
  readonly parameters: ParameterStore;
  readonly judged: readonly EncodedJudged[];
  /** Measured, not trained on; may be empty. */
  readonly heldOut: readonly EncodedJudged[];
}

export interface KtoResult {
  readonly steps: number;
  /** Mean of the last steps. */
  readonly loss: number;
  /** Mean implicit reward of desirable less that of undesirable held-out responses; null without both. */
  readonly heldOutMargin: number | null;
}

/** Judged responses with what the reference model thinks of them; nats. */
interface Judged {
  readonly responses: readonly EncodedJudged[];
  /** Each prompt with a response to another one; empty where there is no reference point. */
  readonly mismatched: readonly Sequence[];
  /** log π_ref of each response, and of each mismatched one. */
  readonly reference: readonly number[];
  readonly mismatchedReference: readonly number[];
}

type ReferenceNumbers = Pick<Judged, 'reference' | 'mismatchedReference'>;

/** What a checkpoint keeps of the reference: the policy has moved since the numbers were computed. */
interface KtoState {
  readonly train: ReferenceNumbers;
  readonly heldOut: ReferenceNumbers;
}

/** Trains `inputs.parameters` in place. */
export async function trainKto(
  options: KtoOptions,
  inputs: KtoInputs,
  context: StageContext,
): Promise<KtoResult> {
  const { config, parameters } = inputs;
  const hasReferencePoint = options.lossType === 'kto';
  checkJudged(inputs.judged, {
    stage: 'KTO',
    needsOtherPrompts: hasReferencePoint,
    heldOut: inputs.heldOut,
  });
  warnOfImbalance(inputs.judged, options, context);

  // Step 1. The loss over log-probabilities of whole responses.
  const model = buildModelGraph(config, parameters, {
    gradientCheckpointing: options.gradientCheckpointing,
  });
  const { loss, ...metrics } = outputsOf(model, options);
  await using trainer = await Trainer.create(model, loss, metrics, parameters, {
    ...trainerOptions(options),
    folder: context.folder,
  });
  const evaluated = inputs.heldOut.length > 0 ? buildModelGraph(config, parameters) : null;
  await using evaluator =
    evaluated &&
    (await Evaluator.create(evaluated, outputsOf(evaluated, options), parameters, {
      threads: options.threads,
    }));
  await using scorer = await ResponseScorer.create(config, parameters, {
    threads: options.threads,
    tokenBudget: options.microBatchTokens,
  });

  // Step 2. The reference model's view of every response and every mismatched one; or, when resuming, what it was.
  const training = await DataTraining.create<KtoState>({
    options,
    size: inputs.judged.length,
    context,
    trainer,
    parts: { model: { parameters, optimizer: trainer } },
    metricNames: { ...trlMetricNames.preference, ...trlMetricNames.preferenceTokens },
  });
  const prepare = async (
    responses: readonly EncodedJudged[],
    known: ReferenceNumbers | undefined,
  ): Promise<Judged> => {
    const mismatched = hasReferencePoint ? mismatch(responses, options.maxLength) : [];
    if (known) return { responses, mismatched, ...known };
    return {
      responses,
      mismatched,
      reference: await sequenceLogProbs(scorer, parameters, responses),
      mismatchedReference: await sequenceLogProbs(scorer, parameters, mismatched),
    };
  };
  const train = await prepare(inputs.judged, training.restored?.train);
  const heldOut = await prepare(inputs.heldOut, training.restored?.heldOut);
  const state: KtoState = { train: referenceOf(train), heldOut: referenceOf(heldOut) };
  const tokenBudget = options.microBatchTokens;
  const measure =
    evaluator &&
    (async () => {
      const rows = heldOut.responses.map((_, i) => i);
      const z = await referencePoint(scorer, parameters, heldOut, rows);
      const measured = await evaluator.measure(judgedFeeds(heldOut, rows, { z, tokenBudget }));
      return completed(measured, { z, judged: heldOut, rows });
    });

  await rehearse(trainer, inputs.judged.map(rowLengthOf), { perStep: options.batchSize, tokenBudget });
  for (const step of training.remaining()) {
    // Step 3. The reference point with the policy as it is, and one optimizer step.
    const { rows } = step;
    const z = await referencePoint(scorer, parameters, train, rows);
    const tokens = rows.reduce((total, i) => total + lengthOf(train.responses[i]), 0);
    const measured = await training.update(step, judgedFeeds(train, rows, { z, tokenBudget }), tokens);
    const result = completed(measured, { z, judged: train, rows });

    // Step 4. Measure, report, save.
    await training.finish(step, {
      result,
      progress: 'rewardsMargins' in result ? { margin: result.rewardsMargins } : {},
      measure,
      keep: () => state,
    });
  }

  return {
    steps: training.totalSteps,
    loss: training.recentLoss,
    heldOutMargin: training.heldOut?.rewardsMargins ?? null,
  };
}

/** Loss and metrics on a model's graph. */
function outputsOf(
  model: ModelGraph,
  options: KtoOptions,
): { readonly loss: Tensor } & Record<string, Tensor> {
  const { graph } = model;
  const perToken = (name: string): Tensor => graph.input(name, 'real', ['N']);
  const perSequence = (name: string): Tensor => graph.input(name, 'real', ['S']);
  const scalar = (name: string): Tensor => graph.input(name, 'real', []);
  const tokens = countedLogProbs(model);
  const desirable = perSequence('desirable');
  const layout = packedLayout({
    sequence: graph.input('sequence', 'int32', ['N']),
    counted: perToken('counted'),
    like: desirable,
  });
  const { loss, metrics } = ktoLoss({
    logProbs: layout.sumPerSequence(tokens.logProbs),
    referenceLogProbs: perSequence('reference'),
    desirable,
    referencePoint: scalar('referencePoint'),
    lossType: options.lossType,
    beta: options.beta,
    desirableWeight: options.desirableWeight,
    undesirableWeight: options.undesirableWeight,
    total: scalar('total'),
    desirableTotal: scalar('desirableTotal'),
    undesirableTotal: scalar('undesirableTotal'),
  });
  const { kl: _, ...measured } = metrics; // the same in every micro-batch; it must not be added up
  return {
    loss,
    ...measured,
    ...responseTokenMetrics(tokens, {
      isChosen: perToken('isDesirable'),
      chosenTokens: scalar('chosenTokens'),
      rejectedTokens: scalar('rejectedTokens'),
    }),
  };
}

/**
 * z: mean log-ratio of policy and reference over the mismatched responses of some examples, at least 0, nats.
 * 0 where there is no reference point.
 */
async function referencePoint(
  scorer: ResponseScorer,
  parameters: ParameterStore,
  { mismatched, mismatchedReference }: Judged,
  rows: readonly number[],
): Promise<number> {
  if (mismatched.length === 0) return 0;
  const own = await sequenceLogProbs(
    scorer,
    parameters,
    rows.map((i) => mismatched[i]),
  );
  return Math.max(0, meanOf(own.map((value, place) => value - mismatchedReference[rows[place]])));
}

/**
 * Every prompt with the response of the next example that has another prompt, cut to the longest sequence allowed.
 */
function mismatch(judged: readonly EncodedJudged[], maxLength: number): Sequence[] {
  const keys = judged.map(({ prompt }) => prompt.join());
  return judged.map(({ prompt }, i) => {
    let other = (i + 1) % judged.length;
    while (keys[other] === keys[i] && other !== i) other = (other + 1) % judged.length;
    const { response } = judged[other];
    return { prompt, response: response.subarray(0, Math.max(1, maxLength - prompt.length)) };
  });
}

/** The feeds of one step, or of all held-out responses. */
function judgedFeeds(
  { responses, reference }: Judged,
  rows: readonly number[],
  { z, tokenBudget }: { readonly z: number; readonly tokenBudget: number },
): Feeds[] {
  const desirable = rows.filter((i) => responses[i].label);
  const tokensOf = (some: readonly number[]): number =>
    some.reduce((total, i) => total + responses[i].response.length, 0);
  const goodTokens = tokensOf(desirable);
  const shared = {
    referencePoint: scalarFeed(z),
    total: scalarFeed(rows.length),
    desirableTotal: scalarFeed(Math.max(1, desirable.length)),
    undesirableTotal: scalarFeed(Math.max(1, rows.length - desirable.length)),
    chosenTokens: scalarFeed(goodTokens),
    rejectedTokens: scalarFeed(tokensOf(rows) - goodTokens),
  };
  const batches = sequenceBatches(
    rows.map((i) => responses[i]),
    { tokenBudget, sharedPrompts: false },
  );
  return batches.map((batch) => {
    const members = batch.members.map((place) => rows[place]);
    const labels = Float32Array.from(members, (i) => Number(responses[i].label));
    const sequence = sequenceIndices(members.map((i) => responses[i].response.length));
    return {
      ...shared,
      ...batch.feeds,
      rows: batch.rows,
      targets: batch.targets,
      sequence,
      counted: new Float32Array(sequence.length).fill(1),
      desirable: labels,
      isDesirable: Float32Array.from(sequence, (index) => labels[index]),
      reference: Float32Array.from(members, (i) => reference[i]),
    };
  });
}

/** Metrics with the reference point and the margin, without those of a kind of response that a step has none of. */
function completed(
  measured: Readonly<Record<string, number>>,
  found: { readonly z: number; readonly judged: Judged; readonly rows: readonly number[] },
): Record<string, number> {
  const { z, judged, rows } = found;
  const good = rows.filter((i) => judged.responses[i].label).length;
  // The accuracy of tokens is that of desirable responses.
  const absent = good === 0 ? /Chosen$|^meanTokenAccuracy$/ : good === rows.length ? /Rejected$/ : null;
  const present = Object.entries(measured).filter(([name]) => !absent?.test(name));
  return {
    ...Object.fromEntries(present),
    ...(judged.mismatched.length > 0 && { kl: z }),
    ...(absent === null && { rewardsMargins: measured.rewardsChosen - measured.rewardsRejected }),
  };
}

function referenceOf({ reference, mismatchedReference }: Judged): ReferenceNumbers {
  return { reference, mismatchedReference };
}

/** The paper's balance: weighted desirable responses are 1 to 4/3 times the undesirable ones. */
function warnOfImbalance(judged: readonly EncodedJudged[], options: KtoOptions, context: StageContext): void {
  const good = judged.filter(({ label }) => label).length;
  const bad = judged.length - good;
  const ratio = (options.desirableWeight * good) / (options.undesirableWeight * bad);
  if (ratio > 0.99 && ratio < 1.34) return;
  const low = ((options.undesirableWeight * bad) / good).toPrecision(2);
  const high = (((4 / 3) * options.undesirableWeight * bad) / good).toPrecision(2);
  context.warn(
    `${good} desirable and ${bad} undesirable responses are weighed ${ratio.toPrecision(2)} : 1; KTO is best with 1 : 1 to ` +
      `4/3 : 1, here a desirableWeight of ${low} to ${high}.`,
  );
}
