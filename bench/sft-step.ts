/** One supervised training step on random tokens: forward, backward and optimizer, through the stages' service. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { padBatch } from '../src/data/index.ts';
import {
  buildModelGraph,
  countedLogProbs,
  countedTargets,
  type DecoderConfig,
  type ParameterStore,
} from '../src/model/index.ts';
import { crossEntropyLoss } from '../src/objective/index.ts';
import { memoryShape } from '../src/train/options.ts';
import { planMicroBatches, tokenFeeds } from '../src/train/sequences.ts';
import { scalarFeed, Trainer } from '../src/train/trainer.ts';
import { randomTokens } from './sizes.ts';

export interface StepBatch {
  readonly rows: number;
  /** Tokens per row. */
  readonly length: number;
}

/**
 * A trainer with a batch to repeat, cut into micro-batches as the stages do.
 * @param options.microBatchTokens default: the stage's
 */
export async function createSftStep(
  config: DecoderConfig,
  parameters: ParameterStore,
  batch: StepBatch,
  options: {
    readonly threads: number;
    readonly microBatchTokens?: number;
    readonly gradientCheckpointing?: boolean;
  },
): Promise<{ step(): Promise<number>; release(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'tenet-bench-'));
  const { gradientCheckpointing } = options;
  const model = buildModelGraph(config, parameters, { gradientCheckpointing });
  const tokens = countedLogProbs(model);
  const { loss, metrics } = crossEntropyLoss({
    logProbs: tokens.logProbs,
    counted: model.graph.input('counted', 'real', ['N']),
    normaliser: model.graph.input('normaliser', 'real', []),
    isArgmax: tokens.isArgmax,
  });
  const trainer = await Trainer.create(model, loss, metrics, parameters, {
    threads: options.threads,
    folder,
  });
  const examples = Array.from({ length: batch.rows }, (_, row) => ({
    ids: randomTokens(config, batch.length, row),
    counted: new Uint8Array(batch.length).fill(1),
  }));
  const { microBatchTokens = memoryShape.microBatchTokens.parse(undefined) } = options;
  const total = batch.rows * (batch.length - 1);
  const microBatches = planMicroBatches(
    examples.map(({ ids }) => ids.length),
    microBatchTokens,
  ).map((group) => {
    const padded = padBatch(group.map((index) => examples[index]));
    const { rows, targets } = countedTargets(padded);
    const counted = new Float32Array(targets.length).fill(1);
    return { ...tokenFeeds(padded), rows, targets, counted, normaliser: scalarFeed(total) };
  });
  return {
    /** @returns the loss, which falls as the batch is learnt by heart */
    step: async () => (await trainer.step(microBatches, 1e-4)).loss,
    async release() {
      await trainer.release();
      await rm(folder, { recursive: true });
    },
  };
}
