import { describe, expect, it } from 'vitest';
import { Random, TenetError } from '../base/index.ts';
import { allocateFloats } from './float-memory.ts';
import { gradients } from './gradients.ts';
import { Graph, type Tensor } from './graph.ts';
import {
  add,
  exp,
  gatherRows,
  gelu,
  linear,
  mean,
  multiply,
  negate,
  rmsNorm,
  softmax,
  sum,
  tokenLogProbs,
  toReal,
} from './ops/index.ts';
import { type Feeds, Session } from './session.ts';

describe('feeds', () => {
  const graph = new Graph();
  const x = graph.input('x', 'real', ['B', 'T']);
  const y = graph.input('y', 'real', ['B', 3]);
  const ids = graph.input('ids', 'int32', ['B']);
  graph.input('unused', 'real', [4]);
  const z = sum(add(mean(x, { axes: [1] }), add(mean(y, { axes: [1] }), toReal(ids))));

  it('are checked together: missing, wrong type, count, rank, size and unequal symbols', async () => {
    const session = await Session.create(graph, { z });
    const run = async (feeds: Feeds): Promise<string> => {
      try {
        await session.run(feeds);
      } catch (error) {
        expect(TenetError.is(error) && error.code).toBe('shape');
        return (error as Error).message;
      }
      return 'accepted';
    };
    const good: Feeds = {
      x: { data: new Float32Array(8), shape: [2, 4] },
      y: { data: new Float32Array(6), shape: [2, 3] },
      ids: Int32Array.of(0, 1),
    };
    expect(await run(good)).toBe('accepted');
    expect(await run({})).toBe(
      'Session.run: "x" [B, T] is missing; "y" [B, 3] is missing; "ids" [B] is missing',
    );
    expect(await run({ ...good, ids: new Float32Array(2) })).toMatch(
      /"ids" \[B\] is int32 and takes a Int32Array, got Float32Array/,
    );
    expect(await run({ ...good, x: new Float32Array(8) })).toMatch(/"x" \[B, T\] needs an explicit shape/);
    expect(await run({ ...good, x: { data: new Float32Array(7), shape: [2, 4] } })).toMatch(
      /"x" \[B, T\] was given shape \[2, 4\] = 8 values, but 7 values/,
    );
    expect(await run({ ...good, x: { data: new Float32Array(8), shape: [8] } })).toMatch(/another rank/);
    expect(await run({ ...good, y: { data: new Float32Array(8), shape: [2, 4] } })).toMatch(
      /"y" \[B, 3\] axis 1: is 4, must be 3/,
    );
    expect(await run({ ...good, ids: Int32Array.of(1, 2, 3) })).toMatch(
      /"ids" \[B\] axis 0: B is 3 here but 2 in "x"/,
    );
    await session.release();
  });

  it('need only what the outputs depend on', async () => {
    const session = await Session.create(graph, { onlyY: sum(y) });
    expect(session.inputNames).toEqual(['y']);
    const { onlyY } = await session.run({
      y: { data: Float32Array.of(1, 2, 3), shape: [1, 3] },
      unused: new Float32Array(4),
    });
    expect(onlyY).toEqual({ data: Float32Array.of(6), shape: [] });
    await session.release();
  });

  it('may change between runs, in place or by other arrays, also in WebAssembly memory', async () => {
    const session = await Session.create(graph, { total: sum(y) });
    const data = Float32Array.of(1, 2, 3);
    const total = async (values: Float32Array): Promise<number> =>
      Number((await session.run({ y: { data: values, shape: [1, 3] } })).total.data[0]);
    expect(await total(data)).toBe(6);
    data[0] = 10;
    expect(await total(data)).toBe(15);
    const arena = allocateFloats(6);
    arena.set([4, 5, 6], 3);
    const view = arena.subarray(3);
    expect(await total(view)).toBe(15);
    view[2] = 60;
    expect(await total(view)).toBe(69);
    await session.release();
  });

  it('of booleans, and empty batches', async () => {
    const graph = new Graph();
    const mask = graph.input('mask', 'bool', ['N']);
    const session = await Session.create(graph, { count: sum(toReal(mask)) });
    expect((await session.run({ mask: Uint8Array.of(1, 0, 1) })).count.data[0]).toBe(2);
    expect((await session.run({ mask: new Uint8Array(0) })).count.data[0]).toBe(0);
    await session.release();
  });
});

describe('outputs', () => {
  it('may be inputs, constants, and one tensor under two names', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'real', ['B']);
    const y = exp(x);
    const session = await Session.create(graph, { x, y, again: y, constant: graph.scalar(3) });
    const values = await session.run({ x: Float32Array.of(0) });
    expect(Object.values(values).map(({ data }) => data[0])).toEqual([0, 1, 1, 3]);
    expect(Object.keys(await session.run({ x: Float32Array.of(0) }, ['again']))).toEqual(['again']);
    await session.release();
  });

  it('are fresh arrays in every run', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'real', [1]);
    const session = await Session.create(graph, { y: negate(x) });
    const first = await session.run({ x: Float32Array.of(1) });
    await session.run({ x: Float32Array.of(2) });
    expect(first.y.data[0]).toBe(-1);
    await session.release();
  });
});

