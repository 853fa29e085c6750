import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { sharedData } from '../base/testing.ts';
import type { ChatMessage } from './chat-message.ts';
import { ChatTemplate } from './chat-template.ts';
import { Tokenizer } from './tokenizer.ts';
import { trainBpe } from './train-bpe.ts';

/**
 * Written by Python's jinja2 (version inside), an independent implementation of the template language;
 * ⟦ and ⟧ stand where {% generation %} blocks begin and end.
 */
const golden = JSON.parse(readFileSync(new URL('./chat-template.golden.json', import.meta.url), 'utf8'));
const templates = sharedData('tokenizers/chat_templates');
const llama2 = sharedData('tokenizers/llama2.tokenizer.json.gz');

const user = (content: string): ChatMessage => ({ role: 'user', content });
const assistant = (content: string): ChatMessage => ({ role: 'assistant', content });
const source = (name: string) => readFileSync(`${templates}/${name}.jinja`, 'utf8');

let tokenizer: Tokenizer;
beforeAll(async () => {
  const text = 'Human: Hello there. Assistant: It is 4. Good. What is 2 + 2? '.repeat(3);
  const specialTokens = ['<s>', '</s>', '<|im_start|>', '<|im_end|>', '<|end|>', '<|user|>', '<|assistant|>'];
  tokenizer = (await trainBpe([text], { vocabSize: 320, specialTokens, bosToken: '<s>', eosToken: '</s>' }))
    .tokenizer;
});

/** The text of the masked tokens, runs separated by "|". */
function masked(template: ChatTemplate, messages: ChatMessage[]): string {
  const { ids, assistantMask } = template.encodeChat(messages);
  const runs: number[][] = [];
  ids.forEach((id, i) => {
    if (!assistantMask[i]) return;
    if (i === 0 || !assistantMask[i - 1]) runs.push([]);
    runs.at(-1)!.push(id);
  });
  return runs.map((run) => tokenizer.decode(run)).join('|');
}

describe.skipIf(templates === null)('ChatTemplate on real templates', () => {
  it('has a golden rendering of every template file', () => {
    const names = readdirSync(templates!).filter((name) => name.endsWith('.jinja'));
    expect(
      Object.keys(golden.renders)
        .map((name) => `${name}.jinja`)
        .sort(),
    ).toEqual(names.sort());
  });

  for (const name of Object.keys(golden.renders)) {
    it(`renders ${name} as Python jinja2 does`, () => {
      const template = new ChatTemplate(tokenizer, source(name));
      for (const [key, expected] of Object.entries(golden.renders[name])) {
        const addGenerationPrompt = key.endsWith('+prompt');
        const dialogue = key.replace('+prompt', '');
        const whole = dialogue === 'tools' ? [user('Rain?')] : golden.dialogues[dialogue];
        const messages = addGenerationPrompt && dialogue !== 'tools' ? whole.slice(0, -1) : whole;
        const tools = dialogue === 'tools' ? golden.tools : undefined;
        const render = () => template.render(messages, { addGenerationPrompt, tools });
        if (typeof expected === 'string')
          expect([key, render()]).toEqual([key, expected.replace(/[⟦⟧]/g, '')]);
        else expect(render, key).toThrow((expected as { error: string }).error);
      }
    });
  }

  it('takes the mask from {% generation %} blocks, as Python jinja2 delimits them', () => {
    for (const name of ['llama3_training', 'qwen2_5_training']) {
      const template = new ChatTemplate(tokenizer, source(name));
      const spans = [...(golden.renders[name].multi as string).matchAll(/⟦([^⟧]*)⟧/g)].map((m) => m[1]);
      expect(spans).toHaveLength(2);
      expect(masked(template, golden.dialogues.multi)).toBe(spans.join('|'));
    }
  });

  it('finds the same turns without the blocks, by rendering prefixes', () => {
    const trained = new ChatTemplate(tokenizer, source('llama3_training'));
    const plain = new ChatTemplate(tokenizer, source('llama3'));
    expect(plain.encodeChat(golden.dialogues.multi)).toEqual(trained.encodeChat(golden.dialogues.multi));
  });

  it('masks content and end of turn for templates that close the conversation with eos only once', () => {
    const phi3 = new ChatTemplate(tokenizer, source('phi3'));
    expect(masked(phi3, [user('a'), assistant('b'), user('c'), assistant('d')])).toBe(
      'b<|end|>\n|d<|end|>\n</s>',
    );
  });

  it('refuses templates that rewrite earlier turns, naming the turn', () => {
    const qwen3 = new ChatTemplate(tokenizer, source('qwen3'));
    expect(masked(qwen3, [user('a'), assistant('b')])).toBe('<think>\n\n</think>\n\nb<|im_end|>\n');
    expect(() => qwen3.encodeChat([user('a'), assistant('b'), user('c'), assistant('d')])).toThrow(
      /not prefix-preserving.*message 2 \(assistant\)/s,
    );
  });

  it('says what ends a turn and which of it stops generation', () => {
    expect(new ChatTemplate(tokenizer, source('qwen2_5')).turnEnd()).toMatchObject({
      text: '<|im_end|>\n',
      stopIds: [tokenizer.idOf('<|im_end|>')],
    });
  });

  it('prints a date only when given one', () => {
    const template = new ChatTemplate(tokenizer, source('llama3_2'));
    expect(template.render([user('a')])).toContain('Today Date: 26 Jul 2024');
    expect(template.render([user('a')], { date: new Date(2025, 8, 3) })).toContain('Today Date: 03 Sep 2025');
  });
});

