import { readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import type { TokenExample } from '../data/index.ts';
import { tinyModel } from '../model/testing/tiny-model.ts';
import { ResponseScorer } from './scorers.ts';
import { type SftInputs, type SftResult, trainSft } from './sft.ts';
import { type SftOptions, sftOptions } from './sft-options.ts';
import { curve, type RecordedContext, recordContext, temporaryFolder } from './testing/context.ts';

const end = 28;

/** Counting: after a prompt of one number the response counts on from it and ends; lengths differ. */
function countingExamples(count: number, seed = 1): TokenExample[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => {
    const start = random.int(10);
    const response = Array.from({ length: 2 + random.int(9) }, (_, i) => start + i + 1);
    const ids = [20 + random.int(8), start, ...response, end];
    return { ids: Int32Array.from(ids), counted: Uint8Array.from(ids, (_, i) => (i < 2 ? 0 : 1)) };
  });
}

const examples = countingExamples(30);

interface Outcome {
  readonly result: SftResult;
  readonly context: RecordedContext;
  readonly inputs: SftInputs;
}

async function train(
  options: Partial<SftOptions>,
  changes: Partial<SftInputs> = {},
  context: RecordedContext = recordContext(),
): Promise<Outcome> {
  const inputs = { ...tinyModel(), examples, heldOut: [], stopIds: [end], ...changes };
  const parsed = sftOptions.parse({ threads: 1, loggingSteps: 1, learningRate: 0.01, ...options });
  return { result: await trainSft(parsed, inputs, context), context, inputs };
}

describe('trainSft', () => {
  it('lowers the loss on what it trains on and on held-out data', async () => {
    const { result, context } = await train(
      { maxSteps: 40, batchSize: 10, evalSteps: 20, lrSchedulerType: 'constant' },
      { heldOut: countingExamples(10, 2) },
    );
    const losses = curve(context, 'loss');
    expect(losses[0]).toBeGreaterThan(3);
    expect(losses[39]).toBeLessThan(1.5);
    const [early, late] = curve(context, 'eval_loss');
    expect(late).toBeLessThan(early);
    expect(result.heldOutLoss).toBe(late);
    expect(result.steps).toBe(40);
    expect(curve(context, 'mean_token_accuracy')[39]).toBeGreaterThan(0.5);
  });

  it('starts from the mean loss of the counted tokens, responses with their end alone', async () => {
    const { context, inputs } = await train({ maxSteps: 1, batchSize: 30 });
    const { config, parameters } = tinyModel();
    const scorer = await ResponseScorer.create(config, parameters, { threads: 1 });
    const scores = await scorer.score(
      parameters,
      inputs.examples.map(({ ids }) => ({ prompt: ids.slice(0, 2), response: ids.slice(2) })),
    );
    const all = scores.flatMap(({ logProbs }) => [...logProbs]);
    expect(curve(context, 'loss')[0]).toBeCloseTo(-all.reduce((a, b) => a + b) / all.length, 4);
    expect(curve(context, 'num_tokens')).toEqual([all.length]);
  });

  it('gives the same losses packed as one example per row', async () => {
    // 30 examples a step either way, since all rows fit into one batch.
    const plain = await train({ maxSteps: 3, batchSize: 30 });
    const packed = await train({ maxSteps: 3, batchSize: 30, packing: true, maxLength: 40 });
    const losses = curve(packed.context, 'loss');
    curve(plain.context, 'loss').forEach((loss, i) => {
      expect(losses[i]).toBeCloseTo(loss, 4);
    });
    expect(curve(packed.context, 'num_tokens')).toEqual(curve(plain.context, 'num_tokens'));
  });

  it('averages over the tokens of the whole step, however it is cut into micro-batches', async () => {
    const whole = await train({ maxSteps: 3, batchSize: 16 });
    const cut = await train({ maxSteps: 3, batchSize: 16, microBatchTokens: 32 });
    for (const metric of ['loss', 'grad_norm']) {
      const values = curve(cut.context, metric);
      curve(whole.context, metric).forEach((value, i) => {
        expect(values[i]).toBeCloseTo(value, 3);
      });
    }
  });

  it('resumes to the bits of an uninterrupted run', async () => {
    const options = { maxSteps: 9, batchSize: 8, warmupRatio: 0.3 }; // stops within the second pass
    const heldOut = countingExamples(4, 3);
    const whole = await train(options, { heldOut });

    const folder = temporaryFolder();
    const stopped = recordContext({ folder, stopAfter: 5 });
    await expect(train(options, { heldOut }, stopped)).rejects.toThrow(
      'Stopped after step 5 of 9; the state is saved. Resume with --resume.',
    );
    const resumed = await train(options, { heldOut }, recordContext({ folder, resume: true }));
    expect(resumed.inputs.parameters.values).toEqual(whole.inputs.parameters.values);
    expect(resumed.result).toEqual(whole.result);
    expect([...curve(stopped, 'loss'), ...curve(resumed.context, 'loss')]).toEqual(
      curve(whole.context, 'loss'),
    );
  });

  it('saves every saveSteps, keeps saveTotalLimit, and goes on from the newest', async () => {
    const folder = temporaryFolder();
    const options = { maxSteps: 7, batchSize: 8, saveSteps: 2, saveTotalLimit: 2 };
    const whole = await train(options, {}, recordContext({ folder }));
    expect(await readdir(folder)).toEqual(['checkpoint-00000004', 'checkpoint-00000006']);
    const again = await train(options, {}, recordContext({ folder, resume: true }));
    expect(again.context.events.map(({ step }) => step)).toEqual([7]);
    expect(again.inputs.parameters.values).toEqual(whole.inputs.parameters.values);
  });

  it('repeats itself with the same seed and not with another', async () => {
    const hash = async (seed: number): Promise<string> =>
      (await train({ maxSteps: 2, batchSize: 8, seed })).inputs.parameters.hash();
    const first = await hash(1);
    expect(await hash(1)).toBe(first);
    expect(await hash(2)).not.toBe(first);
  });

  it('counts a fraction of a pass in steps: 30 examples by 8 are 4 steps a pass', async () => {
    expect((await train({ numTrainEpochs: 0.5, batchSize: 8 })).result.steps).toBe(2);
    expect((await train({ numTrainEpochs: 1.5, batchSize: 8 })).result.steps).toBe(6);
  });

  it('refuses data that never end, unless it is plain text', async () => {
    const endless = examples.map(({ ids, counted }) => ({
      ids: ids.slice(0, -1),
      counted: counted.slice(0, -1),
    }));
    await expect(train({ maxSteps: 1 }, { examples: endless, name: 'Fine-tuning' })).rejects.toThrow(
      /^Fine-tuning was not started because it could not learn:\n {2}- no counted token is an end token/,
    );
    await train({ maxSteps: 1 }, { examples: endless, needsStop: false });
  });
});
