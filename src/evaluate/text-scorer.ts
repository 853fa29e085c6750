/** Log-probabilities of plain text under a local model. */
import { LocalEngine } from '../llm/index.ts';
import type { TextScorer } from './suite.ts';

/**
 * @param folder a model folder
 * @returns a scorer; close it when done. The first third of a text is given, the rest is counted, cut to what the model can read.
 */
export async function localTextScorer(
  folder: string,
  options: { readonly threads?: number } = {},
): Promise<TextScorer & { close(): Promise<void> }> {
  const engine = await LocalEngine.load(folder, options);
  // In the worst case, every byte is a token.
  const mostBytes = engine.facts.contextLength - 2;
  return {
    async score(whole) {
      const text = Buffer.byteLength(whole) <= mostBytes ? whole : beginningOf(whole, 0.75 * mostBytes);
      const space = text.indexOf(' ', Math.floor(text.length / 3));
      const cut = space < 0 ? Math.floor(text.length / 3) : space;
      const rest = text.slice(cut);
      const { continuations } = await engine.score({ prompt: text.slice(0, cut) }, [rest]);
      const [{ ids, logProb }] = continuations;
      return { nats: -logProb, tokens: ids.length, bytes: Buffer.byteLength(rest) };
    },
    close: () => engine.close(),
  };
}

/** As many whole characters as fit. */
function beginningOf(text: string, mostBytes: number): string {
  const bytes = Buffer.from(text).subarray(0, Math.floor(mostBytes));
  return new TextDecoder().decode(bytes, { stream: true });
}
