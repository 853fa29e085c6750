import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import { padBatch } from '../data/index.ts';
import {
  adaptParameters,
  buildModelGraph,
  countedLogProbs,
  countedTargets,
  type DecoderConfig,
  initialiseParameters,
  makeLlamaConfig,
  ParameterStore,
  parameterSpecs,
} from '../model/index.ts';
import { parseDecoderConfig } from '../model/parse-config.ts';
import { crossEntropyLoss } from '../objective/index.ts';
import { tokenFeeds } from './sequences.ts';
import { scalarFeed, Trainer } from './trainer.ts';

const shape = { vocabSize: 29, width: 16, layers: 3, heads: 4, kvHeads: 2, innerWidth: 24, maxPositions: 64 };
const tied = makeLlamaConfig({ ...shape, tiedEmbeddings: true });
const untied = makeLlamaConfig({ ...shape, tiedEmbeddings: false });
const gpt2 = parse({ model_type: 'gpt2', n_embd: 16, n_layer: 3, n_head: 4, n_positions: 64 });
const neox = parse({
  ...{ model_type: 'gpt_neox', hidden_size: 16, num_hidden_layers: 2, num_attention_heads: 4 },
  ...{ intermediate_size: 24, max_position_embeddings: 64 },
});
/** The second layer sees three tokens, the others all. */
const windows: DecoderConfig = { ...tied, slidingWindows: [null, 3, null] };

const adapter = {
  type: 'lora',
  rank: 2,
  alpha: 4,
  rsLora: false,
  dropout: 0.2,
  targetModules: 'all-linear',
} as const;

function parse(source: Record<string, unknown>): DecoderConfig {
  return parseDecoderConfig({ vocab_size: 29, initializer_range: 0.3, ...source }, 'config.json');
}

describe('training with activation checkpointing', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tenet-checkpointing-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** Two steps of cross-entropy over two micro-batches each. */
  async function train(
    config: DecoderConfig,
    parameters: ParameterStore,
    gradientCheckpointing: boolean,
    dropout = 0,
  ) {
    const model = buildModelGraph(config, parameters, { gradientCheckpointing, dropout });
    const { loss } = crossEntropyLoss({
      logProbs: countedLogProbs(model).logProbs,
      counted: model.graph.input('counted', 'real', ['N']),
      normaliser: model.graph.input('normaliser', 'real', []),
    });
    await using trainer = await Trainer.create(model, loss, {}, parameters, { folder, threads: 1 });
    const draws = new Random(4);
    const microBatches = [4, 9].map((length, i) => {
      const ids = Int32Array.from({ length }, (_, t) => (7 * t + 3 * i) % 29);
      const batch = padBatch([
        { ids, counted: new Uint8Array(length).fill(1, 1) },
        { ids: ids.slice(1), counted: new Uint8Array(length - 1).fill(1, 1) },
      ]);
      const { rows, targets } = countedTargets(batch);
      return {
        ...{ ...tokenFeeds(batch), rows, targets },
        counted: new Float32Array(targets.length).fill(1),
        normaliser: scalarFeed(20),
        ...model.dropout?.feeds([batch.rows, batch.length], draws),
      };
    });
    const steps = [await trainer.step(microBatches, 1e-2), await trainer.step(microBatches, 1e-2)];
    return { steps, moments: trainer.state.firstMoment.slice() };
  }

  function fresh(config: DecoderConfig): ParameterStore {
    const parameters = new ParameterStore(parameterSpecs(config));
    initialiseParameters(parameters, new Random(3));
    return parameters;
  }

  it.each([
    ['tied embeddings', tied],
    ['an output projection of its own', untied],
    ['windows that differ from layer to layer', windows],
    ['gpt2', gpt2],
    ['gpt_neox', neox],
  ])('gives the same as one graph: %s', async (_, config) => {
    const [whole, apart] = [fresh(config), fresh(config)];
    const expected = await train(config, whole, false);
    const found = await train(config, apart, true);
    expectSame(found, expected);
  });

  it.each([
    ['all layers', 'all-linear'],
    ['the last layer alone', ['layers.2.mlp.down_proj']],
  ] as const)('of an adapter on %s, dropout included', async (_, targetModules) => {
    const base = fresh(tied);
    const make = () => {
      const adapted = adaptParameters(tied, base, { ...adapter, targetModules }, { random: new Random(6) });
      const draws = new Random(7);
      for (const name of adapted.names)
        for (const i of adapted.view(name).keys()) adapted.view(name)[i] += 0.1 * draws.normal();
      return adapted;
    };
    const before = base.hash();
    const expected = await train(tied, make(), false, adapter.dropout);
    const found = await train(tied, make(), true, adapter.dropout);
    expectSame(found, expected);
    expect(base.hash()).toBe(before);
    const without = await train(tied, make(), true);
    expect(without.steps[0].loss).not.toBeCloseTo(found.steps[0].loss, 4);
  });

  type Trained = Awaited<ReturnType<typeof train>>;

  /** Rounding apart: sums of the same numbers in the same order, but in other kernels. */
  function expectSame(found: Trained, expected: Trained): void {
    for (const i of [0, 1]) {
      expect(found.steps[i].loss).toBeCloseTo(expected.steps[i].loss, 5);
      expect(found.steps[i].gradNorm / expected.steps[i].gradNorm).toBeCloseTo(1, 4);
    }
    expect(found.moments.length).toBe(expected.moments.length);
    let largest = 0;
    expected.moments.forEach((value, i) => {
      largest = Math.max(largest, Math.abs(found.moments[i] - value));
    });
    expect(largest).toBeLessThan(1e-6);
    expect(Math.max(...expected.moments.map(Math.abs))).toBeGreaterThan(3e-4);
  }
});
