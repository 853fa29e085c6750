/** Runs a loss graph on held-out data, without gradients. */
import type { ModelGraph, ParameterStore } from '../model/index.ts';
import { type Feeds, Session, type SessionOptions, type Tensor } from '../tensor/index.ts';
import { addMetrics } from './metrics.ts';

export class Evaluator implements AsyncDisposable {
  private readonly session: Session<string>;
  private readonly weights: Readonly<Record<string, Float32Array>>;

  private constructor(session: Session<string>, weights: Readonly<Record<string, Float32Array>>) {
    this.session = session;
    this.weights = weights;
  }

  /** @param outputs scalars that add up over micro-batches (`addMetrics`) */
  static async create(
    model: ModelGraph,
    outputs: Readonly<Record<string, Tensor>>,
    parameters: ParameterStore,
    options: SessionOptions = {},
  ): Promise<Evaluator> {
    const session = await Session.create<string>(model.graph, outputs, options);
    const names = [...model.weights.inputs.keys()];
    return new Evaluator(session, Object.fromEntries(names.map((name) => [name, parameters.view(name)])));
  }

  /** With the parameters as they are. */
  async measure(microBatches: readonly Feeds[]): Promise<Record<string, number>> {
    const totals: Record<string, number> = {};
    for (const feeds of microBatches) {
      const values = await this.session.run({ ...this.weights, ...feeds });
      addMetrics(
        totals,
        Object.fromEntries(Object.entries(values).map(([name, { data }]) => [name, Number(data[0])])),
      );
    }
    return totals;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.session.release();
  }
}
