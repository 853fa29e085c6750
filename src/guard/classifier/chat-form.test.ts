import { expect, it } from 'vitest';
import { ChatTemplate, trainBpe } from '../../text/index.ts';
import { ChatForm } from './chat-form.ts';
import { Transcript } from './transcript.ts';

const texts = [
  '\n\nHuman: How are you?\n\nAssistant: Here is how: take the bread. <user> <assistant>'.repeat(3),
];
const { tokenizer } = await trainBpe(texts, { vocabSize: 330, specialTokens: ['<|endoftext|>'] });
const conversation = [
  { role: 'user' as const, content: 'How?' },
  { role: 'assistant' as const, content: 'So.' },
  { role: 'user' as const, content: 'And then?' },
];
const answer = 'Here is how: take the bread.';

it('writes a conversation and its answer as the model’s chat template does', () => {
  const form = ChatForm.of(tokenizer)!;
  const prompt = form.prompt(conversation);
  const template = new ChatTemplate(tokenizer);
  expect(prompt.ids).toEqual(template.encode(conversation, { addGenerationPrompt: true }));
  const whole = template.render([...conversation, { role: 'assistant', content: answer }]);
  const written = tokenizer.decode([...prompt.ids, ...form.answer(prompt, answer)], {
    skipSpecialTokens: false,
  });
  expect(whole).toBe(`${written}<|endoftext|>`);
});

it('puts no space before an answer where the template puts none', async () => {
  const chatTemplate =
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% if m.role == 'tool' %}{{ raise_exception('no') }}{% endif %}" +
    '{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}';
  const own = Object.assign(Object.create(tokenizer), { chatTemplate });
  const form = ChatForm.of(own)!;
  const prompt = form.prompt(conversation);
  expect(prompt.text).toBe('<user>How?<assistant>So.<user>And then?<assistant>');
  expect(tokenizer.decode(form.answer(prompt, answer))).toBe(answer);
  expect(form.templateHash).not.toBe(ChatForm.of(tokenizer)!.templateHash);

  // What the template refuses is a transcript.
  const withTool = [...conversation, { role: 'tool' as const, content: '{}' }];
  expect(form.prompt(withTool)).toEqual(new Transcript(tokenizer).prompt(withTool));
});

it('is none for a model that cannot chat', () => {
  expect(ChatForm.of(Object.assign(Object.create(tokenizer), { eosId: null }))).toBeNull();
});
