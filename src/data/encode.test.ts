import { beforeAll, describe, expect, it } from 'vitest';
import { sharedData } from '../base/testing.ts';
import { ChatTemplate, loadTokenizer, Tokenizer, trainBpe } from '../text/index.ts';
import { Encoder, type EncoderOptions } from './encode.ts';
import { type Example, examplesOf } from './example.ts';
import { readRecords } from './read-records.ts';

let tokenizer: Tokenizer;
let eos: number;
beforeAll(async () => {
  const text = 'Human: Assistant: The sky is blue. It is green.';
  tokenizer = (await trainBpe([text], { vocabSize: 270, specialTokens: ['<s>', '</s>'], eosToken: '</s>' }))
    .tokenizer;
  eos = tokenizer.eosId!;
});

const user = (content: string) => ({ role: 'user', content });
const assistant = (content: string) => ({ role: 'assistant', content });
const encoder = (options: Partial<EncoderOptions> = {}) => new Encoder({ tokenizer, ...options });
const text = (ids: ArrayLike<number>) => tokenizer.decode(ids);
const counted = (piece: { ids: Int32Array; counted: Uint8Array }) =>
  text(piece.ids.filter((_, i) => piece.counted[i]));

describe('Encoder.encodeText', () => {
  it('counts every token of a text and ends it with eos', () => {
    const [piece] = encoder().encodeText({ kind: 'text', text: 'The sky is blue.' });
    expect(text(piece.ids)).toBe('The sky is blue.</s>');
    expect([...piece.counted]).toEqual(piece.ids.length === 0 ? [] : Array(piece.ids.length).fill(1));
    const [open] = encoder({ appendEos: false }).encodeText({ kind: 'text', text: 'The sky is blue.' });
    expect(text(open.ids)).toBe('The sky is blue.');
  });

  it('counts the completion only, with its eos, and everything on request', () => {
    const example: Example = { kind: 'completion', prompt: 'The sky is', completion: ' blue.' };
    const [piece] = encoder().encodeText(example);
    expect(text(piece.ids)).toBe('The sky is blue.</s>');
    expect(counted(piece)).toBe(' blue.</s>');
    expect(counted(encoder().encodeText(example, { lossOn: 'all' })[0])).toBe('The sky is blue.</s>');
  });

  it('counts the assistant only in conversations, all turns of it', () => {
    const messages = [user('Sky?'), assistant('blue.'), user('Sure?'), assistant('It is.')];
    const [piece] = encoder().encodeText({ kind: 'chat', messages });
    expect(text(piece.ids)).toBe(
      '\n\nHuman: Sky?\n\nAssistant: blue.</s>\n\nHuman: Sure?\n\nAssistant: It is.</s>',
    );
    expect(counted(piece)).toBe(' blue.</s> It is.</s>');
    const whole: Example = {
      kind: 'completion',
      prompt: messages.slice(0, 3),
      completion: messages.slice(3),
    };
    const [last] = encoder().encodeText(whole);
    expect(last.ids).toEqual(piece.ids);
    expect(counted(last)).toBe(' It is.</s>');
  });

  it('wraps plain texts in the chat template on request', () => {
    const example: Example = { kind: 'completion', prompt: 'Sky?', completion: 'blue.' };
    const [piece] = encoder({ wrapInChat: true }).encodeText(example);
    expect(text(piece.ids)).toBe('\n\nHuman: Sky?\n\nAssistant: blue.</s>');
    expect(counted(piece)).toBe(' blue.</s>');
  });

  it('truncates, splits, drops or refuses what is too long, and counts it', () => {
    const example: Example = { kind: 'text', text: 'The sky is blue. It is green.' };
    const all = encoder().encodeText(example)[0].ids;
    const size = all.length;
    const run = (tooLong: 'truncate' | 'split' | 'drop' | 'error') => {
      const e = encoder({ maxLength: size - 3 });
      return { pieces: e.encodeText(example, { tooLong }).map((p) => p.ids), counts: e.counts };
    };
    expect(run('truncate')).toMatchObject({
      pieces: [all.slice(0, size - 3)],
      counts: { truncated: 1, encoded: 1 },
    });
    expect(run('split')).toMatchObject({
      pieces: [all.slice(0, size - 3), all.slice(size - 3)],
      counts: { truncated: 1, examples: 1, encoded: 2, tokens: size },
    });
    expect(run('drop')).toMatchObject({ pieces: [], counts: { tooLong: 1, encoded: 0 } });
    expect(() => run('error')).toThrow(`has ${size} tokens; maxLength is ${size - 3}`);
  });

  it('leaves out and counts examples whose response is cut away whole', () => {
    const e = encoder({ maxLength: 4 });
    expect(e.encodeText({ kind: 'completion', prompt: 'The sky is and is', completion: ' blue.' })).toEqual(
      [],
    );
    expect(e.counts).toMatchObject({ examples: 1, encoded: 0, truncated: 1, nothingCounted: 1 });
  });

  it('refuses examples that are no training texts', () => {
    expect(() => encoder().encodeText({ kind: 'prompt', prompt: 'x' })).toThrow('is no training text');
  });
});