describe('failures', () => {
  it('name the device and what ONNX Runtime said', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'real', [2]);
    const [wrong] = graph.node({
      operator: 'NoSuchOperator',
      inputs: [x],
      outputs: [{ dtype: 'float32', shape: [2] }],
    });
    await expect(Session.create(graph, { wrong })).rejects.toThrow(
      /refused the graph on cpu: .*NoSuchOperator/s,
    );
  });

  it('refuse a graph with CPU-only operators on other devices', async () => {
    const graph = new Graph();
    const y = softmax(graph.input('x', 'real', [2]));
    await expect(Session.create(graph, { y }, { device: 'webgpu' })).rejects.toThrow(
      /must be built with \{ portable: true \}/,
    );
  });

  it('while running are reported as errors of the graph', async () => {
    const graph = new Graph();
    const table = graph.input('table', 'real', [2, 2]);
    const rows = graph.input('rows', 'int64', [1]);
    const session = await Session.create(graph, { picked: gatherRows(table, rows) });
    await expect(session.run({ table: new Float32Array(4), rows: BigInt64Array.of(9n) })).rejects.toThrow(
      /ONNX Runtime failed while running the graph: .*/,
    );
    await session.release();
  });
});

/** A small language model's training graph: everything whose order of additions could vary. */
function trainingGraph(portable: boolean): {
  graph: Graph;
  outputs: Record<string, Tensor>;
  feeds: Feeds;
} {
  const [tokens, width, vocabulary] = [96, 64, 200];
  const graph = new Graph({ portable });
  const random = new Random(1);
  const feeds: Record<string, Feeds[string]> = {};
  const parameter = (name: string, shape: readonly number[]): Tensor => {
    const count = shape.reduce((a, b) => a * b, 1);
    feeds[name] = Float32Array.from({ length: count }, () => 0.1 * random.normal());
    return graph.input(name, 'real', shape);
  };
  const integers = (name: string): Tensor => {
    feeds[name] = Int32Array.from({ length: tokens }, () => random.int(vocabulary));
    return graph.input(name, 'int32', ['N']);
  };
  const parameters = {
    embedding: parameter('embedding', [vocabulary, width]),
    norm: parameter('norm', [width]),
    inner: parameter('inner', [4 * width, width]),
    outer: parameter('outer', [width, 4 * width]),
  };
  const x = gatherRows(parameters.embedding, integers('ids'));
  const normed = rmsNorm(x, parameters.norm, 1e-5);
  const hidden = add(x, linear(gelu(linear(normed, parameters.inner)), parameters.outer));
  const { logProbs } = tokenLogProbs(hidden, parameters.embedding, integers('targets'));
  const loss = negate(mean(multiply(logProbs, logProbs)));
  const names = Object.keys(parameters) as (keyof typeof parameters)[];
  const found = gradients(
    loss,
    names.map((name) => parameters[name]),
  );
  return { graph, outputs: { loss, ...Object.fromEntries(names.map((name, i) => [name, found[i]])) }, feeds };
}

const bytesOf = (values: Record<string, { data: ArrayBufferView }>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(values).map(([name, { data }]) => [
      name,
      Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'),
    ]),
  );

it.each([1, 2])('same inputs, same bits: over runs and sessions, with %i threads', async (threads) => {
  const expected: Record<string, string>[] = [];
  for (let session = 0; session < 2; session++) {
    const { graph, outputs, feeds } = trainingGraph(false);
    const created = await Session.create(graph, outputs, { threads });
    for (let run = 0; run < 5; run++) expected.push(bytesOf(await created.run(feeds)));
    await created.release();
  }
  for (const values of expected.slice(1)) expect(values).toEqual(expected[0]);
});

/**
 * Set TENET_TEST_WEBGPU=1 on a machine with a GPU, or with the software driver that comes with Chromium:
 * LD_LIBRARY_PATH=/usr/lib/chromium VK_ICD_FILENAMES=/usr/lib/chromium/vk_swiftshader_icd.json
 */
const hasWebGpu = process.env.TENET_TEST_WEBGPU === '1';

it.skipIf(!hasWebGpu)('a portable training graph gives the same loss and gradients on webgpu', async () => {
  const { graph, outputs, feeds } = trainingGraph(true);
  const cpu = await Session.create(graph, outputs);
  const gpu = await Session.create(graph, outputs, { device: 'webgpu' });
  const [expected, actual] = [await cpu.run(feeds), await gpu.run(feeds)];
  for (const name of Object.keys(outputs)) {
    const scale = Math.max(...Array.from(expected[name].data as Float32Array, Math.abs));
    expected[name].data.forEach((value, i) => {
      expect(Math.abs(Number(actual[name].data[i]) - Number(value))).toBeLessThanOrEqual(1e-4 * scale);
    });
  }
  await cpu.release();
});
