import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sharedData } from '../base/testing.ts';
import { loadTokenizer } from './load-tokenizer.ts';
import { StreamDecoder } from './stream-decoder.ts';
import { tokenEnds } from './token-ends.ts';
import { Tokenizer } from './tokenizer.ts';
import { trainBpe } from './train-bpe.ts';

const stories = sharedData('models/stories260K');
const tinyGpt2 = sharedData('models/tiny-gpt2');
const gpt2 = sharedData('tokenizers/gpt2.tokenizer.json.gz');
const gunzipped = (path: string) => JSON.parse(gunzipSync(readFileSync(path)).toString());

let folder: string;
let small: Tokenizer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-tokenizer-'));
  small = (await trainBpe(['a café, naïve 😀😀 smile'.repeat(3)], { vocabSize: 270 })).tokenizer;
});
afterAll(() => rm(folder, { recursive: true }));

describe('loadTokenizer', () => {
  it.skipIf(stories === null)(
    'reads a SentencePiece-style tokenizer.json with its special tokens',
    async () => {
      const tokenizer = await loadTokenizer(stories!);
      expect([tokenizer.vocabSize, tokenizer.bosId, tokenizer.eosId, tokenizer.padId]).toEqual([
        512,
        1,
        2,
        null,
      ]);
      const prompt = tokenizer.encode('Once upon a time', { addSpecialTokens: true });
      expect(prompt[0]).toBe(1);
      expect(tokenizer.decode(prompt, { skipSpecialTokens: true })).toBe('Once upon a time');
      expect([...tokenizer.files.keys()].sort()).toEqual(['tokenizer.json', 'tokenizer_config.json']);
    },
  );

  it.skipIf(tinyGpt2 === null || gpt2 === null)(
    'reads vocab.json with merges.txt to the ids of tokenizer.json',
    async () => {
      const legacy = await loadTokenizer(tinyGpt2!);
      const modern = Tokenizer.fromJson(gunzipped(gpt2!));
      const text = "Hello, it's a naïve   test\n\n of 1234 tokens; 日本語 😀<|endoftext|> Done.";
      expect(legacy.encode(text)).toEqual(modern.encode(text));
      expect(legacy.decode(legacy.encode(text))).toBe(text);
      expect([legacy.vocabSize, legacy.eosId]).toEqual([50257, 50256]);
      // "Hello world" is 15496 995 in GPT-2's published vocabulary.
      expect(legacy.encode('Hello world', { addSpecialTokens: true })).toEqual([15496, 995]);
    },
  );

  it('reads the tokens that were added to a vocabulary of GPT-2 later', async () => {
    const { tokenizer, merges } = await trainBpe(['the cat and the hat '.repeat(5)], { vocabSize: 270 });
    const json = JSON.parse(new TextDecoder().decode(tokenizer.files.get('tokenizer.json')));
    const place = await mkdtemp(join(folder, 'gpt2-'));
    const size = tokenizer.vocabSize;
    for (const [name, content] of Object.entries({
      'vocab.json': JSON.stringify(json.model.vocab),
      'merges.txt': `#version: 0.2\n${merges.map((pair) => pair.join(' ')).join('\n')}\n`,
      'added_tokens.json': JSON.stringify({ '<pad>': size, '<tool>': size + 1, '<think>': size + 2 }),
      'special_tokens_map.json': JSON.stringify({
        ...{ eos_token: '<|endoftext|>', pad_token: '<pad>', additional_special_tokens: ['<tool>'] },
      }),
    }))
      await writeFile(join(place, name), content);
    const loaded = await loadTokenizer(place);
    expect([loaded.vocabSize, loaded.padId]).toEqual([size + 3, size]);
    expect([...loaded.specialIds].sort()).toEqual([loaded.eosId, size, size + 1]);
    const ids = loaded.encode('the cat<think> the<tool>');
    expect(ids).toEqual([...tokenizer.encode('the cat'), size + 2, ...tokenizer.encode(' the'), size + 1]);
    expect(loaded.decode(ids, { skipSpecialTokens: true })).toBe('the cat<think> the');
  });

  it('explains what is missing or damaged', async () => {
    await expect(loadTokenizer(join(folder, 'none'))).rejects.toThrow('is not a folder');
    await expect(loadTokenizer(folder)).rejects.toThrow(
      'expected tokenizer.json, or vocab.json with merges.txt',
    );
    await writeFile(join(folder, 'tokenizer.json'), '{"model":');
    await expect(loadTokenizer(folder)).rejects.toThrow('tokenizer.json is not valid JSON');
  });
});

