/** One call to an OpenAI-compatible server under guard, and the forms that its answers have. */
import type { Exchange } from '../enforce/exchange.ts';
import type { Conversations } from './conversation.ts';
import type { Dialect } from './dialect.ts';

export interface GuardedCall {
  readonly exchange: Exchange;
  readonly dialect: Dialect;
  readonly conversations: Conversations;
  readonly limits: ReadLimits;
  /** Ends the upstream's work. */
  readonly stop: () => void;
}

export interface ReadLimits {
  /** Largest answer, in bytes. */
  readonly answerBytes: number;
  /** Longest that nothing may come. Default: for ever. */
  readonly silenceMs?: number;
}

export type Choice = Readonly<Record<string, unknown>>;

export interface Answer extends Readonly<Record<string, unknown>> {
  readonly choices: readonly Choice[];
}

export function hasChoices(value: unknown): value is Answer {
  const { choices } = (value ?? {}) as { choices?: unknown };
  return Array.isArray(choices) && choices.every((choice) => typeof choice === 'object' && choice !== null);
}

/** Fields of an answer besides its choices. Others are not passed on: nobody has screened them. */
const headFields = ['id', 'object', 'created', 'model', 'system_fingerprint', 'service_tier', 'usage'];

export function headOf(body: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(headFields.filter((field) => field in body).map((field) => [field, body[field]]));
}

/** A choice's number: its own, or its place. */
export function indexOf({ index }: Choice, position: number): number {
  return typeof index === 'number' ? index : position;
}

/** The conversation that a choice answers, and which of the answers to it the choice is. */
export function answeredBy(
  { prompts, answersPerPrompt }: Conversations,
  index: number,
): readonly [messages: Conversations['prompts'][number], choice: number] {
  const place = Math.max(0, Math.min(Math.floor(index / answersPerPrompt), prompts.length - 1));
  return [prompts[place], index - place * answersPerPrompt];
}

export function eventOf(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

export const streamHeaders: Readonly<Record<string, string>> = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
  'x-accel-buffering': 'no', // proxies must pass events on at once
};
