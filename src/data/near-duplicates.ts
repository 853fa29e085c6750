/**
 * Finds texts that are nearly the same as one of a given set: MinHash with locality-sensitive hashing
 * (Broder 1997; Leskovec, Rajaraman, Ullman, "Mining of Massive Datasets", ch. 3), checked exactly.
 */

/** Words per shingle. Two texts are compared by the sets of their runs of 3 words. */
const SHINGLE = 3;
/** Minimum hashes per text, in 16 bands of 4: a pair at similarity 0.8 is looked at with probability 0.9998. */
const BANDS = 16;
const ROWS = 4;

export interface NearDuplicate {
  /** Number of the indexed text, in the order of `add`. */
  index: number;
  /** Jaccard similarity of the two sets of shingles, in [threshold, 1]. */
  similarity: number;
}

/** An index of texts. The index holds their shingles, so give it the smaller set. */
export class NearDuplicateIndex {
  private readonly threshold: number;
  private readonly shingles: Uint32Array[] = [];
  private readonly bands: Map<string, number[]> = new Map();

  /** @param threshold similarity from which texts count as nearly the same, in (0, 1]. Default 0.8. */
  constructor(threshold = 0.8) {
    this.threshold = threshold;
  }

  add(text: string): void {
    const shingles = shinglesOf(text);
    const index = this.shingles.push(shingles) - 1;
    for (const key of bandKeys(shingles)) {
      const members = this.bands.get(key);
      if (members) members.push(index);
      else this.bands.set(key, [index]);
    }
  }

  /** The most similar indexed text, if it is similar enough; of equally similar ones the first. */
  find(text: string): NearDuplicate | null {
    const shingles = shinglesOf(text);
    const candidates = new Set<number>();
    for (const key of bandKeys(shingles))
      for (const index of this.bands.get(key) ?? []) candidates.add(index);
    let best: NearDuplicate | null = null;
    for (const index of [...candidates].sort((a, b) => a - b)) {
      const similarity = jaccard(shingles, this.shingles[index]);
      if (similarity >= this.threshold && similarity > (best?.similarity ?? 0)) best = { index, similarity };
    }
    return best;
  }
}

/**
 * Hashes of the runs of words, ascending, each once. Letter case, punctuation and how accents are composed do not matter;
 * a text without words is a word itself.
 */
export function shinglesOf(text: string): Uint32Array {
  const plain = text.normalize('NFC').toLowerCase();
  const words = plain.match(/[\p{L}\p{M}\p{N}]+/gu) ?? [plain.trim()];
  const hashes = new Set<number>();
  for (let i = 0; i <= Math.max(0, words.length - SHINGLE); i++) {
    hashes.add(hashText(words.slice(i, i + SHINGLE).join(' ')));
  }
  return Uint32Array.from(hashes).sort();
}

/** |A ∩ B| / |A ∪ B| of two ascending lists. */
export function jaccard(a: Uint32Array, b: Uint32Array): number {
  let shared = 0;
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) {
      shared++;
      i++;
      j++;
    } else if (a[i] < b[j]) i++;
    else j++;
  }
  return shared / (a.length + b.length - shared || 1);
}

function bandKeys(shingles: Uint32Array): string[] {
  const keys: string[] = [];
  for (let band = 0; band < BANDS; band++) {
    let key = `${band}`;
    for (let row = 0; row < ROWS; row++) {
      const salt = Math.imul(band * ROWS + row + 1, 0x9e3779b1);
      let smallest = 0xffffffff;
      for (const shingle of shingles) smallest = Math.min(smallest, mix(shingle ^ salt));
      key += `:${smallest}`;
    }
    keys.push(key);
  }
  return keys;
}

/** FNV-1a over UTF-16 units. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix(hash);
}

/** The finaliser of MurmurHash3: every input bit changes every output bit. */
function mix(value: number): number {
  let x = value;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
