/** Collects many whole numbers in little memory and summarises them. */

export interface LengthSummary {
  count: number;
  min: number;
  median: number;
  p90: number;
  max: number;
  sum: number;
}

/** A growing list of whole numbers, 4 bytes each. */
export class LengthList {
  private values = new Int32Array(1024);
  private size = 0;

  add(value: number): void {
    if (this.size === this.values.length) {
      const larger = new Int32Array(this.size * 2);
      larger.set(this.values);
      this.values = larger;
    }
    this.values[this.size++] = value;
  }

  /** Quantiles by nearest rank: the smallest value that at least the given share does not exceed. */
  summary(): LengthSummary {
    const sorted = this.values.slice(0, this.size).sort();
    const at = (share: number) =>
      this.size === 0 ? 0 : sorted[Math.max(0, Math.ceil(share * this.size) - 1)];
    let sum = 0;
    for (const value of sorted) sum += value;
    return { count: this.size, min: at(0), median: at(0.5), p90: at(0.9), max: at(1), sum };
  }
}
