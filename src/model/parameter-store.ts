/**
 * All parameters of a model in one flat buffer.
 *
 * One buffer lets the optimizer update in place, and keeps matrices that are used together next to each other.
 */
import { createHash } from 'node:crypto';
import { nearest, TenetError } from '../base/error.ts';
import { allocateFloats } from '../tensor/float-memory.ts';
import type { ParameterSpec } from './parameters.ts';

/** What an adapter adds to a matrix W: W + scale · B A, each output scaled to length `magnitude` where there is one. */
export interface LowRank {
  /** Name of A [rank, in]. */
  readonly a: string;
  /** Name of B [out, rank]. */
  readonly b: string;
  readonly scale: number;
  /** Name of DoRA's magnitudes [out]; null for LoRA. */
  readonly magnitude: string | null;
}

/** What building a graph asks of parameters. */
export interface ParameterShapes {
  shapeOf(name: string): readonly number[];
  /** The adapter on a matrix; null, or no such function, for none. */
  lowRankOf?(weight: string): LowRank | null;
}

/** Tensors start at multiples of 64 bytes (16 floats), the width of a cache line and of AVX-512. */
const alignment = 16;

export class ParameterStore implements ParameterShapes {
  /** In memory order. */
  readonly specs: readonly ParameterSpec[];
  readonly names: readonly string[];
  /** Everything, padding between tensors included (always zero). */
  readonly values: Float32Array<ArrayBuffer>;
  /** Number of parameters, padding not counted. */
  readonly count: number;
  readonly #offsets: ReadonlyMap<string, number>; // in floats
  readonly #byName: ReadonlyMap<string, ParameterSpec>;

  /**
   * @param specs what to hold, in order; neighbours of one `group` are laid out without a gap.
   * @throws TenetError('model') for a repeated name.
   */
  constructor(specs: readonly ParameterSpec[]) {
    const offsets = new Map<string, number>();
    let end = 0;
    let count = 0;
    specs.forEach((spec, i) => {
      if (offsets.has(spec.name)) {
        throw new TenetError('model', `Parameter "${spec.name}" is named twice; names must be unique.`);
      }
      const joined = spec.group !== undefined && spec.group === specs[i - 1]?.group;
      const offset = joined ? end : Math.ceil(end / alignment) * alignment;
      offsets.set(spec.name, offset);
      const size = sizeOf(spec);
      end = offset + size;
      count += size;
    });
    const length = Math.ceil(end / alignment) * alignment;
    this.specs = specs;
    this.names = specs.map(({ name }) => name);
    this.values = allocateFloats(length);
    this.count = count;
    this.#offsets = offsets;
    this.#byName = new Map(specs.map((spec) => [spec.name, spec]));
  }

  has(name: string): boolean {
    return this.#offsets.has(name);
  }

  /** True for parameters whose values are this store's own, and so may be trained through it: here all. */
  owns(name: string): boolean {
    return this.#offsets.has(name);
  }

  /** What an adapter adds to a matrix: here nothing. */
  lowRankOf(_weight: string): LowRank | null {
    return null;
  }

  /** @throws TenetError('model') for an unknown name, as do all that take one. */
  specOf(name: string): ParameterSpec {
    const spec = this.#byName.get(name);
    if (spec) return spec;
    const near = nearest(name, this.names);
    throw new TenetError('model', `No parameter "${name}".${near ? ` Did you mean "${near}"?` : ''}`);
  }

  shapeOf(name: string): readonly number[] {
    return this.specOf(name).shape;
  }

  /** Where the parameter starts in `values`, in floats. */
  offsetOf(name: string): number {
    this.specOf(name);
    return this.#offsets.get(name)!;
  }

  /** The parameter's memory, [product of its shape] row-major; writing to it changes the model. */
  view(name: string): Float32Array<ArrayBuffer> {
    const offset = this.offsetOf(name);
    return this.values.subarray(offset, offset + sizeOf(this.specOf(name)));
  }

  /**
   * Several parameters as one array, e.g. query, key and value weights as one [(H + 2K) · W, D] matrix.
   * @throws TenetError('model') when they do not follow one another without a gap, in this order.
   */
  fusedView(names: readonly string[]): Float32Array<ArrayBuffer> {
    const start = this.offsetOf(names[0]);
    let end = start;
    for (const name of names) {
      if (this.offsetOf(name) !== end) {
        throw new TenetError(
          'model',
          `Parameters ${names.join(', ')} are not contiguous: "${name}" starts at ${this.offsetOf(name)}, not ${end}.`,
        );
      }
      end += sizeOf(this.specOf(name));
    }
    return this.values.subarray(start, end);
  }

  /** Takes all values of a store with the same parameters. @throws TenetError('model') if they differ. */
  copyFrom(other: ParameterStore): void {
    const same =
      this.specs.length === other.specs.length &&
      this.specs.every((spec, i) => sameShape(spec, other.specs[i]) && spec.group === other.specs[i].group);
    if (!same) {
      throw new TenetError(
        'model',
        'Cannot copy: the two stores hold different parameters (see copyShared).',
      );
    }
    this.values.set(other.values);
  }

  /**
   * Takes the values of every parameter that both stores have, e.g. a policy's decoder into a reward model.
   * @returns the names of this store that the other one lacks.
   * @throws TenetError('model') when a name has different shapes, or the other store adapts a matrix: it would be
   * lost, so merge it first.
   */
  copyShared(other: ParameterStore): string[] {
    const left: string[] = [];
    for (const spec of this.specs) {
      if (!other.has(spec.name)) {
        left.push(spec.name);
      } else if (!sameShape(spec, other.specOf(spec.name))) {
        throw new TenetError(
          'model',
          `Cannot copy "${spec.name}": shape [${other.shapeOf(spec.name)}] into [${spec.shape}].`,
        );
      } else if (other.lowRankOf(spec.name) && !this.lowRankOf(spec.name)) {
        throw new TenetError(
          'model',
          `Cannot copy "${spec.name}" without its adapter; merge the adapter first.`,
        );
      } else {
        this.view(spec.name).set(other.view(spec.name));
      }
    }
    return left;
  }

  /** A store of its own memory with the same parameters and values. */
  clone(): ParameterStore {
    const copy = new ParameterStore(this.specs);
    copy.values.set(this.values);
    return copy;
  }

  /**
   * SHA-256 over names, shapes and bit patterns as `sha256:<hex>`; the same on every machine.
   * @param names of the parameters that count, in their order. Default all
   */
  hash(names: readonly string[] = this.specs.map(({ name }) => name)): string {
    const hash = createHash('sha256');
    for (const name of names) {
      hash.update(`${JSON.stringify([name, this.shapeOf(name)])}\n`);
      const view = this.view(name);
      hash.update(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
    }
    return `sha256:${hash.digest('hex')}`;
  }
}

/** Number of elements of a parameter. */
function sizeOf(spec: ParameterSpec): number {
  return spec.shape.reduce((a, b) => a * b, 1);
}

function sameShape(a: ParameterSpec, b: ParameterSpec): boolean {
  return a.name === b.name && a.shape.length === b.shape.length && a.shape.every((n, i) => n === b.shape[i]);
}
