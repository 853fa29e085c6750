import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import {
  buildModelGraph,
  countedHidden,
  countedLogProbs,
  type DecoderConfig,
  initialiseParameters,
  makeLlamaConfig,
  ParameterStore,
  parameterSpecs,
  scalarHead,
  scalarHeadSpec,
} from '../model/index.ts';
import { parseDecoderConfig } from '../model/parse-config.ts';
import { crossEntropyLoss } from '../objective/index.ts';
import { Session } from '../tensor/index.ts';
import { type SequenceBatch, sequenceBatches } from './sequence-batches.ts';
import type { Sequence } from './sequences.ts';
import { scalarFeed, Trainer } from './trainer.ts';

interface Shaped {
  readonly data: Int32Array;
  readonly shape: readonly number[];
}

/** Responses of these lengths to a prompt of its own array. */
function group(prompt: number, responses: readonly number[]): Sequence[] {
  const ids = Int32Array.from({ length: prompt }, (_, t) => 3 + ((5 * t + prompt) % 20));
  return responses.map((length, k) => ({
    prompt: ids,
    response: Int32Array.from({ length }, (_, t) => 3 + ((7 * t + 3 * k + length) % 20)),
  }));
}

const groups = fc.array(
  fc.record({
    prompt: fc.integer({ min: 0, max: 40 }),
    responses: fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 6 }),
  }),
  { minLength: 1, maxLength: 6 },
);
const budget = fc.integer({ min: 1, max: 600 });

/** The sequences as they can be read back from the rows: by what each response sees. */
function readBack({ feeds, members, rows, targets, ends }: SequenceBatch): Map<number, number[]> {
  const part = (name: string): Shaped => feeds[name] as Shaped;
  const [ids, positions, promptSegments, responseSegments] = [
    ...[part('ids'), part('positions'), part('promptSegments'), part('responseSegments')],
  ];
  const [, T] = ids.shape; // biome-ignore format: shape letters
  const [, P] = promptSegments.shape;
  const [, M, R] = responseSegments.shape;
  expect(T).toBe(P + M * R);
  const found = new Map<number, number[]>();
  members.forEach((member, i) => {
    const [row, place] = [Math.floor(i / M), i % M];
    const seen: number[] = [];
    const see = (at: number): void => {
      expect(positions.data[at]).toBe(seen.length);
      seen.push(ids.data[at]);
    };
    for (let t = 0; t < P; t++) if (promptSegments.data[row * P + t]) see(row * T + t);
    for (let t = 0; t < R; t++) if (responseSegments.data[i * R + t]) see(row * T + P + place * R + t);
    found.set(member, seen);
    expect(ids.data[ends[i]]).toBe(seen[seen.length - 1]);
  });
  // The hidden state that predicts a target stands right before it.
  expect(Array.from(rows, (at) => ids.data[at + 1])).toEqual(Array.from(targets));
  expect(new Set(rows).size).toBe(rows.length);
  return found;
}

describe('sequenceBatches', () => {
  it('lays out every sequence once, behind its prompt', () => {
    fc.assert(
      fc.property(groups, budget, (made, tokenBudget) => {
        const sequences = made.flatMap(({ prompt, responses }) => group(prompt, responses));
        const batches = sequenceBatches(sequences, { tokenBudget, sharedPrompts: true });
        const all = new Map(batches.flatMap((batch) => [...readBack(batch)]));
        expect(batches.flatMap(({ members }) => members)).toHaveLength(sequences.length);
        sequences.forEach(({ prompt, response }, i) => {
          expect(all.get(i)).toEqual([...Array.from(prompt), ...Array.from(response)]);
        });
      }),
    );
  });

  it('keeps to the budget but for a row alone, and begins with the largest micro-batch', () => {
    fc.assert(
      fc.property(groups, budget, (made, tokenBudget) => {
        const sequences = made.flatMap(({ prompt, responses }) => group(prompt, responses));
        const shapes = sequenceBatches(sequences, { tokenBudget, sharedPrompts: true }).map(
          ({ feeds }) => (feeds.ids as Shaped).shape,
        );
        for (const [rows, length] of shapes)
          if (rows > 1) expect(rows * length).toBeLessThanOrEqual(tokenBudget);
        const tokens = shapes.map(([rows, length]) => rows * length);
        expect(tokens).toEqual(tokens.toSorted((a, b) => b - a));
      }),
    );
  });

  it('keeps together what has to stay together, whatever the budget', () => {
    fc.assert(
      fc.property(groups, budget, (made, tokenBudget) => {
        const sequences: Sequence[] = [];
        const together = made.map(({ prompt, responses }) =>
          group(prompt, responses).map((sequence) => sequences.push(sequence) - 1),
        );
        for (const sharedPrompts of [true, false]) {
          const batches = sequenceBatches(sequences, { tokenBudget, sharedPrompts, together });
          expect(batches.flatMap(({ members }) => members).toSorted((a, b) => a - b)).toEqual([
            ...sequences.keys(),
          ]);
          for (const unit of together) {
            const homes = batches.filter(({ members }) => unit.some((i) => members.includes(i)));
            expect(homes).toHaveLength(1);
          }
        }
      }),
    );
  });

  it('computes a prompt once where that costs fewer tokens than to repeat it', () => {
    const shapeOf = (sequences: readonly Sequence[]) =>
      sequenceBatches(sequences, { tokenBudget: 1000, sharedPrompts: true }).map(({ feeds }) => ({
        rows: (feeds.ids as Shaped).shape,
        responses: (feeds.responseSegments as Shaped).shape,
      }));
    // 31 + 4 · (1 + 8) = 67 tokens, rounded up to 72, in place of 4 · 40.
    expect(shapeOf(group(32, [8, 8, 8, 8]))).toEqual([{ rows: [1, 72], responses: [1, 4, 9] }]);
    // 3 + 2 · (1 + 40) = 85 is more than 44 + 5: the short one stands alone, whole.
    expect(shapeOf(group(4, [40, 1]))).toEqual([{ rows: [2, 48], responses: [2, 1, 44] }]);
    // The two long ones share a row, and the two short ones.
    expect(shapeOf(group(32, [64, 2, 64, 2]))).toEqual([{ rows: [2, 168], responses: [2, 2, 65] }]);
  });
});

