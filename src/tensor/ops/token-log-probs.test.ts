import { describe, expect, it } from 'vitest';
import { Graph, type Tensor } from '../graph.ts';
import { checkGradients, compareFused, evaluate, type TestInput } from '../testing/index.ts';
import {
  add,
  divide,
  entropyFromLogits,
  gatherElements,
  logSoftmax,
  matmul,
  multiply,
  reshape,
  sum,
  tokenLogProbs,
} from './index.ts';

// N = 4 rows, D = 3 wide, V = 5 tokens; one target twice.
const inputs: Record<'hidden' | 'weight' | 'bias' | 'targets', TestInput> = {
  hidden: { shape: ['N', 3] },
  weight: { shape: [5, 3] },
  bias: { shape: [5] },
  targets: { shape: ['N'], dtype: 'int32', values: [1, 4, 1, 0] },
};
const sizes = { sizes: { N: 4 } };

describe.each([
  ['plain', {}],
  ['temperature', { temperature: 0.7 }],
  ['bias', { bias: true }],
  ['bias and temperature', { bias: true, temperature: 2.5 }],
])(
  'tokenLogProbs, %s',
  (_, { bias: withBias = false, temperature }: { bias?: boolean; temperature?: number }) => {
    const run = (x: Record<'hidden' | 'weight' | 'bias' | 'targets', Tensor>) =>
      tokenLogProbs(x.hidden, x.weight, x.targets, { bias: withBias ? x.bias : null, temperature });

    it('has the right gradient, plain and fused', async () => {
      await checkGradients((_graph, x) => run(x).logProbs, inputs, sizes);
      await compareFused((_graph, x) => run(x).logProbs, inputs, sizes);
    });

    it('is what log-softmax of the logits gives at the targets', async () => {
      await checkDifference((_graph, x) => {
        let logits = matmul(x.hidden, x.weight, { transposeB: true });
        if (withBias) logits = add(logits, x.bias);
        const all = logSoftmax(divide(logits, temperature ?? 1));
        const direct = reshape(gatherElements(all, reshape(x.targets, ['N', 1]), 1), ['N']);
        return [run(x).logProbs, direct];
      });
    });

    it('has an entropy with the right gradient, alone and beside the log-probabilities', async () => {
      const entropy = (x: Parameters<typeof run>[0]): Tensor => {
        const { logits, probabilities, logNormaliser } = run(x);
        return entropyFromLogits(logits, probabilities, logNormaliser);
      };
      await checkGradients((_graph, x) => entropy(x), inputs, sizes);
      await checkGradients(
        (_graph, x) => {
          const { logProbs, logits, probabilities, logNormaliser } = run(x);
          return add(multiply(logProbs, 2), entropyFromLogits(logits, probabilities, logNormaliser));
        },
        inputs,
        sizes,
      );
      await compareFused((_graph, x) => entropy(x), inputs, sizes);
    });

    it('passes gradients through the logits too', async () => {
      await checkGradients(
        (_graph, x) => {
          const { logProbs, logits } = run(x);
          return add(logProbs, sum(multiply(logits, logits), { axes: [1] }));
        },
        inputs,
        sizes,
      );
    });

    /**
     * Both tensors must have equal values and, through random weights, equal gradients; to seven digits only,
     * because ONNX Runtime folds a product's scale into an attribute that is float32 even in a float64 graph.
     */
    async function checkDifference(
      build: (graph: Graph, x: Parameters<typeof run>[0]) => [Tensor, Tensor],
    ): Promise<void> {
      const [a, b] = await Promise.all(
        [0, 1].map((which) => checkGradients((graph, x) => build(graph, x)[which], inputs, sizes)),
      );
      expect(a.loss).toBeCloseTo(b.loss, 7);
      for (const [name, gradient] of Object.entries(a.gradients)) {
        for (const [i, value] of gradient.entries()) expect(value).toBeCloseTo(b.gradients[name][i], 7);
      }
    }
  },
);

describe('values', () => {
  /** Log-probabilities of given logits: hidden is the identity, so row n's logits are column n of the weight. */
  async function of(logits: readonly (readonly number[])[], targets: readonly number[], portable = false) {
    const rows = logits.length;
    const tokens = logits[0].length;
    const graph = new Graph({ portable });
    const hidden = graph.input('hidden', 'real', [rows, rows]);
    const weight = graph.input('weight', 'real', [tokens, rows]);
    const result = tokenLogProbs(hidden, weight, graph.input('targets', 'int32', [rows]));
    const { logProbs, isArgmax, logNormaliser } = result;
    const entropy = entropyFromLogits(result.logits, result.probabilities, logNormaliser);
    return evaluate(
      graph,
      { logProbs, isArgmax, logNormaliser, entropy },
      {
        hidden: Float32Array.from({ length: rows * rows }, (_, i) => (i % (rows + 1) === 0 ? 1 : 0)),
        weight: Float32Array.from(
          { length: tokens * rows },
          (_, i) => logits[i % rows][Math.floor(i / rows)],
        ),
        targets: Int32Array.from(targets),
      },
    );
  }

  it.each([false, true])(
    'stay exact for logits of ±1e4 and for very unlikely tokens (portable: %s)',
    async (portable) => {
      const values = await of(
        [
          [1e4, -1e4, 0],
          [1e4, -1e4, 0],
          [10_000, 10_001, 9_999],
          [0, -90, -200],
        ],
        [1, 0, 0, 2],
        portable,
      );
      // −2e4; 0; 0 − log(1 + e + 1/e); −200, whose probability float32 cannot hold.
      const expected = [-2e4, 0, -Math.log(1 + Math.E + 1 / Math.E), -200];
      for (const [i, value] of expected.entries()) {
        expect(Math.abs(values.logProbs[i] - value)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(value)));
      }
      expect(values.isArgmax).toEqual([0, 1, 0, 0]);
      expect(values.logNormaliser[0]).toBe(1e4);
      for (const [i, entropy] of values.entropy.entries()) {
        // Rows 0, 1, 3 are certain; row 2 has H = log Z − Σ p · logit with logits 0, 1, −1.
        const z = 1 + Math.E + 1 / Math.E;
        const exact = i === 2 ? Math.log(z) - (Math.E - 1 / Math.E) / z : 0;
        expect(Math.abs(entropy - exact)).toBeLessThanOrEqual(2e-3); // logits of 1e4 have 1e-3 between neighbours
      }
    },
  );

  it('mark every most likely token', async () => {
    const { isArgmax } = await of(
      [
        [1, 3, 3],
        [1, 3, 3],
        [1, 3, 3],
      ],
      [0, 1, 2],
    );
    expect(isArgmax).toEqual([0, 1, 1]);
  });
});

it('shapes that do not fit are refused', () => {
  const graph = new Graph();
  const hidden = graph.input('hidden', 'real', ['N', 3]);
  const targets = graph.input('targets', 'int32', ['N']);
  expect(() => tokenLogProbs(hidden, graph.input('weight', 'real', [5, 4]), targets)).toThrow(
    /^tokenLogProbs: needs \[N, D\], \[V, D\] and \[N\]; got \[N, 3\] and \[5, 4\] and \[N\]/,
  );
});
