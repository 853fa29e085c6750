/**
 * Linear probes in the pass that generates: numbers for each token from the residual stream behind some layers, at the
 * price of a thin product for each.
 *
 * Shapes: B rows, T tokens, D width, L layers that are read, H numbers.
 */
import { TenetError } from '../../base/index.ts';
import { add, type Graph, matmul, reshape, type Tensor } from '../../tensor/index.ts';
import type { DecoderConfig } from '../decoder-config.ts';

export interface StateProbe {
  /** [L] layers, from 0, whose outputs are read. */
  readonly layers: readonly number[];
  /** [H][L * D + 1] weights on the outputs, one layer after the other, and the constant. */
  readonly rows: readonly (readonly number[])[];
  /** Of the parameters that it was fitted to; other parameters are refused. Default: whatever they are. */
  readonly modelHash?: string;
}

/** @throws TenetError('usage') for layers that do not exist, or weights that do not fit the model */
export function checkProbe({ layers, rows }: StateProbe, config: DecoderConfig): void {
  const missing = layers.filter((layer) => !(Number.isInteger(layer) && layer >= 0 && layer < config.layers));
  if (missing.length > 0 || layers.length === 0) {
    throw new TenetError(
      'usage',
      layers.length === 0
        ? 'The probe reads no layer; name at least one.'
        : `The probe reads layers ${missing.join(', ')}, which do not exist; the model has 0 to ${config.layers - 1}.`,
    );
  }
  const size = layers.length * config.width + 1;
  const wrong = rows.find(({ length }) => length !== size);
  if (wrong || rows.length === 0) {
    throw new TenetError(
      'usage',
      `The probe has ${wrong ? `a row of ${wrong.length} weights` : 'no rows'}; for ${layers.length} layers of width ` +
        `${config.width} a row has ${size}, the constant last.`,
    );
  }
}

/** Adds up what a probe makes of the layers, as a decoder shows them. */
export class ProbeReadout {
  private readonly graph: Graph;
  private readonly probe: StateProbe;
  private readonly width: number;
  private sum: Tensor;

  constructor(graph: Graph, config: DecoderConfig, probe: StateProbe) {
    this.graph = graph;
    this.probe = probe;
    this.width = config.width;
    const constants = Float32Array.from(probe.rows, (row) => row[row.length - 1]);
    this.sum = graph.constant(constants, [1, probe.rows.length]);
  }

  /** @param x [B, T, D] the residual stream behind the layer */
  add(x: Tensor, layer: number): void {
    const { graph, width } = this;
    const { layers, rows } = this.probe;
    const place = layers.indexOf(layer);
    if (place < 0) return;
    const weights = Float32Array.from(rows.flatMap((row) => row.slice(place * width, (place + 1) * width)));
    const matrix = graph.constant(weights, [rows.length, width]);
    const product = matmul(reshape(x, [-1, width]), matrix, { transposeB: true });
    this.sum = add(product, this.sum);
  }

  /** [B * T, H] of all layers that were shown. */
  get scores(): Tensor {
    return this.sum;
  }
}
