/**
 * Keys and values of the tokens generated so far, for every active sequence.
 *
 * Shapes: L layers, B rows (active sequences), K key and value heads, S slots (tokens a row can hold), W head
 * width. A token's slot is its position. Each layer has one key and one value array [B, K, S, W] that the
 * engine reads in place; the arrays hold `capacity` rows of which the first B are used.
 */
import type { DecoderConfig } from '../decoder-config.ts';

/** Slots are added in steps of this many: attention reads the free ones too, and few distinct shapes are faster. */
const slotStep = 32;

export class KeyValueCache {
  readonly layers: number;
  readonly heads: number;
  readonly width: number;
  slots: number;
  capacity: number;
  rows = 0;
  private keys: Float32Array[];
  private values: Float32Array[];

  constructor(config: DecoderConfig, options: { readonly capacity: number; readonly slots: number }) {
    this.layers = config.layers;
    this.heads = config.kvHeads;
    this.width = config.headWidth;
    this.capacity = options.capacity;
    this.slots = roundUp(options.slots);
    this.keys = this.allocate();
    this.values = this.allocate();
  }

  /** [B, K, S, W] of one layer, without a copy. */
  layer(index: number): { keys: Float32Array; values: Float32Array } {
    const end = this.rows * this.rowSize;
    const exact = this.rows === this.capacity;
    const { [index]: keys } = this.keys;
    const { [index]: values } = this.values;
    return exact ? { keys, values } : { keys: keys.subarray(0, end), values: values.subarray(0, end) };
  }

  /** Makes room for so many rows, keeping what is stored. */
  reserve(rows: number): void {
    if (rows <= this.capacity) return;
    this.capacity = Math.max(rows, 2 * this.capacity);
    const [keys, values] = [this.keys, this.values];
    this.keys = this.allocate();
    this.values = this.allocate();
    for (let layer = 0; layer < this.layers; layer++) {
      this.keys[layer].set(keys[layer]);
      this.values[layer].set(values[layer]);
    }
  }

  /** Makes room for tokens up to position `slots − 1`, keeping what is stored. */
  grow(slots: number): void {
    if (slots <= this.slots) return;
    const [oldKeys, oldValues, oldSlots] = [this.keys, this.values, this.slots];
    this.slots = roundUp(slots);
    this.keys = this.allocate();
    this.values = this.allocate();
    const length = oldSlots * this.width;
    for (let layer = 0; layer < this.layers; layer++) {
      for (let block = 0; block < this.rows * this.heads; block++) {
        const from = block * length;
        const to = block * this.slots * this.width;
        this.keys[layer].set(oldKeys[layer].subarray(from, from + length), to);
        this.values[layer].set(oldValues[layer].subarray(from, from + length), to);
      }
    }
  }

  /**
   * Stores a prompt's keys and values in a row.
   * @param keys   [R, K, T, W] of one layer
   * @param source which of the R rows; its first `length` tokens are stored, in the slots from `offset` on
   */
  storePrompt(
    layer: number,
    row: number,
    prompt: {
      readonly keys: Float32Array;
      readonly values: Float32Array;
      readonly source: number;
      readonly tokens: number;
      readonly length: number;
      readonly offset: number;
    },
  ): void {
    for (let head = 0; head < this.heads; head++) {
      const from = (prompt.source * this.heads + head) * prompt.tokens * this.width;
      const to = ((row * this.heads + head) * this.slots + prompt.offset) * this.width;
      const size = prompt.length * this.width;
      this.keys[layer].set(prompt.keys.subarray(from, from + size), to);
      this.values[layer].set(prompt.values.subarray(from, from + size), to);
    }
  }

  /**
   * Stores one new token per row.
   * @param entries  [L, 2, B, K, W] keys and values of all layers
   * @param positions [B] the slot of each row's token
   */
  storeTokens(entries: Float32Array, positions: Int32Array): void {
    const { rows, heads, width } = this;
    const block = rows * heads * width;
    for (let layer = 0; layer < this.layers; layer++) {
      const keys = this.keys[layer];
      const values = this.values[layer];
      const keysAt = layer * 2 * block;
      const valuesAt = keysAt + block;
      for (let row = 0; row < rows; row++) {
        for (let head = 0; head < heads; head++) {
          const from = (row * heads + head) * width;
          const to = ((row * heads + head) * this.slots + positions[row]) * width;
          for (let i = 0; i < width; i++) {
            keys[to + i] = entries[keysAt + from + i];
            values[to + i] = entries[valuesAt + from + i];
          }
        }
      }
    }
  }

  /** Copies row `from` over row `to`. */
  moveRow(from: number, to: number): void {
    if (from === to) return;
    const size = this.rowSize;
    for (const array of [...this.keys, ...this.values])
      array.copyWithin(to * size, from * size, (from + 1) * size);
  }

  private get rowSize(): number {
    return this.heads * this.slots * this.width;
  }

  private allocate(): Float32Array[] {
    return Array.from({ length: this.layers }, () => new Float32Array(this.capacity * this.rowSize));
  }
}

function roundUp(slots: number): number {
  return Math.ceil(slots / slotStep) * slotStep;
}
