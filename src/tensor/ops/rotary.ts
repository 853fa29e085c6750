/** Rotary position embedding. */
import { type Graph, shapeError, type Tensor } from '../graph.ts';
import { reshape } from './broadcast.ts';
import { add, multiply, negate, subtract, toReal } from './elementwise.ts';
import { concat, range, split } from './shape.ts';

/** Cosines and sines for the positions of one batch, computed once and shared by all layers. */
export interface RotaryTable {
  /** [B*T, R/2] */
  readonly cos: Tensor;
  /** [B*T, R/2] */
  readonly sin: Tensor;
  /** [B, T] the row of each token in `cos` and `sin`. */
  readonly rows: Tensor;
}

/**
 * Angles of every token: position · inverse frequency, in the order of Hugging Face's "rotate half".
 * @param positions          [B, T] int32 or int64
 * @param inverseFrequencies [R/2] radians per position
 * @param attentionFactor    factor on cos and sin (1 except for YaRN)
 * @see Su et al. 2021, arXiv:2104.09864, eq. 34.
 */
export function rotaryTable(
  positions: Tensor,
  inverseFrequencies: readonly number[],
  attentionFactor = 1,
): RotaryTable {
  const { graph } = positions;
  const half = inverseFrequencies.length;
  const frequencies = realConstant(graph, inverseFrequencies, [1, half]);
  const angles = multiply(reshape(toReal(positions), [-1, 1]), frequencies);
  const apply = (operator: string): Tensor => {
    const [value] = graph.node({
      operator,
      inputs: [angles],
      outputs: [{ dtype: angles.dtype, shape: angles.shape }],
    });
    return attentionFactor === 1 ? value : multiply(value, attentionFactor);
  };
  return {
    cos: apply('Cos'),
    sin: apply('Sin'),
    rows: reshape(range(graph, angles.shape[0]), positions.shape),
  };
}

/**
 * Turns each head's leading R dimensions by its token's angles; dimension i is paired with i + R/2.
 * @param x [B, T, H*D]
 * @param options.heads H
 */
export function rotary(x: Tensor, table: RotaryTable, options: { readonly heads: number }): Tensor {
  const { heads } = options;
  const width = x.shape[x.rank - 1];
  const half = table.cos.shape[1] as number;
  if (typeof width !== 'number' || width % heads !== 0 || width / heads < 2 * half) {
    throw shapeError(
      'rotary',
      [x],
      `the last axis must be ${heads} heads of at least ${2 * half} dimensions`,
    );
  }
  if (x.graph.portable) return rotaryFromParts(x, table, heads, width / heads, half);
  const node = (input: Tensor, sin: Tensor): Tensor =>
    x.graph.node({
      operator: 'RotaryEmbedding',
      domain: 'com.microsoft',
      inputs: [input, table.rows, table.cos, sin],
      outputs: [{ dtype: x.dtype, shape: x.shape }],
      attributes: {
        num_heads: heads,
        // ONNX Runtime takes 0 for "all of the head", and refuses anything else without its head count.
        rotary_embedding_dim: 2 * half === width / heads ? 0 : 2 * half,
      },
    })[0];
  const result = node(x, table.sin);
  // The transpose of a rotation is the rotation by the opposite angle.
  x.graph.differentiable([x], [result], ([g]) => [node(g!, negate(table.sin))]);
  return result;
}

function rotaryFromParts(
  x: Tensor,
  table: RotaryTable,
  heads: number,
  headWidth: number,
  half: number,
): Tensor {
  const [batch, length] = x.shape;
  const perHead = reshape(x, [batch, length, heads, headWidth]);
  const rest = headWidth - 2 * half;
  const [first, second, untouched] = split(perHead, 3, rest ? [half, half, rest] : [half, half]);
  const cos = reshape(table.cos, [batch, length, 1, half]);
  const sin = reshape(table.sin, [batch, length, 1, half]);
  const turned = [
    subtract(multiply(first, cos), multiply(second, sin)),
    add(multiply(second, cos), multiply(first, sin)),
  ];
  return reshape(concat(rest ? [...turned, untouched] : turned, 3), x.shape);
}

function realConstant(graph: Graph, values: readonly number[], shape: readonly number[]): Tensor {
  const data = graph.precision === 'float64' ? Float64Array.from(values) : Float32Array.from(values);
  return graph.constant(data, shape);
}
