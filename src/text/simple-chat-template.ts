/** The chat template used for models that bring none. */
import { TenetError } from '../base/index.ts';
import type { Tokenizer } from './tokenizer.ts';

/**
 * A plain-text template that needs no special tokens but the one that ends a text, so that it works with any
 * tokenizer. It is the transcript form of the HH-RLHF data (Bai et al. 2022), and each turn of the assistant
 * ends with eos, so that the model learns to stop:
 *
 *     ⏎⏎Human: How tall is it?⏎⏎Assistant: 12 metres.<eos>⏎⏎Human: …
 *
 * A system message becomes `⏎⏎System: …`. The prompt for the next answer ends with `⏎⏎Assistant:`; the answer
 * begins with a space. A leading bos is written where the tokenizer writes one by default.
 *
 * @throws TenetError('model') when the tokenizer has no eos token: turns could not be ended.
 */
export function simpleChatTemplate(tokenizer: Tokenizer): string {
  if (tokenizer.eosId === null) {
    throw new TenetError(
      'model',
      'This tokenizer has neither a chat template nor an eos token, so a turn could not be ended. Name an ' +
        'eos_token in its tokenizer_config.json, or give a chat template.',
    );
  }
  return [
    tokenizer.addsBos ? '{{ bos_token }}' : '',
    "{% for message in messages %}{% if message['role'] == 'assistant' %}",
    "{{ '\\n\\nAssistant:' }}",
    "{% generation %}{{ ' ' + message['content'] | trim + eos_token }}{% endgeneration %}",
    "{% elif message['role'] == 'system' %}{{ '\\n\\nSystem: ' + message['content'] | trim }}",
    "{% else %}{{ '\\n\\nHuman: ' + message['content'] | trim }}{% endif %}",
    "{% endfor %}{% if add_generation_prompt %}{{ '\\n\\nAssistant:' }}{% endif %}",
  ].join('');
}
