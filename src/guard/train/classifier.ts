/**
 * Trains the guard's classifiers: a decoder whose head gives scores at every token learns to tell what goes against the
 * policy, so early that a stream can be stopped.
 *
 * The loss judges every token by itself at first and the largest score so far in the end, which is what decides in use.
 * Predicting the next token as well keeps a small trunk from learning its few texts by heart.
 *
 * Shapes: B texts of a micro-batch, T tokens, D width, H scores of a token, P tracks (a text and one of its scores).
 * @see Sharma et al. 2025, arXiv:2501.18837; Cunningham et al. 2026, arXiv:2601.04603, for judging an answer in the light
 *   of the conversation
 */
import { meanOf, Random } from '../../base/index.ts';
import { padBatch, Sampler, type SamplerPosition } from '../../data/index.ts';
import {
  buildModelGraph,
  countedLogProbs,
  countedTargets,
  type DecoderConfig,
  type ParameterStore,
  scalarHead,
  scoreHeadName,
} from '../../model/index.ts';
import { blendAt, crossEntropyLoss, type Interval, streamingClassifierLoss } from '../../objective/index.ts';
import {
  add,
  type Feeds,
  gatherRows,
  learningRateAt,
  multiply,
  reshape,
  transpose,
} from '../../tensor/index.ts';
import {
  loadCheckpoint,
  planMicroBatches,
  type StageContext,
  saveCheckpoint,
  scalarFeed,
  scheduleFor,
  stepsOf,
  stopRequested,
  Trainer,
  tokenFeeds,
  trainerOptions,
} from '../../train/index.ts';
import type { EncodedText } from '../classifier/encode-examples.ts';
import type { GuardKind } from '../classifier/heads.ts';
import { aucByKind, TextScorer } from '../classifier/text-scorer.ts';
import type { ClassifierOptions } from './classifier-options.ts';
import { type TrackedText, trackTexts } from './tracks.ts';

export interface ClassifierInputs {
  readonly config: DecoderConfig;
  /** A decoder with its output projection and `score.weight` [H, D]; trained in place. */
  readonly parameters: ParameterStore;
  readonly kinds: readonly GuardKind[];
  readonly categories: readonly string[];
  readonly texts: readonly EncodedText[];
  /** Measured while training, not trained on; of many some. */
  readonly heldOut: readonly EncodedText[];
}

export interface ClassifierResult {
  readonly steps: number;
  /** Of the verdicts, in the last steps. */
  readonly loss: number;
}

interface ClassifierState {
  readonly position: SamplerPosition;
  readonly recentLosses: readonly number[];
}

const recentSteps = 20;
/** Held-out texts that are measured while training. */
export const mostMeasured = 600;

