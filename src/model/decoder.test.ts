import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AdamW, learningRateAt } from '../tensor/index.ts';
import { loadModelFolder } from './load-model.ts';
import type { LoadedModel } from './loaded-model.ts';
import { largestDifference } from './testing/largest-difference.ts';
import { LossGraph, norm } from './testing/loss-graph.ts';
import {
  modelsFolder,
  type Reference,
  readReference,
  readStoriesReference,
  referenceFolder,
  referenceNames,
} from './testing/reference-model.ts';
import { tokenRows } from './testing/token-rows.ts';

describe.skipIf(modelsFolder === null).each(referenceNames)('%s agrees with transformers', (name) => {
  let reference: Reference;
  /** The two rows without their padding. */
  let documents: number[][];
  let model: LoadedModel;
  let graph: LossGraph;
  beforeAll(async () => {
    reference = readReference(name);
    documents = reference.input_ids.map((row, r) => row.filter((_, t) => reference.attention_mask[r][t]));
    model = await loadModelFolder(referenceFolder(name));
    graph = await LossGraph.create(model.config, model.parameters);
  });
  afterAll(() => graph.release());

  it('logits to 2e-4, log-probabilities and loss to 1e-5', async () => {
    const { vocabSize } = model.config;
    const { loss, logProbs } = await graph.run(tokenRows(documents.map((document) => [document])));
    const expected = reference.token_logprobs.flatMap((row, r) => row.slice(0, documents[r].length - 1));
    expect(largestDifference(logProbs, expected)).toBeLessThan(1e-5);
    expect(Math.abs(loss - reference.loss)).toBeLessThan(1e-5);

    // One token more, of any kind, makes the former last token predict something, so its logits are computed.
    const { logits } = await graph.run(tokenRows(documents.map((document) => [[...document, 0]])));
    const [first, second] = documents.map(({ length }) => length);
    const rowOf = (n: number): Float32Array => logits.subarray((n - 1) * vocabSize, n * vocabSize);
    expect(second).toBe(18);
    expect(largestDifference(rowOf(first), reference.logits_row0_last)).toBeLessThan(2e-4);
    expect(largestDifference(rowOf(first + second), reference.logits_row1_pos17)).toBeLessThan(2e-4);
  });

  it('the norm of each gradient to 1e-3 of it', async () => {
    const { gradients } = await graph.run(tokenRows(documents.map((document) => [document])));
    const ownName = (key: string): string =>
      key === 'lm_head.weight' && model.config.family === 'gpt_neox' ? 'embed_out.weight' : key;
    const expected = Object.entries(reference.gradient_norms);
    expect(expected.map(([key]) => ownName(key)).sort()).toEqual([...gradients.keys()].sort());
    for (const [key, value] of expected) {
      const found = norm(gradients.get(ownName(key))!);
      expect(Math.abs(found - value), `${key}: ${found} for ${value}`).toBeLessThan(1e-3 * value + 1e-8);
    }
  });

  it('20 steps of AdamW: loss and gradient norm to 1e-4', async () => {
    const curve = reference.adamw_curve;
    const trained = model.parameters.clone();
    const optimizer = new AdamW(new Map(trained.names.map((key) => [key, trained.view(key)])), {
      betas: curve.betas,
      eps: curve.eps,
      weightDecay: curve.weight_decay,
      maxNorm: curve.max_grad_norm,
    });
    const training = await LossGraph.create(model.config, trained);
    const batch = tokenRows(documents.map((document) => [document]));
    for (let step = 0; step < curve.steps; step++) {
      const { loss, gradients } = await training.run(batch);
      optimizer.accumulate(gradients);
      const schedule = { schedule: 'linear', lr: curve.learning_rate, totalSteps: curve.steps } as const;
      const result = optimizer.step(learningRateAt(step, schedule));
      const [expectedLoss, expectedNorm] = curve.loss_and_grad_norm[step];
      expect(Math.abs(loss - expectedLoss), `loss of step ${step}`).toBeLessThan(1e-4);
      expect(result.applied).toBe(true);
      const gradientNorm = result.applied ? result.gradientNorm : Number.NaN;
      expect(Math.abs(gradientNorm - expectedNorm), `norm of step ${step}`).toBeLessThan(1e-4);
    }
    await training.release();
  });
});

describe.skipIf(modelsFolder === null)('stories260K agrees with float64 numpy', () => {
  it('logits after bos to 2e-4, log-probabilities of 199 tokens to 1e-4', async () => {
    const reference = readStoriesReference();
    const { config, parameters } = await loadModelFolder(join(modelsFolder!, 'stories260K'));
    const graph = await LossGraph.create(config, parameters);
    const { logits, logProbs } = await graph.run(tokenRows([[reference.greedy_ids]]));
    const afterBos = logits.subarray(0, config.vocabSize);
    expect(largestDifference(afterBos, reference.first_logits_after_bos)).toBeLessThan(2e-4);
    expect(largestDifference(logProbs, reference.token_logprobs)).toBeLessThan(1e-4);
    await graph.release();
  });
});
