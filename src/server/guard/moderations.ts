/** `POST /v1/moderations`: what the guard thinks of texts, in the form of OpenAI's endpoint. */
import { z } from 'zod';
import {
  Exchange,
  type GuardModel,
  type GuardObserver,
  type GuardPolicy,
  type GuardRules,
  unreadable,
} from '../../guard/index.ts';
import { readRequest } from '../openai/request-fields.ts';

/** The categories that clients of the endpoint know; all of them are always answered. */
export const moderationCategories = [
  ...['harassment', 'harassment/threatening', 'hate', 'hate/threatening', 'illicit', 'illicit/violent'],
  ...[
    'self-harm',
    'self-harm/intent',
    'self-harm/instructions',
    'sexual',
    'sexual/minors',
    'violence',
    'violence/graphic',
  ],
] as const;

const schema = z.strictObject({
  model: z.string().nullish(),
  input: z.union(
    [z.string(), z.array(z.string()).min(1), z.array(z.looseObject({ type: z.string() })).min(1)],
    'give a text, a list of texts, or a list of parts',
  ),
});

export interface ModerationOptions {
  readonly guard: GuardModel;
  readonly policy: GuardPolicy;
  readonly rules: GuardRules;
  readonly requestId: string;
  readonly observers: readonly GuardObserver[];
  readonly signal: AbortSignal;
}

/** @throws ApiError 400 for another form, WireError for parts that are no text; ScreeningFailure when the guard fails */
export async function moderate(body: unknown, options: ModerationOptions): Promise<object> {
  const { guard, policy, rules, requestId } = options;
  const { input } = readRequest(schema, body);
  const texts = typeof input === 'string' ? [input] : textsOf(input);
  const results = await Promise.all(texts.map((text) => resultOf(text, options)));
  return {
    id: `modr-${requestId}`,
    model: guard.name,
    results: results.map((result) => formOf(result, policy, rules)),
  };
}

interface Result {
  readonly flagged: boolean;
  readonly score: number;
  readonly byPrinciple: Readonly<Record<string, number>>;
}

async function resultOf(
  text: string,
  { guard, rules, requestId, observers, signal }: ModerationOptions,
): Promise<Result> {
  let byPrinciple: Readonly<Record<string, number>> = {};
  const exchange = new Exchange({
    guard,
    // It says what it thinks whatever it would do.
    rules: { ...rules, mode: 'enforce', failure: 'closed' },
    facts: { requestId, route: '/v1/moderations', model: guard.name, stream: false },
    messages: [{ role: 'user', content: text }],
    observers: [...observers, { screened: (_, screening) => (byPrinciple = screening.byPrinciple ?? {}) }],
    signal,
  });
  try {
    const flagged = await exchange.refusesInput();
    exchange.finish();
    return { flagged, score: exchange.inputVerdict?.score ?? 0, byPrinciple };
  } catch (error) {
    exchange.finish(signal.aborted ? 'aborted' : 'refused');
    throw error;
  }
}

function formOf(
  { flagged, score, byPrinciple }: Result,
  { moderation }: GuardPolicy,
  { thresholds }: GuardRules,
): object {
  const scores: Record<string, number> = Object.fromEntries(moderationCategories.map((name) => [name, 0]));
  const over = new Set<string>();
  for (const [principle, its] of Object.entries(byPrinciple)) {
    const category = moderation.categories[principle] ?? principle;
    scores[category] = Math.max(scores[category] ?? 0, its);
    if (its >= (thresholds.principles[principle] ?? thresholds.input)) over.add(category);
  }
  // The whole can be over its threshold where no part is, or where the guard names none.
  if (flagged && over.size === 0) {
    scores.policy = score;
    over.add('policy');
  }
  const names = Object.keys(scores);
  return {
    flagged,
    categories: Object.fromEntries(names.map((name) => [name, flagged && over.has(name)])),
    category_scores: scores,
    category_applied_input_types: Object.fromEntries(names.map((name) => [name, ['text']])),
  };
}

function textsOf(
  input: readonly (string | { readonly type: string; readonly [key: string]: unknown })[],
): string[] {
  if (typeof input[0] === 'string') return input as string[];
  // Parts are one input together.
  const texts = input.map((part, i) => {
    const { type, text } = part as { type: string; text?: unknown };
    if (type !== 'text' || typeof text !== 'string') throw unreadable(`input.${i}`);
    return text;
  });
  return [texts.join('\n')];
}
