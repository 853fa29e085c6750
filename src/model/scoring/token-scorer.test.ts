import { describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { Session } from '../../tensor/index.ts';
import { initialiseParameters } from '../initialise.ts';
import { quantiseColumns } from '../int8-weights.ts';
import { makeLlamaConfig } from '../llama-config.ts';
import { loadModelFolder } from '../load-model.ts';
import { buildModelGraph, scalarHead } from '../model-graph.ts';
import { ParameterStore } from '../parameter-store.ts';
import { decoderSpecs, scalarHeadSpec, scoreHeadName } from '../parameters.ts';
import { modelsFolder, referenceFolder, referenceNames } from '../testing/reference-model.ts';
import { TokenScorer } from './token-scorer.ts';

const config = makeLlamaConfig({
  ...{ vocabSize: 29, width: 16, layers: 2, heads: 4, kvHeads: 2, innerWidth: 24, maxPositions: 64 },
  initializerRange: 0.4,
});
const parameters = new ParameterStore([...decoderSpecs(config), scalarHeadSpec(config, { rows: 3 })]);
initialiseParameters(parameters, new Random(3));
const ids = Array.from({ length: 23 }, (_, i) => (i * 7 + 3) % 29);

/** The same scores by the graph that training uses, over the whole text at once. */
async function wholeScores(of = config, store = parameters): Promise<Float32Array> {
  const model = buildModelGraph(of, store);
  const scores = scalarHead(model, model.hidden, scoreHeadName);
  const session = await Session.create(model.graph, { scores }, { threads: 1 });
  const weights = Object.fromEntries(
    [...model.weights.inputs.keys()].map((name) => [name, store.view(name)]),
  );
  const shape = [1, ids.length];
  const result = await session.run({
    ...weights,
    ids: { data: Int32Array.from(ids), shape },
    segments: { data: new Int32Array(ids.length).fill(1), shape },
    positions: { data: Int32Array.from(ids, (_, i) => i), shape },
  });
  await session.release();
  return result.scores.data as Float32Array;
}

function gap(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i])));
}

