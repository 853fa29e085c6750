import { fromBinary } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { encodeGraph } from './encode.ts';
import { Graph } from './graph.ts';
import { ModelProtoSchema } from './onnx/onnx_pb.ts';
import { add, exp, matmul } from './ops/index.ts';

it('writes what the outputs need and nothing else', () => {
  const graph = new Graph();
  const x = graph.input('x', 'real', ['B', 2]);
  graph.input('unused', 'real', [1]);
  const weight = graph.constant(Float32Array.of(1, 2, 3, 4), [2, 2]);
  const y = matmul(x, weight, { transposeB: true, scale: 0.5 });
  exp(add(y, 7)); // not asked for
  const { graph: model, opsetImport } = fromBinary(ModelProtoSchema, encodeGraph(graph, [y]));
  expect(model?.input.map(({ name }) => name)).toEqual(['x']);
  expect(model?.node.map(({ opType, domain }) => [opType, domain])).toEqual([
    ['FusedMatMul', 'com.microsoft'],
  ]);
  expect(model?.initializer).toHaveLength(1);
  expect(model?.initializer[0].dims).toEqual([2n, 2n]);
  expect(opsetImport.map(({ domain }) => domain)).toEqual(['', 'com.microsoft']);
});

it('refuses constants of 2 GiB and more before it copies anything', () => {
  const graph = new Graph();
  const length = 2 ** 29 + 1;
  // An array that only claims its size.
  const huge = Object.create(Float32Array.prototype, {
    length: { value: length },
    byteLength: { value: 4 * length },
  }) as Float32Array;
  const weight = graph.constant(huge, [length]);
  expect(() => encodeGraph(graph, [exp(weight)])).toThrow(
    /the constants take 2\.00 GiB but one ONNX file holds less than 2 GiB; feed the weights as inputs/,
  );
});