describe('the default template', () => {
  const conversation = [user('What is 2 + 2?'), assistant('It is 4.'), user('Hello'), assistant(' Good. ')];

  it('writes an HH transcript whose assistant turns end with eos', () => {
    const template = new ChatTemplate(tokenizer);
    expect(template.isDefault).toBe(true);
    expect(template.render(conversation)).toBe(
      '<s>\n\nHuman: What is 2 + 2?\n\nAssistant: It is 4.</s>\n\nHuman: Hello\n\nAssistant: Good.</s>',
    );
    expect(template.render([user('Hi')], { addGenerationPrompt: true })).toBe(
      '<s>\n\nHuman: Hi\n\nAssistant:',
    );
    expect(masked(template, conversation)).toBe(' It is 4.</s>| Good.</s>');
    expect(template.turnEnd()).toEqual({ text: '</s>', ids: [tokenizer.eosId], stopIds: [tokenizer.eosId] });
    expect(template.stopStrings).toEqual(['\n\nHuman:']);
  });

  it('has prompts whose ids begin the ids of the whole conversation', () => {
    const template = new ChatTemplate(tokenizer);
    const prompt = template.encode(conversation.slice(0, 3), { addGenerationPrompt: true });
    expect(template.encode(conversation).slice(0, prompt.length)).toEqual(prompt);
  });

  it.skipIf(llama2 === null)('masks SentencePiece tokens, which carry spaces of their own', () => {
    const json = JSON.parse(gunzipSync(readFileSync(llama2!)).toString());
    const llama = Tokenizer.fromJson(json, { bos_token: '<s>', eos_token: '</s>' });
    const { ids, assistantMask } = new ChatTemplate(llama).encodeChat(conversation);
    const names = ids.filter((_, i) => assistantMask[i]).map((id) => llama.tokenOf(id));
    expect(names).toEqual(['▁It', '▁is', '▁', '4', '.', '</s>', '▁Good', '.', '</s>']);
  });

  it('travels with the tokenizer when asked to', () => {
    const own = tokenizer.withChatTemplate('{{ messages[0].content }}');
    expect(new ChatTemplate(own).render([user('x')])).toBe('x');
    expect(new TextDecoder().decode(own.files.get('chat_template.jinja'))).toBe('{{ messages[0].content }}');
    expect(new ChatTemplate(own).isDefault).toBe(false);
  });

  it('refuses a tokenizer that could not end a turn, and templates that are not Jinja', () => {
    const json = JSON.parse(new TextDecoder().decode(tokenizer.files.get('tokenizer.json')));
    expect(() => new ChatTemplate(Tokenizer.fromJson(json, {}))).toThrow(
      'neither a chat template nor an eos token',
    );
    expect(() => new ChatTemplate(tokenizer, '{% for x in %}')).toThrow('not valid Jinja');
  });
});

describe('renderPrompt', () => {
  it('opens a turn of the assistant, or leaves the last one open', () => {
    const template = new ChatTemplate(tokenizer);
    const head = '<s>\n\nHuman: Hello\n\nAssistant:';
    const bos = tokenizer.addsBos ? '<s>' : '';
    const prompt = head.replace('<s>', bos);
    expect(template.renderPrompt([user('Hello')])).toBe(prompt);
    expect(template.renderPrompt([user('Hello'), assistant('')])).toBe(prompt);
    expect(template.renderPrompt([user('Hello'), assistant('It is ')])).toBe(`${prompt} It is`);
  });

  it('refuses to leave a turn open that ends unlike others', () => {
    const fickle =
      '{% for m in messages %}{{ m.content }}{% if messages|length == 3 %}!{% else %}.{% endif %}{% endfor %}';
    const template = new ChatTemplate(tokenizer, fickle);
    expect(template.renderPrompt([user('Hello'), assistant('It')])).toBe('Hello.It');
    expect(() => template.renderPrompt([user('a'), user('b'), assistant('It')])).toThrow(
      /ends a turn of the assistant with "a!b!It!", and elsewhere with "\."/,
    );
  });
});