const shape = { vocabSize: 29, width: 16, layers: 3, heads: 4, kvHeads: 2, innerWidth: 24, maxPositions: 64 };
const llama = makeLlamaConfig({ ...shape, tiedEmbeddings: true });
const parse = (source: Record<string, unknown>): DecoderConfig =>
  parseDecoderConfig({ vocab_size: 29, initializer_range: 0.3, ...source }, 'config.json');
const families: [string, DecoderConfig][] = [
  ['grouped key heads', llama],
  ['windows that differ from layer to layer', { ...llama, slidingWindows: [null, 3, 6] }],
  ['gpt2', parse({ model_type: 'gpt2', n_embd: 16, n_layer: 2, n_head: 4, n_positions: 64 })],
  [
    'gpt_neox',
    parse({
      ...{ model_type: 'gpt_neox', hidden_size: 16, num_hidden_layers: 2, num_attention_heads: 4 },
      ...{ intermediate_size: 24, max_position_embeddings: 64 },
    }),
  ],
];

describe.each(families)('rows that share prompts give what separate rows give: %s', (_, config) => {
  const head = scalarHeadSpec(config);
  const sequences = [
    ...group(9, [4, 5, 3]),
    ...group(6, [7]),
    ...group(1, [2, 2]), // a prompt that is all in front of the responses
    ...group(12, [5, 5, 1]),
  ];
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tenet-shared-prompts-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  function fresh(): ParameterStore {
    const parameters = new ParameterStore([...parameterSpecs(config), head]);
    initialiseParameters(parameters, new Random(3));
    return parameters;
  }

  /** Log-probabilities of response tokens and a number at the last, by sequence. */
  async function score(sharedPrompts: boolean) {
    const parameters = fresh();
    const model = buildModelGraph(config, parameters, { sharedPrompts });
    const { logProbs } = countedLogProbs(model);
    const scoring = buildModelGraph(config, parameters, { sharedPrompts });
    const sessions = [
      await Session.create<string>(model.graph, { logProbs }, { threads: 1 }),
      await Session.create<string>(
        scoring.graph,
        { scores: scalarHead(scoring, countedHidden(scoring), head.name) },
        { threads: 1 },
      ),
    ];
    const weights = Object.fromEntries(parameters.names.map((name) => [name, parameters.view(name)]));
    const found: { logProbs: number[]; score: number }[] = [];
    for (const { feeds, members, rows, targets, ends } of sequenceBatches(sequences, {
      tokenBudget: 120,
      sharedPrompts,
    })) {
      const values = (await sessions[0].run({ ...weights, ...feeds, rows, targets })).logProbs
        .data as Float32Array;
      const scores = (await sessions[1].run({ ...weights, ...feeds, rows: ends })).scores
        .data as Float32Array;
      let start = 0;
      members.forEach((member, i) => {
        const end = start + sequences[member].response.length;
        found[member] = { logProbs: [...values.subarray(start, end)], score: scores[i] };
        start = end;
      });
    }
    for (const session of sessions) await session.release();
    return found;
  }

  it('log-probabilities and scores', async () => {
    const [shared, separate] = [await score(true), await score(false)];
    separate.forEach(({ logProbs, score: expected }, i) => {
      expect(shared[i].score).toBeCloseTo(expected, 4);
      logProbs.forEach((value, t) => {
        expect(shared[i].logProbs[t]).toBeCloseTo(value, 4);
      });
    });
  });

  async function train(sharedPrompts: boolean, gradientCheckpointing: boolean) {
    const parameters = fresh();
    const model = buildModelGraph(config, parameters, { sharedPrompts, gradientCheckpointing });
    const { loss } = crossEntropyLoss({
      logProbs: countedLogProbs(model).logProbs,
      counted: model.graph.input('counted', 'real', ['N']),
      normaliser: model.graph.input('normaliser', 'real', []),
    });
    await using trainer = await Trainer.create(model, loss, {}, parameters, { folder, threads: 1 });
    const microBatches = sequenceBatches(sequences, { tokenBudget: 120, sharedPrompts }).map(
      ({ feeds, rows, targets }) => ({
        ...{ ...feeds, rows, targets },
        counted: new Float32Array(targets.length).fill(1),
        normaliser: scalarFeed(40),
      }),
    );
    const { loss: value, gradNorm } = await trainer.step(microBatches, 1e-2);
    return { loss: value, gradNorm, moments: trainer.state.firstMoment.slice() };
  }

  it.each([
    ['one graph', false],
    ['layer by layer', true],
  ])('gradients, %s', async (__, gradientCheckpointing) => {
    const expected = await train(false, false);
    const found = await train(true, gradientCheckpointing);
    expect(found.loss).toBeCloseTo(expected.loss, 5);
    expect(found.gradNorm / expected.gradNorm).toBeCloseTo(1, 4);
    let largest = 0;
    expected.moments.forEach((value, i) => {
      largest = Math.max(largest, Math.abs(found.moments[i] - value));
    });
    expect(largest).toBeLessThan(2e-6);
    expect(Math.max(...expected.moments.map(Math.abs))).toBeGreaterThan(3e-4);
  });
});
