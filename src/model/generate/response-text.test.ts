import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { sharedData } from '../../base/testing.ts';
import { loadTokenizer, type Tokenizer, trainBpe } from '../../text/index.ts';
import { ResponseText } from './response-text.ts';

let tokenizer: Tokenizer;
beforeAll(async () => {
  tokenizer = (await trainBpe(['the cat and the hat'.repeat(9)], { vocabSize: 268 })).tokenizer;
});

/** The pieces shown for a text that is sampled token by token. */
function pieces(text: string, options: { stop?: string[]; trim?: 'both' | 'end' } = {}): string[] {
  const found: string[] = [];
  const response = new ResponseText(
    tokenizer,
    { prompt: [], stop: options.stop ?? [], trim: options.trim ?? 'none' },
    (piece) => found.push(piece),
  );
  for (const id of tokenizer.encode(text)) if (response.push(id)) break;
  response.finish();
  expect(response.text).toBe(found.join(''));
  return found;
}

describe('ResponseText', () => {
  it('shows whole characters only', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 20 }), (text) => {
        const found = pieces(text);
        expect(found.join('')).toBe(text);
        // A lone surrogate would be a character cut in two.
        for (const piece of found) expect(piece).not.toMatch(/\p{Surrogate}/u);
        expect(found.some((piece) => piece.includes('\uFFFD'))).toBe(text.includes('\uFFFD'));
      }),
      { seed: 4 },
    );
  });

  it('shows an incomplete character at the end as U+FFFD', () => {
    const response = new ResponseText(tokenizer, { prompt: [], stop: [], trim: 'none' });
    for (const id of tokenizer.encode('a€').slice(0, -1)) response.push(id);
    expect(response.text).toBe('a');
    response.finish();
    expect(response.text).toBe('a\uFFFD');
  });

  it('trims both ends but not the middle', () => {
    expect(pieces(' \n the cat \n and \n', { trim: 'both' }).join('')).toBe('the cat \n and');
    expect(pieces(' \n ', { trim: 'both' })).toEqual([]);
    expect(pieces(' \n the cat \n', { trim: 'end' }).join('')).toBe(' \n the cat');
    expect(pieces(' \n ').join('')).toBe(' \n ');
  });

  it('ends before a stop string, and trims what is before it', () => {
    expect(pieces('the cat \n\nEND and', { stop: ['END'], trim: 'both' }).join('')).toBe('the cat');
    expect(pieces('the cat END and', { stop: ['t E'] }).join('')).toBe('the ca');
  });

  it('gives no text for control tokens and for ids that the tokenizer lacks', () => {
    const response = new ResponseText(tokenizer, { prompt: [], stop: [], trim: 'none' });
    for (const id of [tokenizer.eosId!, ...tokenizer.encode('hat'), tokenizer.vocabSize + 3])
      response.push(id);
    response.finish();
    expect(response.text).toBe('hat');
  });

  it.skipIf(sharedData('models/stories260K') === null)(
    'keeps the space of a first word that follows a prompt',
    async () => {
      const stories = await loadTokenizer(sharedData('models/stories260K')!);
      const [prompt, whole] = ['Once upon', 'Once upon a time'].map((text) => stories.encode(text));
      expect(whole.slice(0, prompt.length)).toEqual(prompt);
      for (const [before, expected] of [
        [prompt, ' a time'],
        [[stories.bosId!], 'a time'],
      ] as const) {
        const response = new ResponseText(stories, { prompt: before, stop: [], trim: 'none' });
        for (const id of whole.slice(prompt.length)) response.push(id);
        response.finish();
        expect(response.text).toBe(expected);
      }
    },
  );
});
