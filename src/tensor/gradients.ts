/** Reverse-mode differentiation: adds to a graph the nodes that compute a scalar's gradients. */
import { TenetError } from '../base/index.ts';
import { equalShapes } from './dims.ts';
import type { Graph, Tensor } from './graph.ts';
import { sumOf } from './ops/elementwise.ts';
import { zeros } from './ops/shape.ts';

/**
 * Gradients of `loss` with respect to each of `targets`, as tensors of the same graph.
 *
 * Each rule is visited once, in reverse order of computation, after all gradients into its outputs are known.
 * A target that the loss does not depend on gets zeros.
 * @param loss    a scalar, or one value to be summed
 * @param targets tensors of the same graph, usually its inputs
 */
export function gradients(loss: Tensor, targets: readonly Tensor[]): Tensor[] {
  const { graph } = loss;
  if (loss.shape.some((dim) => dim !== 1)) {
    throw new TenetError(
      'shape',
      `gradients: the loss must be a scalar, got ${loss}; sum or average it first`,
    );
  }
  const needed = dependents(graph, targets);
  const contributions = new Map<Tensor, Tensor[]>([[loss, [ones(loss)]]]);
  const gradientOf = (tensor: Tensor): Tensor | null => {
    const parts = contributions.get(tensor);
    if (!parts) return null;
    const total = sumOf(parts);
    contributions.set(tensor, [total]);
    return total;
  };

  for (const record of graph.gradientRecords.slice().reverse()) {
    const outputs = record.outputs.filter((output) => output.gradientRecord === record);
    if (!outputs.some((output) => contributions.has(output))) continue;
    if (!record.inputs.some((input) => input && needed.has(input))) continue;
    const inputGradients = record.backward(record.outputs.map(gradientOf));
    record.inputs.forEach((input, i) => {
      const gradient = inputGradients[i];
      if (!input || !gradient || !needed.has(input)) return;
      if (!equalShapes(gradient.shape, input.shape)) {
        throw new TenetError('internal', `gradients: a rule gave ${gradient} for an input of ${input}`);
      }
      const parts = contributions.get(input);
      if (parts) parts.push(gradient);
      else contributions.set(input, [gradient]);
    });
  }
  return targets.map((target) => gradientOf(target) ?? zeros(target, target.shape));
}

/** Every tensor whose value depends on a target (targets included). */
function dependents(graph: Graph, targets: readonly Tensor[]): Set<Tensor> {
  const found = new Set<Tensor>(targets);
  for (const record of graph.gradientRecords) {
    if (record.inputs.some((input) => input && found.has(input))) {
      for (const output of record.outputs) found.add(output);
    }
  }
  return found;
}

function ones(like: Tensor): Tensor {
  const one = like.graph.scalar(1);
  if (like.rank === 0) return one;
  return like.graph.node({
    operator: 'Expand',
    inputs: [one, like.graph.shapeTensor(like.shape)],
    outputs: [{ dtype: like.dtype, shape: like.shape }],
  })[0];
}
