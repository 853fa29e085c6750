import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sharedData } from '../base/testing.ts';
import { Tokenizer } from './tokenizer.ts';
import { trainBpe } from './train-bpe.ts';

const fixture = sharedData('tokenizers/bpe-training-fixture');

describe('trainBpe', () => {
  it.skipIf(fixture === null)(
    'learns exactly the reference merges and ids on the fixture corpus',
    async () => {
      const corpus = readFileSync(`${fixture}/corpus.en`, 'utf8');
      const expected = readFileSync(`${fixture}/train-bpe-reference-merges.txt`, 'utf8')
        .trimEnd()
        .split('\n');
      const vocab = JSON.parse(readFileSync(`${fixture}/train-bpe-reference-vocab.json`, 'utf8'));
      const { tokenizer, merges } = await trainBpe([corpus], { vocabSize: 500 });
      expect(merges.map((merge) => merge.join(' '))).toEqual(expected);
      for (const [token, id] of Object.entries(vocab))
        expect([token, tokenizer.idOf(token)]).toEqual([token, id]);
      expect(tokenizer.vocabSize).toBe(500);
    },
  );

  it('follows the worked example by hand', async () => {
    // Words: "aab" ×3, "ab" ×2. Pairs: ab 5, aa 3 → merge a+b; then a+ab 3 → merge; then nothing is left.
    const { merges } = await trainBpe(['aab', 'ab', 'aab', 'ab', 'aab'], { vocabSize: 300 });
    expect(merges).toEqual([
      ['a', 'b'],
      ['a', 'ab'],
    ]);
  });

  it('breaks ties towards the greater pair, whatever the order of the texts', async () => {
    for (const texts of [
      ['ab', 'cd', 'ab', 'cd'],
      ['cd', 'cd', 'ab', 'ab'],
    ]) {
      const { merges } = await trainBpe(texts, { vocabSize: 259 });
      expect(merges).toEqual([
        ['c', 'd'],
        ['a', 'b'],
      ]);
    }
  });

  it('agrees with a plain recount of every pair at every step', async () => {
    const word = fc
      .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 8 })
      .map((w) => w.join(''));
    await fc.assert(
      fc.asyncProperty(fc.array(word, { minLength: 1, maxLength: 12 }), async (words) => {
        const { merges } = await trainBpe(words, { vocabSize: 257 + 8, minFrequency: 1 });
        expect(merges).toEqual(mergesByRecounting(words, 8));
      }),
    );
  });

  it('does not learn across special tokens and keeps them whole', async () => {
    const { tokenizer, merges } = await trainBpe(['xy<|end|>xy<|end|>'], {
      vocabSize: 300,
      specialTokens: ['<|pad|>', '<|end|>'],
      eosToken: '<|end|>',
      padToken: '<|pad|>',
    });
    expect(merges).toEqual([['x', 'y']]);
    expect(tokenizer.encode('xy<|end|>')).toEqual([tokenizer.idOf('xy'), 1]);
    expect([tokenizer.padId, tokenizer.eosId, tokenizer.bosId]).toEqual([0, 1, null]);
  });

  it('reads back from its own files with the same ids, bos included', async () => {
    const { tokenizer } = await trainBpe(['low lower lowest slow slower'], {
      vocabSize: 280,
      specialTokens: ['<s>', '</s>'],
      bosToken: '<s>',
      eosToken: '</s>',
    });
    const read = (name: string) => JSON.parse(new TextDecoder().decode(tokenizer.files.get(name)));
    const again = Tokenizer.fromJson(read('tokenizer.json'), read('tokenizer_config.json'));
    const ids = tokenizer.encode(' slowest 123 😀', { addSpecialTokens: true });
    expect(ids[0]).toBe(0);
    expect(again.encode(' slowest 123 😀', { addSpecialTokens: true })).toEqual(ids);
    expect(again.decode(ids, { skipSpecialTokens: true })).toBe(' slowest 123 😀');
  });

  it('refuses impossible options when called', async () => {
    await expect(trainBpe(['a'], { vocabSize: 200 })).rejects.toThrow('vocabSize is 200');
    await expect(trainBpe(['a'], { vocabSize: 300, eosToken: '</s>' })).rejects.toThrow(
      '"</s>" is not among',
    );
    await expect(trainBpe([''], { vocabSize: 300 })).rejects.toThrow('no text');
  });
});

/** The definition of BPE training, without any bookkeeping. */
function mergesByRecounting(texts: readonly string[], count: number): [string, string][] {
  let words = texts.map((text) => text.split(''));
  const known = new Set<string>();
  const merges: [string, string][] = [];
  while (known.size < count) {
    const counts = new Map<string, number>();
    for (const w of words) {
      for (let i = 1; i < w.length; i++) {
        const pair = `${w[i - 1]} ${w[i]}`;
        counts.set(pair, (counts.get(pair) ?? 0) + 1);
      }
    }
    const ranked = [...counts].sort(([a, m], [b, n]) => {
      const [al, ar] = a.split(' ');
      const [bl, br] = b.split(' ');
      return n - m || (al === bl ? (ar < br ? 1 : -1) : al < bl ? 1 : -1);
    });
    if (ranked.length === 0) break;
    const [left, right] = ranked[0][0].split(' ');
    merges.push([left, right]);
    known.add(left + right);
    words = words.map((w) => {
      const next: string[] = [];
      for (let i = 0; i < w.length; i++) {
        if (w[i] === left && w[i + 1] === right) {
          next.push(left + right);
          i++;
        } else next.push(w[i]);
      }
      return next;
    });
  }
  return merges;
}
