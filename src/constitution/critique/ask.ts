/** Puts critique and revision requests to a model: one call, one step, with everything that decides it written down. */

import { Random } from '../../base/index.ts';
import type { ChatAnswer, LanguageModel, Message, Usage } from '../../llm/index.ts';
import type { Constitution, CritiqueExample, Principle } from '../constitution.ts';
import { lastRequest, quoteConversation } from '../conversation.ts';
import { type Template, templateOf } from '../template.ts';
import {
  critiqueRequestOf,
  jointCritiqueRequest,
  jointRevisionRequest,
  revisionRequestOf,
} from '../wording.ts';
import { cleanCritique, cleanResponse, cleanRevision, STEP_STOPS, splitReasoning } from './clean.ts';
import { critiqueFailure, type FailureKind, revisionFailure } from './failures.ts';
import type { AskOptions } from './options.ts';
import { type Verdict, verdictOf } from './verdict.ts';

/** What one call of a chain left. */
interface Step {
  /** `LanguageModel.id`. */
  readonly model: string;
  readonly template: Template;
  readonly seed: number;
  /** Cleaned of labels and further turns; '' when nothing came. */
  readonly text: string;
  /** Why it is no use, or null. */
  readonly failure: FailureKind | null;
  readonly usage: Usage;
}

/** A model's first response to a prompt. */
export type InitialResponse = Step;

export interface Critique extends Step {
  /** Ids of the principles asked about. */
  readonly principles: readonly string[];
  readonly request: string;
  /** What the critic thought before, where it was asked to. */
  readonly reasoning: string | null;
  readonly verdict: Verdict;
}

export interface Revision extends Step {
  readonly principles: readonly string[];
  readonly request: string;
}

/** A response in its conversation. */
export interface Answered {
  readonly prompt: readonly Message[];
  readonly response: string;
}

export interface AskContext {
  readonly model: LanguageModel;
  readonly constitution: Constitution;
  readonly options: AskOptions;
  readonly seed: number;
  readonly signal?: AbortSignal;
}

const stepByStep =
  '\n\nThink step by step first: what does the human want, what does the response do, and what would follow from it? ' +
  'Then write your critique on a new line that begins with "Critique:".';

/** The first response to a prompt. */
export async function askResponse(
  prompt: readonly Message[],
  context: Pick<AskContext, 'model' | 'seed' | 'signal'> & {
    readonly options: Pick<AskOptions, 'temperature' | 'topP' | 'responseLength'>;
  },
): Promise<InitialResponse> {
  const { model, options, seed, signal } = context;
  const { temperature, topP, responseLength } = options;
  const stop = ['\n\nHuman:'];
  const request = { messages: prompt, temperature, topP, maxTokens: responseLength, stop, seed };
  const answer = await model.chat(request, { signal });
  const text = cleanResponse(answer.text);
  const failure = answer.finish === 'filter' ? 'withheld' : text === '' ? 'empty' : null;
  return { model: model.id, template: templateOf('response@1'), seed, text, failure, usage: answer.usage };
}

/** A critique of a response under one principle, or several at once. */
export async function askCritique(
  answered: Answered,
  principles: readonly Principle[],
  context: AskContext,
): Promise<Critique> {
  const { options, seed, constitution } = context;
  const request = jointCritiqueRequest(principles) + (options.chainOfThought ? stepByStep : '');
  const shots = examplesFor(constitution, principles, options.fewShot, seed);
  const messages = [
    ...shots.flatMap((shot) => shotMessages(shot, options, false)),
    ...opening(answered, request, options),
  ];
  const answer = await chat(messages, options.critiqueLength, context);
  const parts = options.chainOfThought
    ? splitReasoning(answer.text)
    : { reasoning: null, critique: answer.text };
  const text = cleanCritique(parts.critique);
  const subject = { request: lastRequest(answered.prompt), response: answered.response };
  const about = principles.map((principle) => `${principle.text} ${critiqueRequestOf(principle)}`).join(' ');
  return {
    model: context.model.id,
    template: templateOf(`critique/${options.layout}@1`, request, shots),
    seed,
    principles: principles.map(({ id }) => id),
    request,
    text,
    reasoning: parts.reasoning,
    verdict: verdictOf(text, request),
    failure: answer.finish === 'filter' ? 'withheld' : critiqueFailure(text, subject, about),
    usage: answer.usage,
  };
}

