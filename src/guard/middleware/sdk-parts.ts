/** The AI SDK's words (specification v3): what its prompts and answers say, and how it is told of a refusal. */
import type { LanguageModelMiddleware } from 'ai';
import type { GuardMessage } from '../screen.ts';
import { AnswerText } from '../wire/answer-text.ts';
import { messageOf, noData } from '../wire/conversation.ts';
import { otherContentIn } from '../wire/texts.ts';

type WrapGenerate = NonNullable<LanguageModelMiddleware['wrapGenerate']>;
type WrapStream = NonNullable<LanguageModelMiddleware['wrapStream']>;
export type SdkCall = Parameters<WrapGenerate>[0]['params'];
export type SdkResult = Awaited<ReturnType<WrapGenerate>>;
export type SdkStream = Awaited<ReturnType<WrapStream>>;
export type SdkPart = SdkStream['stream'] extends ReadableStream<infer Part> ? Part : never;
export type SdkContent = SdkResult['content'][number];

/** All that the model is to read: messages, and the tools that it is told of. */
export function promptMessages({ prompt, tools }: SdkCall): GuardMessage[] {
  const about = (tools ?? []).flatMap((tool) => (tool.type === 'function' ? [tool.description ?? ''] : []));
  const told = about.filter((text) => text !== '').join('\n');
  return [
    ...(told === '' ? [] : [{ role: 'system' as const, content: told }]),
    ...prompt.map(({ role, content }) => messageOf({ role, content: readable(content) }, noData)),
  ];
}

/** Where a prompt holds a file, by itself or in what a tool has answered; or null. */
export function fileIn({ prompt }: SdkCall): string | null {
  for (const [i, { content }] of prompt.entries()) {
    if (typeof content === 'string') continue;
    for (const [n, part] of content.entries()) {
      const place = `prompt.${i}.content.${n}`;
      if (part.type === 'file') return place;
      if (part.type !== 'tool-result' || part.output.type !== 'content') continue;
      const inside = otherContentIn(part.output.value, `${place}.output.value`);
      if (inside !== null) return inside;
    }
  }
  return null;
}

/** Without bytes and addresses of files, which are no texts. */
function readable(content: SdkCall['prompt'][number]['content']): unknown {
  if (typeof content === 'string') return content;
  return content.map((part) => {
    if (part.type === 'file') return { filename: part.filename };
    const { providerOptions: _, ...rest } = part;
    return 'toolCallId' in rest ? { ...rest, toolCallId: undefined } : rest;
  });
}

/** Follows what an answer's parts say. */
export class SdkAnswerText {
  private readonly text = new AnswerText();

  read(part: SdkPart | SdkContent): { readonly text: string; readonly ahead?: boolean } | null {
    switch (part.type) {
      case 'text':
      case 'reasoning':
        return this.text.read({ [part.type]: part.text });
      case 'text-delta':
        return this.text.read({ text: part.delta });
      case 'reasoning-delta':
        return this.text.read({ reasoning: part.delta });
      case 'tool-input-delta':
        return this.text.read({ [`tool ${part.id}`]: { arguments: part.delta } });
      case 'tool-input-start':
        return this.text.read({ tool: part.toolName });
      case 'tool-call':
        return this.text.read({ call: { tool: part.toolName, arguments: part.input } });
      case 'tool-result':
        return this.text.read({ result: part.result });
      case 'source':
        return this.text.read({ source: [part.title, 'url' in part ? part.url : ''] });
      // The provider's own words, in which the text stands before it is screened.
      case 'raw':
        return null;
      // It says that all is well, so it waits for the last word.
      case 'finish':
        return { text: '', ahead: true };
      default:
        return { text: '' };
    }
  }
}

const blockedReason = { unified: 'content-filter', raw: 'content_filter' } as const;
const unknownUsage = {
  inputTokens: { total: undefined, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: undefined, text: undefined, reasoning: undefined },
} as const;

/** A whole answer that says the refusal. @param result the answer that it takes the place of, if there was one */
export function refusedResult(text: string, metadata: Metadata, result?: SdkResult): SdkResult {
  return {
    content: [{ type: 'text', text }],
    finishReason: blockedReason,
    usage: result?.usage ?? nothingUsed,
    warnings: result?.warnings ?? [],
    providerMetadata: { ...result?.providerMetadata, tenet: metadata },
    ...(result?.response && { response: { ...result.response, body: undefined } }),
  };
}

const nothingUsed = {
  inputTokens: { total: 0, noCache: 0, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 0, text: 0, reasoning: 0 },
} as const;

/** What is told with a refusal: enough to appeal. */
export type Metadata = { readonly requestId: string; readonly blocked: 'input' | 'output' };

/** The end of a stream that was stopped: what has begun is ended, then the refusal is said. */
export function refusedParts(text: string, metadata: Metadata, left: readonly SdkPart[]): SdkPart[] {
  const begun = new Map<string, SdkPart>();
  let hasStarted = false;
  for (const part of left) {
    hasStarted ||= part.type === 'stream-start';
    if (part.type === 'text-start') begun.set(`text ${part.id}`, { type: 'text-end', id: part.id });
    if (part.type === 'reasoning-start')
      begun.set(`reasoning ${part.id}`, { type: 'reasoning-end', id: part.id });
    if (part.type === 'tool-input-start')
      begun.set(`tool ${part.id}`, { type: 'tool-input-end', id: part.id });
    if (part.type === 'text-end') begun.delete(`text ${part.id}`);
    if (part.type === 'reasoning-end') begun.delete(`reasoning ${part.id}`);
    if (part.type === 'tool-input-end') begun.delete(`tool ${part.id}`);
  }
  const id = 'guard';
  return [
    ...(hasStarted ? [] : [{ type: 'stream-start' as const, warnings: [] }]),
    ...begun.values(),
    { type: 'text-start', id },
    { type: 'text-delta', id, delta: text },
    { type: 'text-end', id },
    {
      type: 'finish',
      finishReason: blockedReason,
      usage: metadata.blocked === 'input' ? nothingUsed : unknownUsage,
      providerMetadata: { tenet: metadata },
    },
  ];
}
