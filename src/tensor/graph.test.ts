import { describe, expect, it } from 'vitest';
import { TenetError } from '../base/index.ts';
import { dtypeOf, Graph } from './graph.ts';
import { add, reshape } from './ops/index.ts';
import { evaluate } from './testing/index.ts';

describe('Graph', () => {
  it('computes symbolic sizes, products included, at run time', async () => {
    const graph = new Graph();
    graph.input('x', 'real', ['B', 'T', 4]);
    const outputs = {
      t: graph.dimTensor('T'),
      product: graph.dimTensor('6*B*T'),
      shape: graph.shapeTensor(['T', 4, '2*B']),
      known: graph.shapeTensor([2, 3]),
    };
    const x = { data: new Float32Array(24), shape: [2, 3, 4] };
    expect(await evaluate(graph, outputs, { x })).toEqual({
      t: [3],
      product: [36],
      shape: [3, 4, 4],
      known: [2, 3],
    });
  });

  it('writes dimensions in one way, so that equal ones are recognised', () => {
    const graph = new Graph();
    const a = graph.input('a', 'real', ['T*B', '2*3']);
    expect(a.shape).toEqual(['B*T', 6]);
    expect(add(a, reshape(graph.input('b', 'real', ['B', 'T', 6]), [-1, 6])).shape).toEqual(['B*T', 6]);
  });

  it('shares equal constants', () => {
    const graph = new Graph();
    expect(graph.scalar(2)).toBe(graph.scalar(2));
    expect(graph.integers([1, 2])).toBe(graph.integers([1, 2]));
    expect(graph.integers([1], [])).not.toBe(graph.integers([1]));
  });

  it('prefers portable operators in float64 only', () => {
    expect(new Graph().portable).toBe(false);
    expect(new Graph({ precision: 'float64' }).portable).toBe(true);
    expect(new Graph({ portable: true }).precision).toBe('float32');
  });

  it('refuses what it cannot compute', () => {
    const graph = new Graph();
    graph.input('x', 'real', ['B']);
    expect(() => graph.input('x', 'real', [2])).toThrow(/input "x" is declared twice/);
    expect(() => graph.constant(new Float32Array(3), [2, 2])).toThrow(
      /shape \[2, 2\] holds 4 values but 3 were given/,
    );
    expect(() => graph.dimTensor('T')).toThrow(/no input has a dimension "T".*inputs are x \[B\]/);
  });

  it('gives shape errors a code and their facts', () => {
    const graph = new Graph();
    const x = graph.input('x', 'real', ['B', 2]);
    try {
      reshape(x, ['B', 3]);
      expect.unreachable();
    } catch (error) {
      expect(TenetError.is(error) && error.code).toBe('shape');
      const { details } = error as TenetError;
      expect(details).toMatchObject({ operator: 'reshape', shapes: ['[B, 2]'] });
      expect(details.caller).toMatch(/graph\.test\.ts:\d+:\d+/);
    }
  });

  it('knows the element types of arrays', () => {
    const arrays = [
      new Float32Array(),
      new Float64Array(),
      new BigInt64Array(),
      new Int32Array(),
      new Int8Array(),
      new Uint8Array(),
    ];
    expect(arrays.map(dtypeOf)).toEqual(['float32', 'float64', 'int64', 'int32', 'int8', 'uint8']);
  });
});
