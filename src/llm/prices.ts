/** What calls cost. */
import { TenetError } from '../base/index.ts';

/** US dollars for a million tokens. */
export interface Price {
  readonly input: number;
  readonly output: number;
  /** For input that the provider had cached. Default: as other input. */
  readonly cachedInput?: number;
}

/** By `LanguageModel.id`, such as `openai:gpt-4.1-mini`; a `*` at the end stands for anything that follows. */
export type Prices = Readonly<Record<string, Price>>;

/** When the list prices were last compared with public price lists. */
export const listPricesDate = '2026-11-26';

/**
 * List prices without discounts, for models whose price is not given. Providers change theirs, so give your own
 * wherever money matters.
 */
export const listPrices: Prices = {
  'openai:gpt-4.1': { input: 2, cachedInput: 0.5, output: 8 },
  'openai:gpt-4.1-mini': { input: 0.4, cachedInput: 0.1, output: 1.6 },
  'openai:gpt-4.1-nano': { input: 0.1, cachedInput: 0.025, output: 0.4 },
  'openai:gpt-4o': { input: 2.5, cachedInput: 1.25, output: 10 },
  'openai:gpt-4o-mini': { input: 0.15, cachedInput: 0.075, output: 0.6 },
  'openai:gpt-5': { input: 1.25, cachedInput: 0.125, output: 10 },
  'openai:gpt-5-mini': { input: 0.25, cachedInput: 0.025, output: 2 },
  'openai:gpt-5-nano': { input: 0.05, cachedInput: 0.005, output: 0.4 },
  'anthropic:claude-haiku-4-5': { input: 1, output: 5 },
  'anthropic:claude-sonnet-4-5': { input: 3, output: 15 },
  'anthropic:claude-sonnet-5-5': { input: 2, output: 10 },
  'anthropic:claude-opus-5': { input: 5, output: 25 },
  'anthropic:claude-opus-5-5': { input: 4, output: 20 },
};

/** What providers put behind a model's name for a dated version of it. */
const datedVersion = /-(\d{8}|\d{4}-\d{2}-\d{2})$/;

/**
 * The price of a model: from the prices given (the longest entry that fits), or else from the list; null when it is
 * in neither. Local models cost nothing.
 */
export function priceOf(model: string, given: Prices = {}): Price | null {
  if (model.startsWith('local:')) return { input: 0, output: 0 };
  const fitting = Object.keys(given)
    .filter((key) => (key.endsWith('*') ? model.startsWith(key.slice(0, -1)) : key === model))
    .sort((a, b) => b.length - a.length);
  if (fitting.length > 0) return checkPrice(fitting[0], given[fitting[0]]);
  return listPrices[model] ?? listPrices[model.replace(datedVersion, '')] ?? null;
}

/** US dollars. @param tokens.cacheRead of the input tokens, those that the provider had cached */
export function costOf(
  { input, output, cachedInput = input }: Price,
  tokens: { readonly inputTokens: number; readonly outputTokens: number; readonly cacheRead?: number },
): number {
  const { inputTokens, outputTokens, cacheRead = 0 } = tokens;
  return (input * (inputTokens - cacheRead) + cachedInput * cacheRead + output * outputTokens) / 1e6;
}

function checkPrice(key: string, price: Price): Price {
  for (const [name, value] of Object.entries(price)) {
    if (value === undefined || (Number.isFinite(value) && value >= 0)) continue;
    throw new TenetError(
      'usage',
      `The price of ${key} has ${name} ${value}; give US dollars for a million tokens, ≥ 0.`,
    );
  }
  return price;
}
