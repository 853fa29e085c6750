import { fromBinary } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { encodeGraph } from './encode.ts';
import { Graph } from './graph.ts';
import { ModelProtoSchema } from './onnx/onnx_pb.ts';
import { add, exp, matmul } from './ops/index.ts';
import { Session } from './session.ts';

it('writes what the outputs need and nothing else', () => {
  const graph = new Graph();
  const x = graph.input('x', 'real', ['B', 2]);
  graph.input('unused', 'real', [1]);
  const weight = graph.constant(Float32Array.of(1, 2, 3, 4), [2, 2]);
  const y = matmul(x, weight, { transposeB: true, scale: 0.5 });
  exp(add(y, 7)); // not asked for
  const { graph: model, opsetImport } = fromBinary(ModelProtoSchema, encodeGraph(graph, [y]).model);
  expect(model?.input.map(({ name }) => name)).toEqual(['x']);
  expect(model?.node.map(({ opType, domain }) => [opType, domain])).toEqual([
    ['FusedMatMul', 'com.microsoft'],
  ]);
  expect(model?.initializer).toHaveLength(1);
  expect(model?.initializer[0].dims).toEqual([2n, 2n]);
  expect(opsetImport.map(({ domain }) => domain)).toEqual(['', 'com.microsoft']);
});

it('leaves large constants where they are, whatever part of a buffer they are', async () => {
  const graph = new Graph();
  const values = Float32Array.from({ length: 4096 + 7 }, (_, i) => Math.sin(i));
  const weight = graph.constant(values.subarray(7), [64, 64]);
  const x = graph.input('x', 'real', ['B', 64]);
  const y = add(matmul(x, weight), 1);
  const { model, constants } = encodeGraph(graph, [y]);
  expect(model.length).toBeLessThan(1000);
  expect(constants.map(({ data }) => [data.buffer === values.buffer, data.byteOffset, data.length])).toEqual([
    [true, 28, 16384],
  ]);
  const session = await Session.create(graph, { y });
  const row = Float32Array.from({ length: 64 }, (_, i) => i / 64);
  const { y: computed } = await session.run({ x: { data: row, shape: [1, 64] } });
  await session.release();
  const expected = Array.from({ length: 64 }, (_, column) =>
    row.reduce((total, value, i) => total + value * values[7 + 64 * i + column], 1),
  );
  for (const [i, value] of expected.entries()) expect(computed.data[i]).toBeCloseTo(value, 4);
});
