/** For tests: the mean loss over counted tokens of a model, with every gradient. */
import {
  gradients,
  mean,
  negate,
  Session,
  type SessionOptions,
  type Tensor,
  type TensorValue,
} from '../../tensor/index.ts';
import type { DecoderConfig } from '../decoder-config.ts';
import { buildModelGraph, countedLogProbs, countedTargets } from '../model-graph.ts';
import type { ParameterStore } from '../parameter-store.ts';
import type { TokenRows } from './token-rows.ts';

export interface LossValues {
  /** Mean −log-probability of the counted tokens, nats. */
  readonly loss: number;
  /** [N] log-probability of each counted token, in row order. */
  readonly logProbs: Float32Array;
  /** [N, V] logits that predict them. */
  readonly logits: Float32Array;
  /** The loss's gradient by parameter. */
  readonly gradients: ReadonlyMap<string, Float32Array>;
}

/** A model ready to be scored and differentiated with whatever its parameters hold at the time. */
export class LossGraph {
  private readonly session: Session;
  private readonly parameters: Readonly<Record<string, Float32Array>>;

  private constructor(session: Session, parameters: Readonly<Record<string, Float32Array>>) {
    this.session = session;
    this.parameters = parameters;
  }

  static async create(
    config: DecoderConfig,
    store: ParameterStore,
    options: SessionOptions = { threads: 1 },
  ): Promise<LossGraph> {
    const model = buildModelGraph(config, store);
    const { logProbs, logits } = countedLogProbs(model);
    const loss = negate(mean(logProbs));
    const names = [...model.weights.inputs.keys()];
    const outputs: Record<string, Tensor> = { loss, logProbs, logits };
    gradients(loss, [...model.weights.inputs.values()]).forEach((gradient, i) => {
      outputs[`gradient:${names[i]}`] = gradient;
    });
    const session = await Session.create<string>(model.graph, outputs, options);
    return new LossGraph(session, Object.fromEntries(names.map((name) => [name, store.view(name)])));
  }

  async run(batch: TokenRows): Promise<LossValues> {
    const shape = [batch.rows, batch.length];
    const { rows, targets } = countedTargets(batch);
    const values = (await this.session.run({
      ...this.parameters,
      ids: { data: batch.ids, shape },
      segments: { data: batch.segments, shape },
      positions: { data: batch.positions, shape },
      rows,
      targets,
    })) as Record<string, TensorValue>;
    const data = (name: string): Float32Array => values[name].data as Float32Array;
    return {
      loss: data('loss')[0],
      logProbs: data('logProbs'),
      logits: data('logits'),
      gradients: new Map(Object.keys(this.parameters).map((name) => [name, data(`gradient:${name}`)])),
    };
  }

  async release(): Promise<void> {
    await this.session.release();
  }
}

/** The L2 norm of an array, summed in float64. */
export function norm(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}