describe('TokenScorer', () => {
  it('gives in pieces what the whole text gives', async () => {
    await using scorer = await TokenScorer.create(config, parameters, { threads: 1 });
    const whole = await wholeScores();
    expect(gap((await scorer.score(ids)).scores, whole)).toBeLessThan(1e-4);
    const reader = scorer.open();
    const pieces: number[] = [];
    for (const [from, to] of [
      [0, 1],
      [1, 2],
      [2, 15],
      [15, 23],
    ]) {
      const { tokens, scores } = await reader.read(ids.slice(from, to));
      expect([tokens, scores.length]).toEqual([to - from, 3 * (to - from)]);
      pieces.push(...scores);
    }
    expect(gap(pieces, whole)).toBeLessThan(1e-4);
    expect(reader.length).toBe(23);
  });

  it('keeps texts apart', async () => {
    await using scorer = await TokenScorer.create(config, parameters, { threads: 1 });
    const [one, other] = [scorer.open(), scorer.open()];
    await one.read(ids.slice(0, 10));
    await other.read([1, 2, 3]);
    const { scores } = await one.read(ids.slice(10));
    expect(gap(scores, (await wholeScores()).subarray(30))).toBeLessThan(1e-4);
  });

  it.skipIf(modelsFolder === null).each([...referenceNames])('reads %s in pieces', async (name) => {
    const loaded = await loadModelFolder(referenceFolder(name));
    const store = new ParameterStore([...decoderSpecs(loaded.config), scalarHeadSpec(loaded.config)]);
    store.copyShared(loaded.parameters);
    store.view(scoreHeadName).forEach((_, i, view) => void (view[i] = Math.sin(i)));
    await using scorer = await TokenScorer.create(loaded.config, store, { threads: 1, layers: [0] });
    const reader = scorer.open();
    const read = [await reader.read(ids.slice(0, 9)), await reader.read(ids.slice(9))];
    const whole = await wholeScores(loaded.config, store);
    expect(gap([...read[0].scores, ...read[1].scores], whole)).toBeLessThan(1e-4);
    const states = (await scorer.score(ids)).states.get(0)!;
    expect(gap([...read[0].states.get(0)!, ...read[1].states.get(0)!], states)).toBeLessThan(1e-4);
  });

  it('reads no further than the layers that are wanted', async () => {
    const stub = new ParameterStore(decoderSpecs({ ...config, layers: 1 }));
    stub.copyShared(parameters);
    await using short = await TokenScorer.create({ ...config, layers: 1 }, stub, {
      ...{ head: null, layers: [0], threads: 1 },
    });
    await using scorer = await TokenScorer.create(config, parameters, {
      head: null,
      layers: [0],
      threads: 1,
    });
    const [a, b] = [await short.score(ids), await scorer.score(ids)];
    expect(gap(a.states.get(0)!, b.states.get(0)!)).toBe(0);
    expect(b.scores).toHaveLength(0);
  });

  it('in int8 stays near to float32', async () => {
    await using scorer = await TokenScorer.create(config, parameters, { precision: 'int8', threads: 1 });
    const whole = await wholeScores();
    const { scores } = await scorer.score(ids);
    const mean = whole.reduce((sum, value) => sum + value, 0) / whole.length;
    const rms = (values: ArrayLike<number>, from: (i: number) => number): number =>
      Math.sqrt(
        Array.from(values, (value, i) => (value - from(i)) ** 2).reduce((a, b) => a + b) / values.length,
      );
    const spread = rms(whole, () => mean);
    expect(rms(scores, (i) => whole[i])).toBeGreaterThan(0);
    expect(rms(scores, (i) => whole[i]) / spread).toBeLessThan(0.1);
    const reader = scorer.open();
    const pieces = [
      ...(await reader.read(ids.slice(0, 9))).scores,
      ...(await reader.read(ids.slice(9))).scores,
    ];
    expect(rms(pieces, (i) => whole[i]) / spread).toBeLessThan(0.1);
  });

  it.each([
    ['all that is before', config],
    ['a window', { ...config, slidingWindows: [8, null] }],
  ])('goes on after a piece that was too long, where tokens see %s', async (_, of) => {
    await using scorer = await TokenScorer.create(of, parameters, { threads: 1 });
    const reader = scorer.open();
    await reader.read(ids);
    await expect(reader.read(Array.from({ length: 60 }, () => 1))).rejects.toThrow(/has 83 tokens/);
    expect(reader.length).toBe(23);
    const { scores } = await reader.read([4, 9]);
    const whole = (await scorer.score([...ids, 4, 9])).scores;
    expect(gap(scores, whole.subarray(3 * 23))).toBeLessThan(1e-4);
  });

  it('refuses texts that are too long and layers that do not exist', async () => {
    await using scorer = await TokenScorer.create(config, parameters, { threads: 1 });
    const reader = scorer.open();
    await reader.read(Array.from({ length: 60 }, () => 1));
    await expect(reader.read([1, 1, 1, 1, 1])).rejects.toThrow(/has 65 tokens and the model reads 64/);
    await expect(TokenScorer.create(config, parameters, { layers: [0, 2] })).rejects.toThrow(
      /layers 2 do not exist; the model has 0 to 1/,
    );
  });
});

describe('quantiseColumns', () => {
  it('scales each column by itself, by hand', () => {
    // Outputs: [2, -1] and [0, 0.5]; stored outputs first and inputs first.
    const values = Float32Array.of(2, -1, 0, 0.5);
    const turned = Float32Array.of(2, 0, -1, 0.5);
    const [stored, transposed] = [
      { values, inputs: 2, outputs: 2, inputsFirst: false },
      { values: turned, inputs: 2, outputs: 2, inputsFirst: true },
    ].map((matrix) => quantiseColumns([matrix], 2, 2));
    expect([...stored.values]).toEqual([63, 0, -31, 63]); // Math.round(-31.5) is -31
    expect([...stored.scales]).toEqual([Math.fround(2 / 63), Math.fround(0.5 / 63)]);
    expect(transposed).toEqual(stored);
  });
});
