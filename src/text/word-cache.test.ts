import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sharedData } from '../base/testing.ts';
import { Tokenizer } from './tokenizer.ts';
import { trainBpe } from './train-bpe.ts';
import { WordCache } from './word-cache.ts';

const gpt2 = sharedData('tokenizers/gpt2.tokenizer.json.gz');
const corpus = sharedData('corpus/tinyshakespeare.txt.gz');

describe('WordCache', () => {
  it('gives the ids of the full tokenizer on any text, added tokens included', async () => {
    const specialTokens = ['<|a|>', '<|a|>b', '[x]'];
    const { tokenizer } = await trainBpe(["it's the   thing 12 [x] th"], { vocabSize: 290, specialTokens });
    const json = JSON.parse(new TextDecoder().decode(tokenizer.files.get('tokenizer.json')));
    expect(WordCache.fits(json)).toBe(true);
    const full = new HuggingFaceTokenizer(json, {});
    const piece = fc.oneof(
      fc.constantFrom(...specialTokens, ' ', "it's", '\n'),
      fc.string({ unit: 'grapheme' }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const text = pieces.join('');
        expect(tokenizer.encode(text)).toEqual(full.encode(text, { add_special_tokens: false }).ids);
      }),
    );
  });

  it.skipIf(gpt2 === null || corpus === null)('gives the ids of the full tokenizer on English', () => {
    const json = JSON.parse(gunzipSync(readFileSync(gpt2!)).toString());
    const text = gunzipSync(readFileSync(corpus!)).toString().slice(0, 50_000);
    const full = new HuggingFaceTokenizer(json, {}).encode(text, { add_special_tokens: false }).ids;
    expect(Tokenizer.fromJson(json).encode(text)).toEqual(full);
  });

  it('does not stand in for tokenizers with other rules', () => {
    const byteLevel = { type: 'ByteLevel', add_prefix_space: false, use_regex: true };
    const fits = (changes: object) =>
      WordCache.fits({ model: { type: 'BPE' }, pre_tokenizer: byteLevel, ...changes });
    expect(fits({})).toBe(true);
    expect(fits({ normalizer: { type: 'NFC' } })).toBe(false);
    expect(fits({ pre_tokenizer: { ...byteLevel, use_regex: false } })).toBe(false);
    expect(fits({ pre_tokenizer: null })).toBe(false);
    expect(fits({ added_tokens: [{ id: 0, content: '<m>', lstrip: true }] })).toBe(false);
  });
});
