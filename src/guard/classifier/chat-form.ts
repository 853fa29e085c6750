/**
 * Conversations as a language model itself reads them, through its chat template: what probes on a served model's own
 * hidden states have to be fitted to.
 */
import { hashOf } from '../../base/index.ts';
import { ChatTemplate, type Tokenizer } from '../../text/index.ts';
import type { GuardMessage } from '../screen.ts';
import { AnswerTokens, type TextForm, Transcript, type WrittenPrompt } from './transcript.ts';

export class ChatForm implements TextForm {
  /** `sha256:…` of the template's source. */
  readonly templateHash: string;
  private readonly tokenizer: Tokenizer;
  private readonly template: ChatTemplate;
  private readonly transcript: Transcript;
  private readonly lead: string;

  private constructor(tokenizer: Tokenizer, template: ChatTemplate) {
    this.tokenizer = tokenizer;
    this.template = template;
    this.templateHash = hashOf(template.source);
    this.transcript = new Transcript(tokenizer);
    this.lead = leadOf(template);
  }

  /** Null for a model that cannot chat: it has neither a template nor a token that ends a turn. */
  static of(tokenizer: Tokenizer): ChatForm | null {
    if (tokenizer.chatTemplate === null && tokenizer.eosId === null) return null;
    return new ChatForm(tokenizer, new ChatTemplate(tokenizer));
  }

  /** Conversations that the template refuses, which the model never reads, are written as a plain transcript. */
  prompt(messages: readonly GuardMessage[]): WrittenPrompt {
    try {
      const turns = messages.map(({ role, content }) => ({ role, content }));
      const text = this.template.render(turns, { addGenerationPrompt: true });
      return { text, ids: this.tokenizer.encode(text), lead: this.lead };
    } catch {
      return this.transcript.prompt(messages);
    }
  }

  answer(prompt: WrittenPrompt, answer: string): number[] {
    return this.stream(prompt).whole(answer);
  }

  stream(prompt: WrittenPrompt): AnswerTokens {
    return new AnswerTokens(this.tokenizer, prompt);
  }
}

/** White space that the template puts before an answer. */
function leadOf(template: ChatTemplate): string {
  const answer = 'Tenet0probe';
  const conversation = [{ role: 'user', content: 'Hello' }];
  const prompt = template.render(conversation, { addGenerationPrompt: true });
  const whole = template.render([...conversation, { role: 'assistant', content: answer }]);
  const lead = whole.startsWith(prompt) ? whole.slice(prompt.length, whole.lastIndexOf(answer)) : '';
  return lead.trim() === '' ? lead : '';
}
