/** The AI SDK's words for requests and answers (specification v3). */
import type { OpenAICompatibleProvider } from '@ai-sdk/openai-compatible';
import type { ChatAnswer, JsonFormat, Message } from '../language-model.ts';
import type { TokenChoice } from './option-walk.ts';

/** A model object of the SDK. */
export type SdkModel = ReturnType<OpenAICompatibleProvider['chatModel']>;
export type SdkRequest = Parameters<SdkModel['doGenerate']>[0];
export type SdkAnswer = Awaited<ReturnType<SdkModel['doGenerate']>>;
export type SdkOptions = NonNullable<SdkRequest['providerOptions']>;

export function toSdkMessage({ role, content }: Message): SdkRequest['prompt'][number] {
  return role === 'system' ? { role, content } : { role, content: [{ type: 'text', text: content }] };
}

export function toSdkFormat({ name, schema }: JsonFormat): SdkRequest['responseFormat'] {
  return { type: 'json', name, schema: schema as object };
}

/** Options of a provider, put together from several. */
export function mergeOptions(...options: (SdkOptions | undefined)[]): SdkOptions {
  const result: Record<string, SdkOptions[string]> = {};
  for (const one of options) {
    for (const [provider, values] of Object.entries(one ?? {})) {
      result[provider] = { ...result[provider], ...values };
    }
  }
  return result;
}

export function finishOf({ unified }: SdkAnswer['finishReason']): ChatAnswer['finish'] {
  if (unified === 'length') return 'length';
  return unified === 'content-filter' ? 'filter' : 'stop';
}

/**
 * The tokens of an answer with their alternatives; empty where the provider tells none. The SDK passes them on in the
 * raw body alone.
 */
export function pathOf({ response }: SdkAnswer): TokenChoice[] {
  const { choices = [] } = (response?.body ?? {}) as {
    readonly choices?: readonly {
      readonly logprobs?: { readonly content?: readonly TokenChoice[] | null } | null;
    }[];
  };
  const content = choices[0]?.logprobs?.content ?? [];
  return content
    .filter(({ token, logprob }) => typeof token === 'string' && typeof logprob === 'number')
    .map(({ token, logprob, top_logprobs }) => ({ token, logprob, top_logprobs: top_logprobs ?? [] }));
}
