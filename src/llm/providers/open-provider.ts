/** Provider objects of the AI SDK for each kind of model name. Bare model strings are never handed to the SDK: it
 * would send them to a hosted gateway. */
import type { ModelSpec } from '../model-spec.ts';
import { type Prices, priceOf } from '../prices.ts';
import { compatibleKey, keyNames, requireKey } from './api-key.ts';
import { cappedFetch } from './capped-fetch.ts';
import { type Dialect, ProvidedModel } from './provided-model.ts';

export interface ProviderOptions {
  readonly prices?: Prices;
  /** Milliseconds without a byte after which a call counts as hung. Default 10 minutes: some models think long. */
  readonly timeoutMs?: number;
}

const defaultTimeoutMs = 600_000;

/** Tokens allowed for the thoughts of models that think before they answer; they count as output. */
const thinkingTokens = 8192;

type ProviderSpec = Exclude<ModelSpec, { readonly kind: 'local' }>;

/**
 * @throws TenetError('usage') when the provider's key is not in the environment
 */
export async function openProvider(
  spec: ProviderSpec,
  options: ProviderOptions = {},
): Promise<ProvidedModel> {
  switch (spec.kind) {
    case 'openai':
      return new ProvidedModel(await openAi(spec.model, options));
    case 'anthropic':
      return new ProvidedModel(await anthropic(spec.model, options));
    case 'openai-compatible':
      return new ProvidedModel(await compatible(spec.model, spec.baseUrl, options));
  }
}

async function openAi(model: string, options: ProviderOptions): Promise<Dialect> {
  const { createOpenAI } = await import('@ai-sdk/openai');
  const id = `openai:${model}`;
  const apiKey = requireKey('openai', id);
  const thinks = /^(o\d|gpt-([5-9]|\d\d))/.test(model) && !model.includes('chat');
  return {
    ...common(id, 'openai', process.env.OPENAI_BASE_URL ?? 'api.openai.com', apiKey, options),
    model: createOpenAI({ apiKey, fetch: cappedFetch }).chat(model),
    logProbs: thinks ? null : (alternatives) => ({ openai: { logprobs: alternatives } }),
    goOn: null, // a last message of the assistant would be answered, not gone on from
    seeds: true,
    hiddenTokens: thinks ? thinkingTokens : 0,
  };
}

async function anthropic(model: string, options: ProviderOptions): Promise<Dialect> {
  const { createAnthropic } = await import('@ai-sdk/anthropic');
  const id = `anthropic:${model}`;
  const apiKey = requireKey('anthropic', id);
  return {
    ...common(id, 'anthropic', process.env.ANTHROPIC_BASE_URL ?? 'api.anthropic.com', apiKey, options),
    model: createAnthropic({ apiKey, fetch: cappedFetch })(model),
    logProbs: null,
    goOn: {}, // older models go on from a last message of the assistant; newer ones refuse it
    seeds: false,
    hiddenTokens: /^claude-[a-z]+-[5-9]/.test(model) ? thinkingTokens : 0,
  };
}

async function compatible(model: string, baseUrl: string, options: ProviderOptions): Promise<Dialect> {
  const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible');
  const apiKey = compatibleKey();
  const provider = createOpenAICompatible({
    name: 'compatible',
    baseURL: baseUrl,
    apiKey,
    fetch: cappedFetch,
    includeUsage: true,
    supportsStructuredOutputs: true,
  });
  return {
    ...common(`openai-compatible:${model}@${baseUrl}`, 'openai-compatible', baseUrl, apiKey, options),
    model: provider.chatModel(model),
    logProbs: (alternatives) => ({ compatible: { logprobs: true, top_logprobs: alternatives } }),
    // vLLM's names, which Tenet's own server knows too; llama.cpp and Ollama go on by themselves.
    goOn: { compatible: { continue_final_message: true, add_generation_prompt: false } },
    seeds: true,
    hiddenTokens: 0,
  };
}

function common(
  id: string,
  kind: keyof typeof keyNames,
  host: string,
  apiKey: string | undefined,
  { prices, timeoutMs = defaultTimeoutMs }: ProviderOptions,
): Pick<Dialect, 'id' | 'errors' | 'price' | 'timeoutMs'> {
  const errors = { model: id, host, keyName: keyNames[kind], secrets: apiKey ? [apiKey] : [] };
  return { id, errors, price: priceOf(id, prices), timeoutMs };
}
