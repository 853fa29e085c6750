/** Normalisation layers, with gradients written by hand to read and write memory as little as possible. */
import { productOf } from '../dims.ts';
import { shapeError, type Tensor } from '../graph.ts';
import { reshape, sum } from './broadcast.ts';
import { add, divide, multiply, sqrt, square, subtract } from './elementwise.ts';
import { matmul } from './matmul.ts';
import { mean } from './reduce.ts';

/**
 * Root-mean-square normalisation over the last axis: x / √(mean(x²) + eps) · weight.
 * @param x      [… , D]
 * @param weight [D]
 * @see Zhang and Sennrich 2019, arXiv:1910.07467, eq. 4.
 */
export function rmsNorm(x: Tensor, weight: Tensor, eps: number): Tensor {
  const width = checkWidth('rmsNorm', x, weight);
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
    // dx = inverse · g · weight − x · inverse³ · mean(g · x · weight); dw = Σ rows g · x · inverse. Both sums are
    // products of one array with a vector.
    const gradientTimesX = multiply(g!, x);
    const projection = rowProducts(gradientTimesX, multiply(weight, 1 / width)); // [… , 1]
    const slope = multiply(multiply(square(inverse), inverse), projection);
    return [
      subtract(multiply(multiply(g!, weight), inverse), multiply(x, slope)),
      columnProducts(gradientTimesX, inverse),
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
  const width = checkWidth('layerNorm', x, weight);
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
    // n = (x − centre) · inverse; dx = inverse · (gw − mean(gw) − n · mean(gw · n)) with gw = g · weight;
    // dw = Σ rows g · n; db = Σ rows g.
    const normalised = multiply(subtract(x, centre), inverse);
    const gradientTimesN = multiply(g!, normalised);
    const share = multiply(weight, 1 / width);
    const shift = rowProducts(g!, share); // [… , 1]
    const projection = rowProducts(gradientTimesN, share); // [… , 1]
    return [
      multiply(inverse, subtract(subtract(multiply(g!, weight), shift), multiply(normalised, projection))),
      sumRows(gradientTimesN),
      sumRows(g!),
    ];
  });
  return result;
}

/** Each row's product with a vector: x [… , D], vector [D] → [… , 1]. */
function rowProducts(x: Tensor, vector: Tensor): Tensor {
  const width = x.shape[x.rank - 1];
  const products = matmul(reshape(x, [-1, width]), reshape(vector, [width, 1]));
  return reshape(products, [...x.shape.slice(0, -1), 1]);
}

/** Σ over rows of row · factor: x [… , D], factors [… , 1] → [D]. */
function columnProducts(x: Tensor, factors: Tensor): Tensor {
  const width = x.shape[x.rank - 1];
  return reshape(matmul(reshape(factors, [1, -1]), reshape(x, [-1, width])), [width]);
}

/** [… , D] → [D], the sum over all leading axes. */
function sumRows(x: Tensor): Tensor {
  const width = x.shape[x.rank - 1];
  return sum(reshape(x, [productOf(x.shape.slice(0, -1)), width]), { axes: [0] });
}

/** @returns D */
function checkWidth(operator: string, x: Tensor, weight: Tensor): number {
  const width = x.shape[x.rank - 1];
  if (weight.rank !== 1 || weight.shape[0] !== width || typeof width !== 'number') {
    throw shapeError(operator, [x, weight], 'the weight must have one value per element of the last axis');
  }
  return width;
}
