/** Renders conversations as a model expects them, and says which tokens the assistant wrote. */
import { Template } from '@huggingface/jinja';
import { TenetError } from '../base/index.ts';
import { assistantSpans } from './assistant-spans.ts';
import type { ChatMessage } from './chat-message.ts';
import { marksGeneration, type Span, splitGenerationMarks, withGenerationMarks } from './generation-marks.ts';
import { simpleChatTemplate } from './simple-chat-template.ts';
import { tokenEnds } from './token-ends.ts';
import type { Tokenizer } from './tokenizer.ts';

export interface RenderOptions {
  /** True: end with the header of an assistant turn, ready to be continued by the model. Default false. */
  addGenerationPrompt?: boolean;
  /** JSON schemas of callable tools, for templates that know tools. */
  tools?: readonly object[];
  /** What templates that print "today" print. Default none, so that the same input gives the same text. */
  date?: Date;
  /** Further variables of the template, for example `{ enable_thinking: false }`. */
  variables?: Readonly<Record<string, unknown>>;
}

/** A conversation in tokens. */
export interface EncodedChat {
  /** [tokens] */
  ids: number[];
  /** [tokens] 1 = written by the assistant: the content of its turns and what ends them. */
  assistantMask: Uint8Array;
}

/** The chat template of one tokenizer. */
export class ChatTemplate {
  /** Jinja source. */
  readonly source: string;
  /** True: neither the model nor the caller gave a template; {@link simpleChatTemplate} is used. */
  readonly isDefault: boolean;
  /** Texts at which generation should stop besides eos, because the template's turns begin with them. */
  readonly stopStrings: readonly string[];

  private readonly tokenizer: Tokenizer;
  private readonly template: Template;
  private readonly markedTemplate: Template | null;
  private end: ReturnType<ChatTemplate['turnEnd']> | undefined;

  /**
   * @param source Jinja source; default the tokenizer's own template, or else a plain Human/Assistant one.
   * @throws TenetError('model') when the template cannot be parsed.
   */
  constructor(tokenizer: Tokenizer, source?: string) {
    this.tokenizer = tokenizer;
    this.isDefault = source === undefined && tokenizer.chatTemplate === null;
    this.source = source ?? tokenizer.chatTemplate ?? simpleChatTemplate(tokenizer);
    this.stopStrings = this.source === safely(() => simpleChatTemplate(tokenizer)) ? ['\n\nHuman:'] : [];
    try {
      this.template = parse(this.source);
      this.markedTemplate = marksGeneration(this.source) ? parse(withGenerationMarks(this.source)) : null;
    } catch (cause) {
      const reason = (cause as Error).message;
      throw new TenetError('model', `The chat template is not valid Jinja: ${reason}`, { cause });
    }
  }

  /**
   * The text of a conversation.
   * @throws TenetError('data') when the template refuses it (wrong order of roles, for example).
   */
  render(messages: readonly ChatMessage[], options: RenderOptions = {}): string {
    return this.renderWith(this.template, messages, options);
  }

  /** Token ids of a conversation, usually a prompt: see {@link RenderOptions.addGenerationPrompt}. */
  encode(messages: readonly ChatMessage[], options: RenderOptions = {}): number[] {
    return this.tokenizer.encode(this.render(messages, options));
  }

  /**
   * The text that a model continues with its answer. A last message of the assistant is the beginning of that
   * answer, so what the template writes behind a turn is left out after it; if it is empty it counts for nothing.
   * @throws TenetError('data') when the template ends such a turn in another way than others.
   */
  renderPrompt(messages: readonly ChatMessage[], options: RenderOptions = {}): string {
    const last = messages.at(-1);
    const before = last?.role === 'assistant' && last.content === '' ? messages.slice(0, -1) : messages;
    if (before.at(-1)?.role !== 'assistant') {
      return this.render(before, { ...options, addGenerationPrompt: true });
    }
    const whole = this.render(before, options);
    const end = this.turnEnd().text;
    if (whole.endsWith(end)) return whole.slice(0, whole.length - end.length);
    throw new TenetError(
      'data',
      `The chat template ends a turn of the assistant with ${JSON.stringify(whole.slice(-40))}, and elsewhere ` +
        `with ${JSON.stringify(end)}, so the beginning of an answer cannot be given. Leave out the last message.`,
    );
  }

  /**
   * Token ids of a whole conversation and which of them the assistant wrote.
   *
   * Where the template has `{% generation %}` blocks, these decide. Otherwise each assistant turn is what
   * rendering adds to the conversation before it; that needs a template that leaves earlier turns as they are.
   * Ids and mask are those of transformers 5.18 (`return_assistant_tokens_mask`) for the default template.
   *
   * @throws TenetError('data') when the template rewrites earlier turns, with the turn it rewrote.
   */
  encodeChat(messages: readonly ChatMessage[], options: RenderOptions = {}): EncodedChat {
    const { text, spans } = this.assistantParts(messages, options);
    const ids = this.tokenizer.encode(text);
    return { ids, assistantMask: maskOf(this.tokenizer, text, ids, spans) };
  }

