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
import { tokenFeeds } from '../src/train/sequences.ts';
import { scalarFeed, Trainer } from '../src/train/trainer.ts';
import { randomTokens } from './sizes.ts';

export interface StepBatch {
  readonly rows: number;
  /** Tokens per row. */
  readonly length: number;
}

/** A trainer with a batch to repeat. */
export async function createSftStep(
  config: DecoderConfig,
  parameters: ParameterStore,
  batch: StepBatch,
  threads: number,
): Promise<{ step(): Promise<number>; release(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'tenet-bench-'));
  const model = buildModelGraph(config, parameters);
  const tokens = countedLogProbs(model);
  const { loss, metrics } = crossEntropyLoss({
    logProbs: tokens.logProbs,
    counted: model.graph.input('counted', 'real', ['N']),
    normaliser: model.graph.input('normaliser', 'real', []),
    isArgmax: tokens.isArgmax,
  });
  const trainer = await Trainer.create(model, loss, metrics, parameters, { threads, folder });
  const examples = Array.from({ length: batch.rows }, (_, row) => ({
    ids: randomTokens(config, batch.length, row),
    counted: new Uint8Array(batch.length).fill(1),
  }));
  const padded = padBatch(examples);
  const { rows, targets } = countedTargets(padded);
  const feeds = {
    ...tokenFeeds(padded),
    rows,
    targets,
    counted: new Float32Array(targets.length).fill(1),
    normaliser: scalarFeed(targets.length),
  };
  return {
    /** @returns the loss, which falls as the batch is learnt by heart */
    step: async () => (await trainer.step([feeds], 1e-4)).loss,
    async release() {
      await trainer.release();
      await rm(folder, { recursive: true });
    },
  };
}
