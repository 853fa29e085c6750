/**
 * Supervised fine-tuning: the model learns to continue prompts as the demonstrations do.
 *
 * The loss is the mean cross-entropy over the counted tokens of the whole optimizer step, so a step gives the
 * same result however it is cut into micro-batches. With packing, several examples share a row without seeing
 * one another. Pre-training is the same loop over text in which every token counts.
 *
 * Shapes: B rows, T tokens per row, N counted tokens.
 */
import { meanOf } from '../base/index.ts';
import {
  countedTokens,
  packBatch,
  padBatch,
  planPacking,
  Sampler,
  type SamplerPosition,
  type TokenBatch,
  type TokenExample,
} from '../data/index.ts';
import {
  AdaptedParameters,
  buildModelGraph,
  countedLogProbs,
  countedTargets,
  type DecoderConfig,
  type ParameterStore,
} from '../model/index.ts';
import { crossEntropyLoss } from '../objective/index.ts';
import { type Feeds, learningRateAt, Session } from '../tensor/index.ts';
import { loadCheckpoint, saveCheckpoint } from './checkpoint.ts';
import type { StageContext } from './context.ts';
import { scheduleFor, stepsOf, trainerOptions } from './options.ts';
import { checkExamples } from './preflight.ts';
import { rehearse } from './rehearsal.ts';
import { drawsFor } from './rollout.ts';
import { planMicroBatches, tokenFeeds } from './sequences.ts';
import type { SftOptions } from './sft-options.ts';
import { stopRequested } from './stop.ts';
import { scalarFeed, Trainer } from './trainer.ts';

export interface SftInputs {
  readonly config: DecoderConfig;
  /** Trained in place. */
  readonly parameters: ParameterStore;
  readonly examples: readonly TokenExample[];
  /** Measured, not trained on; may be empty. */
  readonly heldOut: readonly TokenExample[];
  /** Ids that end a response. */
  readonly stopIds: readonly number[];
  /** True: refuse data that never show the end of a response. False for plain text. Default true. */
  readonly needsStop?: boolean;
  /** For messages. Default `SFT`. */
  readonly name?: string;
}

export interface SftResult {
  readonly steps: number;
  /** Tokens that counted in the loss, repeated epochs included. */
  readonly countedTokens: number;
  /** Mean cross-entropy of the last steps, nats per token. */
  readonly loss: number;
  /** On held-out data, nats per token; null without any. */
  readonly heldOutLoss: number | null;
}

interface SftState {
  readonly position: SamplerPosition;
  readonly countedTokens: number;
  readonly recentLosses: readonly number[];
}

/** Steps over which the reported loss is averaged. */
const recentSteps = 20;