describe('Tokenizer', () => {
  it('returns every text unchanged', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (text) => {
        expect(small.decode(small.encode(text))).toBe(text);
      }),
    );
  });

  it('encodes a continuation so that prompt and continuation spell the whole', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 20 });
    fc.assert(
      fc.property(text, text, (before, after) => {
        const ids = [...small.encode(before), ...small.encodeAfter(before, after)];
        expect(small.decode(ids)).toBe(before + after);
      }),
    );
  });

  it.skipIf(stories === null)('puts no SentencePiece space into a continuation', async () => {
    const tokenizer = await loadTokenizer(stories!);
    for (const [before, after] of [
      ['Once upon', ' a time'],
      ['Once up', 'on a time'],
      ['Hello:', 'yes'],
    ]) {
      const ids = [...tokenizer.encode(before), ...tokenizer.encodeAfter(before, after)];
      expect(tokenizer.decode(ids)).toBe(before + after);
    }
  });

  it('adds what the post-processor adds', () => {
    const json = JSON.parse(new TextDecoder().decode(small.files.get('tokenizer.json')));
    json.added_tokens = ['<s>', '</s>'].map((content, i) => ({ content, id: 270 + i, special: true }));
    const token = (id: string) => ({ SpecialToken: { id, type_id: 0 } });
    const sequence = { Sequence: { id: 'A', type_id: 0 } };
    const named = (id: string, at: number) => ({ id, ids: [at], tokens: [id] });
    const text = small.encode('smile');
    for (const [single, eos, expected] of [
      [[token('<s>'), sequence], '</s>', [270, ...text]],
      [[token('<s>'), sequence], '<s>', [270, ...text]],
      [[sequence, token('</s>')], '</s>', [...text, 271]],
      [[token('<s>'), sequence, token('</s>')], '</s>', [270, ...text, 271]],
      [[sequence], '</s>', text],
    ] as const) {
      const special = { '<s>': named('<s>', 270), '</s>': named('</s>', 271) };
      const processor = { type: 'TemplateProcessing', single, pair: single, special_tokens: special };
      const tokenizer = Tokenizer.fromJson(
        { ...json, post_processor: processor },
        { bos_token: '<s>', eos_token: eos },
      );
      expect(tokenizer.encode('smile', { addSpecialTokens: true })).toEqual(expected);
    }
  });

  it('gives no text for an id that no token has', () => {
    const json = JSON.parse(new TextDecoder().decode(small.files.get('tokenizer.json')));
    const far = [{ id: 280, content: '<far>', special: true }];
    const spaces = { type: 'Replace', pattern: { String: '▁' }, content: ' ' };
    const decoder = { type: 'Sequence', decoders: [spaces, { type: 'Fuse' }] }; // as SentencePiece's are written
    for (const odd of [{ added_tokens: far }, { added_tokens: far, decoder }]) {
      const tokenizer = Tokenizer.fromJson({ ...json, ...odd });
      const [s, m] = ['s', 'm'].map((letter) => small.encode(letter)[0]);
      expect(tokenizer.vocabSize).toBe(281);
      expect(tokenizer.decode([s, 275, m])).toBe('sm');
      expect(tokenizer.decode([275])).toBe('');
    }
  });

  it('rejects ids outside the vocabulary and missing special tokens', () => {
    expect(() => small.decode([270])).toThrow('Token id 270 is outside the vocabulary of 270 tokens');
    const json = JSON.parse(new TextDecoder().decode(small.files.get('tokenizer.json')));
    expect(() => Tokenizer.fromJson(json, { eos_token: '</s>' })).toThrow('names eos_token "</s>"');
    expect(() => Tokenizer.fromJson({ model: { type: 'Odd' } })).toThrow('tokenizer.json cannot be read');
  });
});

describe('tokenEnds', () => {
  it('ends every token behind its last whole character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), (text) => {
        const ids = small.encode(text);
        const ends = tokenEnds(small, text, ids)!;
        ids.forEach((_, i) => {
          const complete = small.decode(ids.slice(0, i + 1)).replace(/\uFFFD+$/, '');
          expect(text.slice(0, ends[i])).toBe(complete);
        });
      }),
    );
  });
});

describe('StreamDecoder', () => {
  const joined = (tokenizer: Tokenizer, ids: number[]) => {
    const decoder = new StreamDecoder(tokenizer);
    const pieces = ids.map((id) => decoder.push(id));
    return { pieces, text: pieces.join('') + decoder.flush() };
  };

  it('gives characters when they are complete', () => {
    const plain = small.encode('€'); // three bytes, none of them merged by this tokenizer
    expect(joined(small, plain).pieces).toEqual(['', '', '€']);
  });

  it('joins to the decoded text, incomplete characters included', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 30 }), fc.nat(5), (text, cut) => {
        const ids = small.encode(text).slice(0, text.length === 0 ? 0 : -cut || undefined);
        expect(joined(small, ids).text).toBe(small.decode(ids, { skipSpecialTokens: true }));
      }),
    );
  });

  it('gives a character whole that began before what was returned', () => {
    const ids = small.encode('€ smile'); // the first three are the bytes of '€'
    const decoder = new StreamDecoder(small);
    decoder.push(ids[0]);
    expect(decoder.flush()).toBe('\uFFFD');
    expect(
      ids
        .slice(1)
        .map((id) => decoder.push(id))
        .join(''),
    ).toBe('€ smile');
  });

  it('loses no mark before which the tokenizer drops a space', () => {
    const json = JSON.parse(new TextDecoder().decode(small.files.get('tokenizer.json')));
    const cleaning = Tokenizer.fromJson(json, { clean_up_tokenization_spaces: true });
    const [a, space, mark] = ['a', ' ', '.'].map((text) => small.encode(text)[0]);
    expect(cleaning.decode([a, space, mark, a])).toBe('a.a');
    expect(joined(cleaning, [a, space, mark, a]).text).toBe('a .a');
  });

  it.skipIf(stories === null)('keeps the spaces of SentencePiece tokens', async () => {
    const tokenizer = await loadTokenizer(stories!);
    const ids = tokenizer.encode('Once upon a time, a café.', { addSpecialTokens: true });
    expect(joined(tokenizer, ids).text).toBe('Once upon a time, a café.');
  });
});
