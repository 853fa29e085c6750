/** A set of texts that keeps 8 bytes per text, for finding exact repetitions in large files. */
import { createHash } from 'node:crypto';

/** Two different texts are taken for the same with probability below n²/2^49: 2 % for three million texts. */
export class FingerprintSet {
  private slots: Float64Array = new Float64Array(1024); // 0 = empty
  private size = 0;

  /** Adds a text; true when it was there before. */
  add(text: string): boolean {
    if ((this.size + 1) * 2 > this.slots.length) this.grow();
    return this.insert(fingerprint(text));
  }

  private insert(value: number): boolean {
    const { slots } = this;
    let slot = value % slots.length;
    while (slots[slot] !== 0) {
      if (slots[slot] === value) return true;
      slot = (slot + 1) % slots.length;
    }
    slots[slot] = value;
    this.size++;
    return false;
  }

  private grow(): void {
    const old = this.slots;
    this.slots = new Float64Array(old.length * 2);
    this.size = 0;
    for (const value of old) if (value !== 0) this.insert(value);
  }
}

/** 48 bits of a hash and 4 of the length; never 0, and exact in a double. */
function fingerprint(text: string): number {
  return createHash('md5').update(text).digest().readUIntBE(0, 6) * 16 + (text.length % 16) || 1;
}