/** Trains `inputs.parameters` in place. */
export async function trainSft(
  options: SftOptions,
  inputs: SftInputs,
  context: StageContext,
): Promise<SftResult> {
  const { config, parameters, examples, heldOut, stopIds, name = 'SFT' } = inputs;
  checkExamples(examples, { stage: name, stopIds, needsStop: inputs.needsStop ?? true });

  // Step 1. The loss.
  const dropout = parameters instanceof AdaptedParameters ? parameters.settings.dropout : 0;
  const model = buildModelGraph(config, parameters, {
    dropout,
    gradientCheckpointing: options.gradientCheckpointing,
  });
  const tokens = countedLogProbs(model);
  const { loss, metrics } = crossEntropyLoss({
    logProbs: tokens.logProbs,
    counted: model.graph.input('counted', 'real', ['N']),
    normaliser: model.graph.input('normaliser', 'real', []),
    variant: options.lossType,
    isArgmax: tokens.isArgmax,
  });
  await using trainer = await Trainer.create(model, loss, metrics, parameters, {
    ...trainerOptions(options),
    folder: context.folder,
  });
  await using evaluation =
    heldOut.length > 0 ? await createEvaluation(config, parameters, heldOut, options) : null;

  // Step 2. The rows: one example each, or several packed.
  const lengths = examples.map(({ ids }) => ids.length);
  const rows = options.packing ? planPacking(lengths, options.maxLength) : lengths.map((_, i) => [i]);
  const batchSize = Math.min(options.batchSize, rows.length);
  const sampler = new Sampler({ size: rows.length, batchSize, seed: options.seed });
  const totalSteps = stepsOf(options, sampler.batchesPerEpoch);
  const schedule = scheduleFor(options, totalSteps);

  // Step 3. Continue from the newest checkpoint.
  const checkpoint = { folder: context.folder, parts: { model: { parameters, optimizer: trainer } } };
  const saved = context.resume ? await loadCheckpoint<SftState>(checkpoint) : null;
  if (saved) sampler.restore(saved.state.position);
  let counted = saved?.state.countedTokens ?? 0;
  const recent = [...(saved?.state.recentLosses ?? [])];
  let heldOutLoss: number | null = null;
  const longestRows = options.packing
    ? [{ prompt: 1, response: Math.min(options.maxLength, config.maxPositions) - 1 }]
    : examples.map(({ ids, counted: targets }) => {
        const response = targets.reduce((sum, value) => sum + value, 0);
        return { prompt: ids.length - response, response };
      });
  await rehearse(trainer, longestRows, { perStep: batchSize, tokenBudget: options.microBatchTokens });
  let windowStart = performance.now();
  let windowTokens = 0;

  for (let step = (saved?.step ?? 0) + 1; step <= totalSteps; step++) {
    // Step 4. One optimizer step over the batch's micro-batches.
    const chosen = sampler.next().map((row) => rows[row].map((example) => examples[example]));
    const batches = cutIntoBatches(chosen, options.microBatchTokens);
    const total = batches.reduce((sum, batch) => sum + countedTokens(batch), 0);
    const lr = learningRateAt(step - 1, schedule);
    const draws = drawsFor(options.seed, 'dropout', step);
    const result = await trainer.step(
      batches.map((batch) => ({
        ...lossFeeds(batch, total),
        ...model.dropout?.feeds([batch.rows, batch.length], draws),
      })),
      lr,
    );
    counted += total;
    windowTokens += batches.reduce((sum, batch) => sum + realTokens(batch), 0);
    recent.push(result.crossEntropy);
    if (recent.length > recentSteps) recent.shift();

    // Step 5. Measure, report, save.
    const last = step === totalSteps;
    if (evaluation && (step % options.evalSteps === 0 || last)) {
      heldOutLoss = await evaluation.measure();
      context.event(step, { eval_loss: heldOutLoss });
    }
    if (step % options.loggingSteps === 0 || last) {
      const seconds = (performance.now() - windowStart) / 1000;
      const tokensPerSecond = windowTokens / seconds;
      context.event(step, {
        loss: result.loss,
        mean_token_accuracy: result.meanTokenAccuracy,
        grad_norm: result.gradNorm,
        lr,
        num_tokens: counted,
        tokens_per_second: tokensPerSecond,
      });
      context.progress(step, totalSteps, { loss: meanOf(recent), 'tok/s': tokensPerSecond });
      windowStart = performance.now();
      windowTokens = 0;
    }
    const stopping = context.signal.aborted && !last;
    if (stopping || (step % options.saveSteps === 0 && !last)) {
      const state: SftState = { position: sampler.position, countedTokens: counted, recentLosses: recent };
      await saveCheckpoint(checkpoint, step, state, options.saveTotalLimit);
    }
    if (stopping) throw stopRequested(step, totalSteps, 'step');
  }

  return { steps: totalSteps, countedTokens: counted, loss: meanOf(recent), heldOutLoss };
}

/** Rows of examples as padded batches within the token budget. */
function cutIntoBatches(rows: readonly (readonly TokenExample[])[], tokenBudget: number): TokenBatch[] {
  const lengths = rows.map((row) => row.reduce((sum, { ids }) => sum + ids.length, 0));
  return planMicroBatches(lengths, tokenBudget).map((group) =>
    packBatch(
      group.map((index) => rows[index]),
      { multipleOf: 8 },
    ),
  );
}

function lossFeeds(batch: TokenBatch, total: number): Feeds {
  const { rows, targets } = countedTargets(batch);
  return {
    ...tokenFeeds(batch),
    rows,
    targets,
    counted: new Float32Array(targets.length).fill(1),
    normaliser: scalarFeed(total),
  };
}

/** Mean cross-entropy on held-out data with the parameters as they are. */
async function createEvaluation(
  config: DecoderConfig,
  parameters: ParameterStore,
  heldOut: readonly TokenExample[],
  options: SftOptions,
): Promise<AsyncDisposable & { measure(): Promise<number> }> {
  const model = buildModelGraph(config, parameters);
  const session = await Session.create(
    model.graph,
    { logProbs: countedLogProbs(model).logProbs },
    { threads: options.threads },
  );
  const weights = Object.fromEntries(
    [...model.weights.inputs.keys()].map((name) => [name, parameters.view(name)]),
  );
  const groups = planMicroBatches(
    heldOut.map(({ ids }) => ids.length),
    options.microBatchTokens,
  );
  return {
    async measure() {
      let total = 0;
      let count = 0;
      for (const group of groups) {
        const batch = padBatch(
          group.map((index) => heldOut[index]),
          { multipleOf: 8 },
        );
        const { rows, targets } = countedTargets(batch);
        const { logProbs } = await session.run({ ...weights, ...tokenFeeds(batch), rows, targets });
        for (const value of logProbs.data as Float32Array) total -= value;
        count += targets.length;
      }
      return total / count;
    },
    [Symbol.asyncDispose]: () => session.release(),
  };
}

function realTokens(batch: TokenBatch): number {
  let count = 0;
  for (const segment of batch.segments) if (segment > 0) count++;
  return count;
}