/** Trains `inputs.parameters` in place. */
export async function trainClassifier(
  options: ClassifierOptions,
  inputs: ClassifierInputs,
  context: StageContext,
): Promise<ClassifierResult> {
  const { config, parameters, kinds, categories, heldOut } = inputs;
  const heads = kinds.length + categories.length;

  // Step 1. The loss over the scores of the tracks, and the next token's.
  const model = buildModelGraph(config, parameters, {
    gradientCheckpointing: options.gradientCheckpointing,
  });
  const { graph } = model;
  const perToken = reshape(scalarHead(model, reshape(model.hidden, [-1, config.width]), scoreHeadName), [
    ...model.tokens.ids.shape,
    heads,
  ]); // [B, T, H]
  const perScore = reshape(transpose(perToken, [0, 2, 1]), [-1, model.tokens.ids.shape[1]]); // [B · H, T]
  const trackOf = graph.input('trackOf', 'int32', ['P']);
  const verdict = streamingClassifierLoss({
    logits: gatherRows(perScore, trackOf, { unique: true }),
    counted: gatherRows(graph.input('judged', 'real', ['B', 'T']), graph.input('textOf', 'int32', ['P'])),
    labels: graph.input('labels', 'real', ['P']),
    weights: graph.input('trackWeights', 'real', ['P']),
    normaliser: graph.input('trackNormaliser', 'real', []),
    blend: graph.input('blend', 'real', []),
  });
  const asLanguageModel = options.languageModelCoef > 0;
  const words = asLanguageModel
    ? crossEntropyLoss({
        logProbs: countedLogProbs(model).logProbs,
        counted: graph.input('counted', 'real', ['N']),
        normaliser: graph.input('normaliser', 'real', []),
      })
    : null;
  const loss = words ? add(verdict.loss, multiply(words.loss, options.languageModelCoef)) : verdict.loss;
  await using trainer = await Trainer.create(
    model,
    loss,
    { ...verdict.metrics, verdict: verdict.loss, crossEntropy: words?.metrics.crossEntropy },
    parameters,
    { ...trainerOptions(options), folder: context.folder },
  );
  await using scorer = await TextScorer.create(config, parameters, { threads: options.threads });

  // Step 2. The order of the texts, and where an interrupted run stood.
  const tracked = trackTexts(inputs.texts, { ...options, kinds, categories });
  const batchSize = Math.min(options.batchSize, tracked.length);
  const sampler = new Sampler({
    ...{ size: tracked.length, batchSize, seed: options.seed, order: 'length-grouped' },
    lengths: tracked.map(({ text }) => text.ids.length),
  });
  const totalSteps = stepsOf(options, sampler.batchesPerEpoch);
  const schedule = scheduleFor(options, totalSteps);
  const checkpoint = { folder: context.folder, parts: { model: { parameters, optimizer: trainer } } };
  const saved = context.resume ? await loadCheckpoint<ClassifierState>(checkpoint) : null;
  if (saved) sampler.restore(saved.state.position);
  const recent = [...(saved?.state.recentLosses ?? [])];
  const measured = new Random(options.seed).fork('measured').shuffled(heldOut).slice(0, mostMeasured);
  let auc: Readonly<Record<string, Interval | null>> = {};

  for (let step = (saved?.step ?? 0) + 1; step <= totalSteps; step++) {
    // Step 3. One optimizer step.
    const chosen = sampler.next().map((index) => tracked[index]);
    const blend = blendAt((step - 1) / totalSteps, { from: options.blendFrom, to: options.blendTo });
    const total = weightOf(chosen);
    const totalTokens = chosen.reduce((sum, { text }) => sum + text.ids.length - 1, 0);
    const groups = planMicroBatches(
      chosen.map(({ text }) => text.ids.length),
      options.microBatchTokens,
    ).map((group) => group.map((index) => chosen[index]));
    const lr = learningRateAt(step - 1, schedule);
    const result = await trainer.step(
      groups.map((group) => feedsOf(group, { heads, total, totalTokens, blend })),
      lr,
    );
    recent.push(result.verdict);
    if (recent.length > recentSteps) recent.shift();

    // Step 4. Measure, report, save.
    const last = step === totalSteps;
    if (measured.length > 0 && (step % options.evalSteps === 0 || last)) {
      auc = aucByKind(measured, await scorer.score(parameters, measured), kinds);
      context.event(step, aucMetrics(auc));
    }
    if (step % options.loggingSteps === 0 || last) {
      const accuracy = result.correct / Math.max(1, result.tracks);
      context.event(step, {
        loss: result.loss,
        verdict_loss: result.verdict,
        ...(asLanguageModel && { cross_entropy: result.crossEntropy }),
        accuracy,
        blend,
        grad_norm: result.gradNorm,
        lr,
      });
      context.progress(step, totalSteps, { loss: meanOf(recent), ...aucMetrics(auc) });
    }
    const stopping = context.signal.aborted && !last;
    if (stopping || (step % options.saveSteps === 0 && !last)) {
      const state: ClassifierState = { position: sampler.position, recentLosses: recent };
      await saveCheckpoint(checkpoint, step, state, options.saveTotalLimit);
    }
    if (stopping) throw stopRequested(step, totalSteps, 'step');
  }

  return { steps: totalSteps, loss: meanOf(recent) };
}

function aucMetrics(auc: Readonly<Record<string, Interval | null>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(auc).flatMap(([kind, area]) => (area ? [[`auc_${kind}`, area.estimate]] : [])),
  );
}

function weightOf(texts: readonly TrackedText[]): number {
  return texts.reduce((sum, { tracks }) => sum + tracks.reduce((all, { weight }) => all + weight, 0), 0);
}

/** @param total weights of all tracks of the step @param totalTokens predicted tokens of the step */
function feedsOf(
  texts: readonly TrackedText[],
  step: {
    readonly heads: number;
    readonly total: number;
    readonly totalTokens: number;
    readonly blend: number;
  },
): Feeds {
  const batch = padBatch(
    texts.map(({ text }) => ({ ids: text.ids, counted: new Uint8Array(text.ids.length).fill(1) })),
    { multipleOf: 8 },
  );
  const { rows, targets } = countedTargets(batch);
  const judged = new Float32Array(batch.rows * batch.length);
  texts.forEach(({ text }, row) => {
    judged.fill(1, row * batch.length + text.judgedFrom, row * batch.length + text.ids.length);
  });
  const tracks = texts.flatMap(({ tracks: own }, row) => own.map((track) => ({ ...track, row })));
  return {
    ...tokenFeeds(batch),
    judged: { data: judged, shape: [batch.rows, batch.length] },
    trackOf: Int32Array.from(tracks, ({ row, head }) => row * step.heads + head),
    textOf: Int32Array.from(tracks, ({ row }) => row),
    labels: Float32Array.from(tracks, ({ harmful }) => (harmful ? 1 : 0)),
    trackWeights: Float32Array.from(tracks, ({ weight }) => weight),
    trackNormaliser: scalarFeed(step.total),
    blend: scalarFeed(step.blend),
    rows,
    targets,
    counted: new Float32Array(targets.length).fill(1),
    normaliser: scalarFeed(step.totalTokens),
  };
}
