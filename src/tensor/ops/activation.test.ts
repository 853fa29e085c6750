import { expect, it } from 'vitest';
import { Graph, type Tensor } from '../graph.ts';
import { checkGradients, compareFused, evaluate } from '../testing/index.ts';
import { gatedSilu, gelu, geluTanh, silu } from './index.ts';

const unary: Record<string, (x: Tensor) => Tensor> = { silu, gelu, geluTanh };

it.each(Object.entries(unary))('gradient of %s', async (_, operator) => {
  await checkGradients((_graph, { x }) => operator(x), { x: { shape: ['B', 5] } });
  await compareFused((_graph, { x }) => operator(x), { x: { shape: ['B', 5] } });
});

it('gradient of gatedSilu', async () => {
  const inputs = { gate: { shape: ['B', 3] }, up: { shape: ['B', 3] } };
  await checkGradients((_graph, { gate, up }) => gatedSilu(gate, up), inputs);
  await compareFused((_graph, { gate, up }) => gatedSilu(gate, up), inputs);
  // The same tensor twice: x² σ(x).
  await checkGradients((_graph, { gate }) => gatedSilu(gate, gate), { gate: inputs.gate });
});

it('values', async () => {
  const graph = new Graph();
  const x = graph.input('x', 'real', [3]);
  const values = await evaluate(
    graph,
    { silu: silu(x), gelu: gelu(x), geluTanh: geluTanh(x), gated: gatedSilu(x, x) },
    { x: Float32Array.of(-1, 0, 2) },
  );
  // PyTorch 2.13: F.silu, F.gelu, F.gelu(approximate='tanh') of [-1, 0, 2].
  const expected = {
    silu: [-0.2689414, 0, 1.7615942],
    gelu: [-0.1586553, 0, 1.9544997],
    geluTanh: [-0.158808, 0, 1.9545977],
    gated: [0.2689414, 0, 3.5231884],
  };
  for (const [name, list] of Object.entries(expected)) {
    for (const [i, value] of list.entries())
      expect(values[name as keyof typeof expected][i]).toBeCloseTo(value, 6);
  }
});