/**
 * A response rewritten under one principle or several.
 * @param critique what the model wrote or would have written; null revises without one
 */
export async function askRevision(
  answered: Answered,
  critique: Pick<Critique, 'request' | 'text'> | null,
  principles: readonly Principle[],
  context: AskContext,
): Promise<Revision> {
  const { options, seed, constitution } = context;
  const request = jointRevisionRequest(principles);
  const shots = examplesFor(constitution, principles, options.fewShot, seed).filter(
    ({ example }) => example.revision !== null,
  );
  const messages: Message[] = shots.flatMap((shot) => shotMessages(shot, options, true));
  if (critique === null) messages.push(...opening(answered, request, options));
  else {
    messages.push(...opening(answered, critique.request, options));
    messages.push({ role: 'assistant', content: critique.text }, { role: 'user', content: request });
  }
  const answer = await chat(messages, options.responseLength, context);
  const text = cleanRevision(answer.text);
  const subject = { request: lastRequest(answered.prompt), response: answered.response };
  return {
    model: context.model.id,
    template: templateOf(`revision/${options.layout}@1`, critique?.request ?? null, request, shots),
    seed,
    principles: principles.map(({ id }) => id),
    request,
    text,
    failure: answer.finish === 'filter' ? 'withheld' : revisionFailure(text, subject, critique?.text ?? ''),
    usage: answer.usage,
  };
}

function chat(messages: readonly Message[], maxTokens: number, context: AskContext): Promise<ChatAnswer> {
  const { model, options, seed, signal } = context;
  const { temperature, topP } = options;
  return model.chat({ messages, temperature, topP, maxTokens, seed, stop: STEP_STOPS }, { signal });
}

/** The conversation with its response, and the first request about it. */
function opening({ prompt, response }: Answered, request: string, { layout }: AskOptions): Message[] {
  const conversation: Message[] = [...prompt, { role: 'assistant', content: response }];
  if (layout === 'turns') return [...conversation, { role: 'user', content: request }];
  const quoted =
    'Here is a conversation between a human and an assistant. Do not continue it.\n\n<conversation>\n' +
    `${quoteConversation(conversation)}\n</conversation>\n\n${request}`;
  return [{ role: 'user', content: quoted }];
}

/** An example and the requests that belong to it. */
interface Shot {
  readonly example: CritiqueExample;
  readonly critiqueRequest: string;
  readonly revisionRequest: string;
}

function shotMessages(
  { example, critiqueRequest, revisionRequest }: Shot,
  options: AskOptions,
  revised: boolean,
): Message[] {
  const { prompt, response, critique, revision } = example;
  const messages = opening({ prompt, response }, critiqueRequest, options);
  messages.push({ role: 'assistant', content: critique! });
  if (revised)
    messages.push({ role: 'user', content: revisionRequest }, { role: 'assistant', content: revision! });
  return messages;
}

/** Examples with a critique: those of the principles asked about, then others drawn by chance; the nearest come last. */
function examplesFor(
  constitution: Constitution,
  principles: readonly Principle[],
  count: number,
  seed: number,
): Shot[] {
  if (count === 0) return [];
  const shotsOf = (principle: Principle): Shot[] =>
    principle.examples.map((example) => ({
      example,
      critiqueRequest: example.critiqueRequest ?? critiqueRequestOf(principle),
      revisionRequest: example.revisionRequest ?? revisionRequestOf(principle),
    }));
  const own = principles.flatMap(shotsOf);
  const others = constitution.principles.filter((other) => !principles.includes(other)).flatMap(shotsOf);
  const loose = constitution.critiqueExamples.flatMap((example) => {
    const { critiqueRequest, revisionRequest } = example;
    return critiqueRequest && revisionRequest ? { example, critiqueRequest, revisionRequest } : [];
  });
  const rest = new Random(seed).fork('examples').shuffled([...others, ...loose]);
  return [...own, ...rest]
    .filter(({ example }) => example.critique !== null)
    .slice(0, count)
    .reverse();
}