describe('Encoder for prompts and comparisons', () => {
  const ranking: Example = {
    kind: 'ranking',
    prompt: 'The sky is',
    responses: [' blue.', ' green.', ' It.'],
    ranks: [1, 2, null],
  };

  it('gives prompt and responses apart', () => {
    const encoded = encoder().encodeRanking(ranking)!;
    expect(text(encoded.prompt)).toBe('The sky is');
    expect(encoded.responses.map(text)).toEqual([' blue.</s>', ' green.</s>', ' It.</s>']);
    expect(encoded.ranks).toEqual([1, 2, null]);
  });

  it('puts the better one first, with its margin', () => {
    const pair: Example = {
      kind: 'ranking',
      prompt: 'p',
      responses: [' green.', ' blue.'],
      ranks: [2, 1],
      margin: 0.5,
    };
    const encoded = encoder().encodePreference(pair)!;
    expect([text(encoded.chosen), text(encoded.rejected), encoded.margin]).toEqual([
      ' blue.</s>',
      ' green.</s>',
      0.5,
    ]);
    expect(() => encoder().encodePreference(ranking)).toThrow('Convert rankings to pairs first');
  });

  it('gives the same prompt ids as generation will see', () => {
    const prompt = [user('Sky?')];
    const asked = encoder().encodePrompt({ kind: 'prompt', prompt })!;
    const pair: Example = {
      kind: 'ranking',
      prompt,
      responses: [[assistant('a')], [assistant('b')]],
      ranks: [1, 2],
    };
    expect(encoder().encodePreference(pair)!.prompt).toEqual(asked);
    expect(text(asked)).toBe('\n\nHuman: Sky?\n\nAssistant:');
  });

  it('applies the policy for what is too long', () => {
    const full = encoder().encodeRanking(ranking)!;
    const longest = Math.max(...full.responses.map((r) => r.length));
    const maxLength = full.prompt.length + longest - 1;
    const run = (policy: 'drop' | 'truncate-prompt' | 'truncate-response' | 'error') => {
      const e = encoder({ maxLength });
      return { encoded: e.encodeRanking(ranking, policy), counts: e.counts };
    };
    expect(run('drop')).toMatchObject({ encoded: null, counts: { tooLong: 1 } });
    expect(run('truncate-prompt').encoded).toMatchObject({
      prompt: full.prompt.slice(1),
      responses: full.responses,
    });
    const cut = run('truncate-response');
    expect(cut.encoded!.responses).toEqual(full.responses.map((r) => r.slice(0, longest - 1)));
    expect(cut.counts.truncated).toBe(1);
    expect(() => run('error')).toThrow('maxLength');
  });

  it('keeps room for the response of a prompt', () => {
    const example: Example = { kind: 'prompt', prompt: 'The sky is' };
    const size = encoder().encodePrompt(example)!.length;
    const e = encoder({ maxLength: size + 4 });
    expect(e.encodePrompt(example, { reserve: 4 })).toHaveLength(size);
    expect(e.encodePrompt(example, { reserve: 5 })).toBeNull();
    expect(e.encodePrompt(example, { reserve: 5, tooLong: 'truncate-prompt' })).toHaveLength(size - 1);
  });

  it('encodes judged responses', () => {
    const encoded = encoder().encodeJudged({
      kind: 'completion',
      prompt: 'The',
      completion: ' sky',
      label: false,
    })!;
    expect([text(encoded.prompt), text(encoded.response), encoded.label]).toEqual(['The', ' sky</s>', false]);
  });

  it('refuses templates that rewrite the prompt', () => {
    const source = '{% for m in messages %}{{ loop.length }}{{ m.content }}{% endfor %}{{ eos_token }}';
    const template = new ChatTemplate(tokenizer, source);
    const example: Example = { kind: 'completion', prompt: [user('a')], completion: [assistant('b')] };
    expect(() => encoder({ template }).encodeText(example)).toThrow('writes the prompt differently');
  });
});

describe('Encoder', () => {
  it('refuses wrong use when built', () => {
    const json = JSON.parse(new TextDecoder().decode(tokenizer.files.get('tokenizer.json')));
    const endless = Tokenizer.fromJson(json);
    const template = new ChatTemplate(endless, 'x');
    expect(() => new Encoder({ tokenizer: endless, template })).toThrow('has no eos token');
    expect(() => encoder({ maxLength: 1 })).toThrow('maxLength is 1');
  });

  it('encodes every real HH comparison to its own transcript', async () => {
    const [model, data] = [
      sharedData('models/stories260K'),
      sharedData('preferences/hh-harmless-base.dev.jsonl.gz'),
    ];
    if (model === null || data === null) return;
    const real = await loadTokenizer(model);
    const e = new Encoder({ tokenizer: real });
    const rows = (await readRecords(data).toArray()).slice(0, 60);
    for (const row of rows) {
      const [example] = examplesOf(row.record, row.format);
      const { prompt, chosen } = e.encodePreference(example)!;
      expect(prompt[0]).toBe(real.bosId);
      expect(chosen.at(-1)).toBe(real.eosId);
      const words = real
        .decode([...prompt, ...chosen], { skipSpecialTokens: true })
        .replace(/\s+/g, ' ')
        .trim();
      expect(words).toBe((row.record as { chosen: string }).chosen.replace(/\s+/g, ' ').trim());
    }
    expect(e.counts).toMatchObject({ examples: 60, encoded: 60, truncated: 0, tooLong: 0 });
  });

  it('puts bos before plain texts where the tokenizer does', async () => {
    const specialTokens = ['<s>', '</s>'];
    const options = { vocabSize: 260, specialTokens, bosToken: '<s>', eosToken: '</s>' };
    const withBos = (await trainBpe(['abc'], options)).tokenizer;
    const [piece] = new Encoder({ tokenizer: withBos }).encodeText({ kind: 'text', text: 'a' });
    expect(withBos.decode(piece.ids)).toBe('<s>a</s>');
    expect(piece.ids.at(-1)).toBe(eos);
  });
});