  /**
   * What the template writes after an assistant's text, up to the end of the conversation.
   * @returns its text, its ids, and the ids among them that are control tokens: those that stop generation.
   */
  turnEnd(): { readonly text: string; readonly ids: readonly number[]; readonly stopIds: readonly number[] } {
    this.end ??= this.findTurnEnd();
    return this.end;
  }

  private findTurnEnd(): ReturnType<ChatTemplate['turnEnd']> {
    const probe = 'Tenet0probe';
    const conversation = [
      { role: 'user', content: 'Hello' },
      { role: 'assistant', content: probe },
    ];
    const rendered = this.render(conversation);
    const text = rendered.slice(rendered.lastIndexOf(probe) + probe.length);
    const ids = this.tokenizer.encodeAfter(probe, text);
    return { text, ids, stopIds: ids.filter((id) => this.tokenizer.specialIds.has(id)) };
  }

  private assistantParts(
    messages: readonly ChatMessage[],
    options: RenderOptions,
  ): { text: string; spans: Span[] } {
    if (this.markedTemplate) {
      return splitGenerationMarks(this.renderWith(this.markedTemplate, messages, options));
    }
    return assistantSpans(
      messages,
      (part, addGenerationPrompt) => this.render(part, { ...options, addGenerationPrompt }),
      this.tokenizer.eosId === null ? '' : this.tokenizer.tokenOf(this.tokenizer.eosId)!,
    );
  }

  private renderWith(template: Template, messages: readonly ChatMessage[], options: RenderOptions): string {
    const named = (id: number | null) => (id === null ? '' : this.tokenizer.tokenOf(id));
    const date = options.date;
    try {
      return template.render({
        messages,
        add_generation_prompt: options.addGenerationPrompt ?? false,
        bos_token: named(this.tokenizer.bosId),
        eos_token: named(this.tokenizer.eosId),
        pad_token: named(this.tokenizer.padId),
        ...(options.tools ? { tools: options.tools } : {}),
        [CLOCK]: date ? (format: string) => formatDate(date, format) : undefined,
        ...options.variables,
      });
    } catch (cause) {
      const roles = messages.map((message) => message.role).join(', ');
      throw new TenetError(
        'data',
        `The chat template refuses a conversation of ${messages.length} messages (${roles}): ` +
          `${(cause as Error).message}`,
        { cause },
      );
    }
  }
}

/**
 * The interpreter gives templates a clock, `strftime_now`, which would make the same input give another text
 * tomorrow. Under another name it is undefined unless a date is given.
 */
const CLOCK = 'tenet_strftime_now';

function parse(source: string): Template {
  return new Template(source.replace(/\bstrftime_now\b/g, CLOCK));
}

function safely<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

/** [tokens] 1 where a token has at least one character inside a span. */
function maskOf(
  tokenizer: Tokenizer,
  text: string,
  ids: readonly number[],
  spans: readonly Span[],
): Uint8Array {
  const mask = new Uint8Array(ids.length);
  const ends = tokenEnds(tokenizer, text, ids);
  for (const { start, end } of spans) {
    if (ends) {
      for (let i = 0; i < ids.length; i++) {
        const tokenStart = i === 0 ? 0 : ends[i - 1];
        if (ends[i] > start && tokenStart < end) mask[i] = 1;
      }
    } else {
      // The tokens do not spell the text (a normaliser changed it): find the span by the tokens before it.
      mask.fill(
        1,
        commonPrefix(ids, tokenizer.encode(text.slice(0, start))),
        commonPrefix(ids, tokenizer.encode(text.slice(0, end))),
      );
    }
  }
  return mask;
}

function commonPrefix(a: readonly number[], b: readonly number[]): number {
  let i = 0;
  while (i < a.length && i < b.length && a[i] === b[i]) i++;
  return i;
}

/** The part of strftime that chat templates use. Local time, English names. */
function formatDate(date: Date, format: string): string {
  const name = (options: Intl.DateTimeFormatOptions) => date.toLocaleDateString('en-GB', options);
  const two = (value: number) => String(value).padStart(2, '0');
  const fields: Record<string, () => string> = {
    d: () => two(date.getDate()),
    m: () => two(date.getMonth() + 1),
    Y: () => String(date.getFullYear()),
    y: () => two(date.getFullYear() % 100),
    b: () => name({ month: 'long' }).slice(0, 3),
    B: () => name({ month: 'long' }),
    a: () => name({ weekday: 'long' }).slice(0, 3),
    A: () => name({ weekday: 'long' }),
    H: () => two(date.getHours()),
    M: () => two(date.getMinutes()),
    S: () => two(date.getSeconds()),
    '%': () => '%',
  };
  return format.replace(/%(.)/g, (whole, letter: string) => fields[letter]?.() ?? whole);
}
