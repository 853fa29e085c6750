import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import {
  type DecoderConfig,
  initialiseParameters,
  ParameterStore,
  parameterSpecs,
  scalarHeadSpec,
} from '../model/index.ts';
import { tinyModel } from '../model/testing/tiny-model.ts';
import { HeadScorer, ResponseScorer } from './scorers.ts';
import type { Sequence } from './sequences.ts';

const head = 'value.weight';
let config: DecoderConfig;
let store: ParameterStore;
let sequences: Sequence[];

beforeAll(() => {
  const tiny = tinyModel();
  config = tiny.config;
  store = new ParameterStore([...parameterSpecs(config), scalarHeadSpec(config, { name: head })]);
  initialiseParameters(store, new Random(3));
  store.copyShared(tiny.parameters);
  const random = new Random(5);
  const tokens = (length: number): number[] => Array.from({ length }, () => random.int(29));
  sequences = Array.from({ length: 9 }, () => ({
    prompt: tokens(1 + random.int(12)),
    response: tokens(1 + random.int(25)),
  }));
});

function expectClose(actual: Float32Array, expected: Float32Array): void {
  expect(actual).toHaveLength(expected.length);
  for (const [i, value] of actual.entries()) expect(value).toBeCloseTo(expected[i], 5);
}

describe('ResponseScorer', () => {
  it('gives each response the same numbers alone, padded among others, and in another order', async () => {
    const together = await ResponseScorer.create(config, store, { threads: 1, valueHead: head });
    const alone = await ResponseScorer.create(config, store, { threads: 1, valueHead: head, tokenBudget: 1 });
    const all = await together.score(store, sequences);
    const single = await alone.score(store, sequences);
    const reversed = (await together.score(store, sequences.toReversed())).toReversed();
    sequences.forEach(({ response }, i) => {
      for (const name of ['logProbs', 'entropies', 'values'] as const) {
        expect(all[i][name]).toHaveLength(response.length);
        expectClose(all[i][name], single[i][name]);
        expectClose(reversed[i][name], single[i][name]);
      }
    });
  });

  it('sums to certainty: the probabilities of all possible tokens add up to 1', async () => {
    const scorer = await ResponseScorer.create(config, store, { threads: 1, temperature: 0.7 });
    const prompt = [3, 1, 4];
    const each = await scorer.score(
      store,
      Array.from({ length: 29 }, (_, id) => ({ prompt, response: [id] })),
    );
    const probabilities = each.map(({ logProbs }) => Math.exp(logProbs[0]));
    expect(probabilities.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
    const entropy = probabilities.reduce((all, p) => all - p * Math.log(p), 0);
    expect(each[0].entropies[0]).toBeCloseTo(entropy, 4);
    expect(each[0].values).toHaveLength(0);
  });

  it('is let go also where a session could not be made, so that the reason is what is seen', async () => {
    const { parameters } = tinyModel();
    const use = async (): Promise<void> => {
      await using scorer = await ResponseScorer.create(config, parameters, { threads: 1, valueHead: head });
      await scorer.score(parameters, sequences);
    };
    await expect(use()).rejects.toThrow(head); // a store without the head cannot make the graph
  });

  it('scores whatever store it is given', async () => {
    const scorer = await ResponseScorer.create(config, store, { threads: 1 });
    const other = store.clone();
    other.values.fill(0); // every token equally likely
    const [{ logProbs }] = await scorer.score(other, sequences.slice(0, 1));
    for (const value of logProbs) expect(value).toBeCloseTo(-Math.log(29), 5);
  });

  it('scores a store without the value head, a reference model’s, just without values', async () => {
    const scorer = await ResponseScorer.create(config, store, { threads: 1, valueHead: head });
    const { parameters } = tinyModel();
    const plain = await scorer.score(parameters, sequences);
    const withHead = await scorer.score(store, sequences);
    expect(plain.map(({ logProbs }) => logProbs)).toEqual(withHead.map(({ logProbs }) => logProbs));
    expect(plain[0].values).toHaveLength(0);
  });
});

describe('HeadScorer', () => {
  it('gives each sequence the same score alone, padded among others, and in another order', async () => {
    const together = await HeadScorer.create(config, store, head, { threads: 1 });
    const alone = await HeadScorer.create(config, store, head, { threads: 1, tokenBudget: 1 });
    const all = await together.scoreLast(store, sequences);
    expectClose(all, await alone.scoreLast(store, sequences));
    expectClose((await together.scoreLast(store, sequences.toReversed())).toReversed(), all);
  });

  it('scores whole texts without a prompt the same, also where their empty prompt is one array', async () => {
    const scorer = await HeadScorer.create(config, store, head, { threads: 1 });
    const none = new Int32Array(0);
    const texts = sequences.map(({ prompt, response }) => [...Array.from(prompt), ...Array.from(response)]);
    const alike = texts.map((response) => ({ prompt: none, response }));
    expectClose(await scorer.scoreLast(store, alike), await scorer.scoreLast(store, sequences));
    // A token's own numbers need a token before it.
    await expect(scorer.scoreTokens(store, alike)).rejects.toThrow('sequence 0 of 9 has an empty prompt');
    const responses = await ResponseScorer.create(config, store, { threads: 1 });
    await expect(responses.logProbs(store, [sequences[0], alike[0]])).rejects.toThrow('sequence 1 of 2');
  });

  it('reads values one place before each response token, and the score at the very last token', async () => {
    const scorer = await HeadScorer.create(config, store, head, { threads: 1 });
    const tokens = await scorer.scoreTokens(store, sequences);
    const response = await ResponseScorer.create(config, store, { threads: 1, valueHead: head });
    const withValues = await response.score(store, sequences);
    sequences.forEach(({ response }, i) => {
      expect(tokens[i]).toHaveLength(response.length);
      expectClose(tokens[i], withValues[i].values);
    });
    // The value before token t is the score of the sequence cut there.
    const [{ prompt, response: first }] = sequences;
    const cut = Array.from(first, (_, t) => ({ prompt, response: Array.from(first).slice(0, t) }));
    expectClose(await scorer.scoreLast(store, cut), tokens[0]);
  });

  it('hands out the states that it scores, where they were asked for', async () => {
    const scorer = await HeadScorer.create(config, store, head, {
      threads: 1,
      tokenBudget: 64,
      states: true,
    });
    const { scores, states } = await scorer.scoreStates(store, sequences);
    const weights = store.view(head);
    expect(states).toHaveLength(sequences.length);
    // The head is linear: its score is the product of its weights and the state.
    const products = states.map((state) => state.reduce((sum, value, i) => sum + value * weights[i], 0));
    expectClose(scores[0], Float32Array.from(products));
    const without = await HeadScorer.create(config, store, head, { threads: 1 });
    expect((await without.scoreStates(store, sequences)).states).toEqual([]);
  });
});
