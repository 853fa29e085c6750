/**
 * Beginnings of prompts that were read, so that thousands of prompts with the same instructions and examples read them
 * once.
 *
 * Shapes: K key and value heads, P prefix tokens, W head width, N numbers of a probe.
 */

/** A beginning with what the model remembers of it. */
export interface Prefix {
  readonly ids: ArrayLike<number>;
  /** By layer, [1, K, P, W]. */
  readonly keys: readonly Float32Array[];
  readonly values: readonly Float32Array[];
  /** [P, N] a probe's; null where the generator has none. */
  readonly probe: Float32Array | null;
}

/** Shorter ones save less than they cost. */
const shortestPrefix = 32;
/** Most floats remembered, 256 MiB of them. */
const mostFloats = 2 ** 26;
/** Prompts that a single new one is compared with. */
const recentPrompts = 16;

export class PrefixMemory {
  /** Longest unused first. */
  private prefixes: Prefix[] = [];
  private recent: ArrayLike<number>[] = [];

  /**
   * The prefix worth using for prompts that are read together: one that is known, or one to be read.
   * @param prompts each distinct and of at least one token; all but the last token of each may be in the prefix
   */
  suggest(
    prompts: readonly ArrayLike<number>[],
  ): { readonly known: Prefix } | { readonly length: number } | null {
    const [first] = prompts;
    const others = prompts.length > 1 ? prompts.slice(1) : this.recent;
    const lengths = others.map((other) => commonPrefix(first, other));
    // Prompts read together must all share it; a single one may share it with any that came before.
    const shared = prompts.length > 1 ? Math.min(...lengths) : Math.max(0, ...lengths);
    const limit = Math.min(shared, ...prompts.map(({ length }) => length - 1));
    const known = this.longestKnown(first, prompts.length > 1 ? limit : first.length - 1);
    this.recent = [...prompts, ...this.recent].slice(0, recentPrompts);
    // Reading the beginning alone and the rest behind it takes no longer than reading both together.
    if (limit - (known?.ids.length ?? 0) >= shortestPrefix) return { length: limit };
    return known ? { known } : null;
  }

  remember(prefix: Prefix): void {
    this.prefixes.push(prefix);
    const size = ({ keys }: Prefix): number => 2 * keys.reduce((sum, layer) => sum + layer.length, 0);
    let total = this.prefixes.reduce((sum, one) => sum + size(one), 0);
    while (total > mostFloats && this.prefixes.length > 1) total -= size(this.prefixes.shift()!);
  }

  private longestKnown(prompt: ArrayLike<number>, limit: number): Prefix | null {
    let best: Prefix | null = null;
    for (const prefix of this.prefixes) {
      const { length } = prefix.ids;
      if (
        length <= limit &&
        length > (best?.ids.length ?? 0) &&
        commonPrefix(prefix.ids, prompt) === length
      ) {
        best = prefix;
      }
    }
    if (best) this.prefixes = [...this.prefixes.filter((prefix) => prefix !== best), best];
    return best;
  }
}

/** Tokens that two prompts begin with alike. */
export function commonPrefix(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const end = Math.min(a.length, b.length);
  let length = 0;
  while (length < end && a[length] === b[length]) length++;
  return length;
}
