/** Padding and packing are bookkeeping: they change no log-probability and no gradient. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import type { DecoderConfig } from './decoder-config.ts';
import { loadModelFolder } from './load-model.ts';
import type { ParameterStore } from './parameter-store.ts';
import { largestDifference } from './testing/largest-difference.ts';
import { LossGraph } from './testing/loss-graph.ts';
import { modelsFolder, referenceFolder, referenceNames } from './testing/reference-model.ts';
import { tinyModel } from './testing/tiny-model.ts';
import { type Piece, tokenRows } from './testing/token-rows.ts';

interface Alone {
  /** Log-probabilities of all documents, one after the other. */
  readonly logProbs: readonly number[];
  /** Gradient of the mean loss over all their tokens. */
  readonly gradients: ReadonlyMap<string, Float64Array>;
}

/** Each document in a batch of its own, without padding. */
async function eachAlone(graph: LossGraph, documents: readonly number[][]): Promise<Alone> {
  const logProbs: number[] = [];
  const gradients = new Map<string, Float64Array>();
  const tokens = documents.reduce((sum, { length }) => sum + length - 1, 0);
  for (const document of documents) {
    const found = await graph.run(tokenRows([[document]]));
    logProbs.push(...found.logProbs);
    for (const [name, gradient] of found.gradients) {
      const total = gradients.get(name) ?? new Float64Array(gradient.length);
      gradient.forEach((value, i) => {
        total[i] += (value * (document.length - 1)) / tokens;
      });
      gradients.set(name, total);
    }
  }
  return { logProbs, gradients };
}

async function expectSame(graph: LossGraph, rows: readonly Piece[][], padId: number, alone: Alone) {
  const found = await graph.run(tokenRows(rows, padId));
  expect(largestDifference(found.logProbs, alone.logProbs)).toBeLessThan(2e-5);
  // Rounding is relative to the terms that are summed, not to their sum, which may cancel.
  const scale = Math.max(
    ...[...alone.gradients.values()].map((gradient) => Math.max(...gradient.map(Math.abs))),
  );
  for (const [name, expected] of alone.gradients) {
    const difference = largestDifference(found.gradients.get(name)!, expected);
    expect(difference / scale, `gradient of ${name}`).toBeLessThan(2e-5);
  }
}

async function expectPaddingChangesNothing(config: DecoderConfig, parameters: ParameterStore) {
  const graph = await LossGraph.create(config, parameters);
  const random = new Random(3);
  const documents = [13, 2, 21, 7].map((length) =>
    Array.from({ length }, () => random.int(config.vocabSize)),
  );
  const [a, b, c, d] = documents;
  const alone = await eachAlone(graph, documents);
  const padId = config.vocabSize - 1;
  const right = documents.map((document): Piece[] => [document, { padding: 5 }]);
  const left = documents.map((document): Piece[] => [{ padding: 26 - document.length }, document]);
  await expectSame(graph, right, padId, alone);
  await expectSame(graph, left, padId, alone);
  await expectSame(graph, [[a, b, c, d]], padId, alone); // packed into one row
  await expectSame(
    graph,
    [
      [a, b],
      [c, { padding: 4 }, d, { padding: 3 }],
    ],
    padId,
    alone,
  );
  await graph.release();
}

describe.skipIf(modelsFolder === null)('padding and packing change nothing', () => {
  it.each(referenceNames)('%s', async (name) => {
    const { config, parameters } = await loadModelFolder(referenceFolder(name));
    await expectPaddingChangesNothing(config, parameters);
  });
});

it('padding and packing change nothing, whatever the lengths', async () => {
  const { config, parameters } = tinyModel();
  const graph = await LossGraph.create(config, parameters);
  const document = fc.array(fc.nat(config.vocabSize - 1), { minLength: 2, maxLength: 9 });
  const piece = fc.oneof(
    { weight: 3, arbitrary: document },
    fc.record({ padding: fc.integer({ min: 1, max: 4 }) }),
  );
  const rows = fc
    .array(fc.array(piece, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 })
    .filter((candidate) => candidate.flat().some((part) => !('padding' in part)));
  await fc.assert(
    fc.asyncProperty(rows, fc.nat(config.vocabSize - 1), async (layout, padId) => {
      const documents = layout.flat().filter((part): part is number[] => !('padding' in part));
      await expectSame(graph, layout, padId, await eachAlone(graph, documents));
    }),
    { numRuns: 25, seed: 5 },
  );
  await graph.release();
});

it('a packed document sees nothing of its neighbours, a token nothing of what follows', async () => {
  const { config, parameters } = tinyModel();
  const graph = await LossGraph.create(config, parameters);
  const run = async (...row: number[][]) => (await graph.run(tokenRows([row]))).logProbs;
  const before = await run([1, 2, 3, 4], [5, 6, 7, 8]);
  const otherNeighbour = await run([9, 10, 11, 12], [5, 6, 7, 8]);
  expect(largestDifference(otherNeighbour.subarray(3), before.subarray(3))).toBeLessThan(1e-6);
  expect(largestDifference(otherNeighbour.subarray(0, 3), before.subarray(0, 3))).toBeGreaterThan(0.01);
  const otherEnd = await run([1, 2, 3, 20], [5, 6, 7, 8]);
  expect(largestDifference(otherEnd.subarray(0, 2), before.subarray(0, 2))).toBeLessThan(1e-6);
  expect(Math.abs(otherEnd[2] - before[2])).toBeGreaterThan(0.01);
  const otherStart = await run([20, 2, 3, 4], [5, 6, 7, 8]);
  expect(Math.abs(otherStart[2] - before[2])).toBeGreaterThan(1e-3); // attention does reach back
  await graph.release();
});
