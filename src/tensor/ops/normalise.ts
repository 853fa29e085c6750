/** Normalisation layers, with gradients written by hand to read and write memory as little as possible. */
import { productOf } from '../dims.ts';
import { shapeError, type Tensor } from '../graph.ts';
import { reshape, sum } from './broadcast.ts';
import { add, divide, multiply, sqrt, square, subtract } from './elementwise.ts';
import { mean } from './reduce.ts';

/**
 * Root-mean-square normalisation over the last axis: x / √(mean(x²) + eps) · weight.
 * @param x      [… , D]
 * @param weight [D]
 * @see Zhang and Sennrich 2019, arXiv:1910.07467, eq. 4.
 */
export function rmsNorm(x: Tensor, weight: Tensor, eps: number): Tensor {
  checkWidth('rmsNorm', x, weight);
  const { graph } = x;
  if (graph.portable) {
    const inverse = divide(1, sqrt(add(mean(square(x), { axes: [-1], keep: true }), eps)));
    return multiply(multiply(x, inverse), weight);
  }
  const statistics = [...x.shape.slice(0, -1), 1];
  const [result, inverse] = graph.node({
    operator: 'SimplifiedLayerNormalization',
    inputs: [x, weight],
    outputs: [
      { dtype: x.dtype, shape: x.shape },
      { dtype: x.dtype, shape: statistics },
    ],
    attributes: { axis: -1, epsilon: { float: eps }, stash_type: 1 },
  });
  graph.differentiable([x, weight], [result], ([g]) => {
    // n = x · inverse; dx = inverse · (gw − n · mean(gw · n)) with gw = g · weight; dw = Σ rows g · n.
    const normalised = multiply(x, inverse);
    const weighted = multiply(g!, weight);
    const projection = mean(multiply(weighted, normalised), { axes: [-1], keep: true });
    return [
      multiply(inverse, subtract(weighted, multiply(normalised, projection))),
      sumRows(multiply(g!, normalised)),
    ];
  });
  return result;
}

/**
 * Layer normalisation over the last axis: (x − mean) / √(variance + eps) · weight + bias.
 * @param x      [… , D]
 * @param weight [D]
 * @param bias   [D]
 * @see Ba et al. 2016, arXiv:1607.06450, eq. 4.
 */
export function layerNorm(x: Tensor, weight: Tensor, bias: Tensor, eps: number): Tensor {
  checkWidth('layerNorm', x, weight);
  const { graph } = x;
  if (graph.portable) {
    const centred = subtract(x, mean(x, { axes: [-1], keep: true }));
    const deviation = sqrt(add(mean(square(centred), { axes: [-1], keep: true }), eps));
    return add(multiply(divide(centred, deviation), weight), bias);
  }
  const statistics = [...x.shape.slice(0, -1), 1];
  const [result, centre, inverse] = graph.node({
    operator: 'LayerNormalization',
    inputs: [x, weight, bias],
    outputs: [
      { dtype: x.dtype, shape: x.shape },
      { dtype: x.dtype, shape: statistics },
      { dtype: x.dtype, shape: statistics },
    ],
    attributes: { axis: -1, epsilon: { float: eps }, stash_type: 1 },
  });
  graph.differentiable([x, weight, bias], [result], ([g]) => {
    const normalised = multiply(subtract(x, centre), inverse);
    const weighted = multiply(g!, weight);
    const shift = mean(weighted, { axes: [-1], keep: true });
    const projection = mean(multiply(weighted, normalised), { axes: [-1], keep: true });
    return [
      multiply(inverse, subtract(subtract(weighted, shift), multiply(normalised, projection))),
      sumRows(multiply(g!, normalised)),
      sumRows(g!),
    ];
  });
  return result;
}

/** [… , D] → [D], the sum over all leading axes. */
function sumRows(x: Tensor): Tensor {
  const width = x.shape[x.rank - 1];
  return sum(reshape(x, [productOf(x.shape.slice(0, -1)), width]), { axes: [0] });
}

function checkWidth(operator: string, x: Tensor, weight: Tensor): void {
  if (weight.rank !== 1 || weight.shape[0] !== x.shape[x.rank - 1]) {
    throw shapeError(operator, [x, weight], 'the weight must have one value per element of the last axis');
  }
}
