/** Writes an adapter into the weights: what remains is a plain model that computes the same. */
import {
  add,
  divide,
  Graph,
  matmul,
  multiply,
  reshape,
  Session,
  type SessionOptions,
  sqrt,
  square,
  sum,
  type Tensor,
} from '../../tensor/index.ts';
import type { DecoderConfig } from '../decoder-config.ts';
import { type LowRank, ParameterStore } from '../parameter-store.ts';
import { AdaptedParameters } from './adapted-parameters.ts';
import { storesInputsFirst } from './target-modules.ts';

/** The base's parameters with the adapter in their matrices, and the adapter's extra parameters, in memory of their own. */
export async function mergeAdapter(
  config: DecoderConfig,
  adapted: AdaptedParameters,
  options: SessionOptions = {},
): Promise<ParameterStore> {
  const { base, extra, modules } = adapted;
  const merged = new ParameterStore([...base.specs.filter(({ name }) => !adapted.owns(name)), ...extra]);
  const changed = new Set(modules.map(({ weight }) => weight));
  for (const name of merged.names) if (!changed.has(name)) merged.view(name).set(adapted.view(name));
  const sessions = new Map<string, Session<'merged'>>();
  try {
    for (const { weight } of modules) {
      const lowRank = adapted.lowRankOf(weight)!;
      const key = `${lowRank.scale} ${adapted.shapeOf(weight)} ${adapted.shapeOf(lowRank.a)}`;
      const session = sessions.get(key) ?? (await createMerge(config, adapted, weight, lowRank, options));
      sessions.set(key, session);
      const { a, b, magnitude } = lowRank;
      const { merged: values } = await session.run({
        matrix: adapted.view(weight),
        a: adapted.view(a),
        b: adapted.view(b),
        ...(magnitude !== null && { magnitude: adapted.view(magnitude) }),
      });
      merged.view(weight).set(values.data as Float32Array);
    }
  } finally {
    for (const session of sessions.values()) await session.release();
  }
  return merged;
}

/** The parameters themselves, or merged where they are adapted. */
export async function plainParameters(
  config: DecoderConfig,
  parameters: ParameterStore,
  options: SessionOptions = {},
): Promise<ParameterStore> {
  return parameters instanceof AdaptedParameters ? mergeAdapter(config, parameters, options) : parameters;
}

/** One matrix of this shape. */
function createMerge(
  config: DecoderConfig,
  shapes: ParameterStore,
  weight: string,
  { a, b, scale, magnitude }: LowRank,
  options: SessionOptions,
): Promise<Session<'merged'>> {
  const graph = new Graph();
  const input = (name: string, of: string): Tensor => graph.input(name, 'real', shapes.shapeOf(of));
  const [matrix, down, up] = [input('matrix', weight), input('a', a), input('b', b)];
  const inputsFirst = storesInputsFirst(config);
  const change = inputsFirst
    ? matmul(down, up, { transposeA: true, transposeB: true, scale })
    : matmul(up, down, { scale });
  let merged = add(matrix, change);
  if (magnitude !== null) {
    const axis = inputsFirst ? 0 : 1;
    const length = sqrt(sum(square(merged), { axes: [axis], keep: true }));
    const target = reshape(input('magnitude', magnitude), length.shape);
    merged = multiply(merged, divide(target, length));
  }
  return Session.create(graph, { merged }, options);
}
