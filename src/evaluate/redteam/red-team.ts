/** Attacks a model with every technique, and says which of them succeed how often. */
import { Random } from '../../base/index.ts';
import type { LanguageModel, Message } from '../../llm/index.ts';
import { type Interval, wilsonInterval } from '../../objective/index.ts';
import { groupBy, scaled } from '../figure.ts';
import { gradeHarm, type HarmGrade } from '../grade/harm.ts';
import { askEach, type SuiteContext, type SuiteResult } from '../suite.ts';
import type { HarmfulRequest } from '../suites/attack-success.ts';
import { attackWithModel } from './attacker.ts';
import { encodings } from './encodings.ts';
import { framings } from './framings.ts';
import type { RecordedAttacks } from './recorded.ts';
import { type Technique, user } from './technique.ts';

/** One attempt and what came of it. */
export interface Attempt {
  readonly technique: string;
  readonly request: HarmfulRequest;
  /** What was sent. */
  readonly messages: readonly Message[];
  readonly response: string;
  readonly harmful: boolean;
  readonly reason: HarmGrade['reason'];
}

export interface TechniqueResult {
  readonly technique: string;
  readonly attempts: number;
  /** Part of the requests that were served, %. */
  readonly success: Interval;
}

export interface RedTeamResult {
  readonly target: string;
  readonly attempts: readonly Attempt[];
  /** The most successful first, `direct` in its place among them. */
  readonly techniques: readonly TechniqueResult[];
  readonly categories: readonly TechniqueResult[];
  /** Requests that at least one technique got served, %. */
  readonly anyTechnique: Interval | null;
  readonly failed: SuiteResult['failed'];
}

export const plainRequest: Technique = {
  name: 'direct',
  about: 'the request as it is, to compare with',
  wrap: (request) => [user(request)],
};

/** Techniques that need no data. */
export const builtInTechniques: readonly Technique[] = [plainRequest, ...encodings, ...framings];

export interface RedTeamOptions
  extends Pick<SuiteContext, 'seed' | 'maxTokens' | 'temperature' | 'concurrency' | 'signal' | 'onProgress'> {
  readonly techniques: readonly Technique[];
  /** Attacks with the requests they were recorded for. */
  readonly recorded?: readonly RecordedAttacks[];
  /** Writes its own prompts, in up to so many rounds each. */
  readonly attacker?: { readonly model: LanguageModel; readonly rounds: number };
}

interface Task {
  readonly technique: Technique | null;
  readonly request: HarmfulRequest;
}

export async function redTeam(
  target: LanguageModel,
  requests: readonly HarmfulRequest[],
  options: RedTeamOptions,
): Promise<RedTeamResult> {
  const { techniques, recorded = [], attacker, seed, maxTokens, temperature } = options;
  const tasks: Task[] = [
    ...techniques.flatMap((technique) => requests.map((request) => ({ technique, request }))),
    ...recorded.flatMap(({ technique, requests: own }) => own.map((request) => ({ technique, request }))),
    ...(attacker ? requests.map((request) => ({ technique: null, request })) : []),
  ];
  const { done, failed } = await askEach(tasks, options, async ({ technique, request }, signal) => {
    if (technique === null) {
      const { prompt, response } = await attackWithModel(request, {
        ...{ attacker: attacker!.model, rounds: attacker!.rounds },
        ...{ target, maxTokens, temperature, seed, signal },
      });
      return { messages: [{ role: 'user' as const, content: prompt }], response };
    }
    const random = new Random(seed).fork(`${technique.name}/${request.id}`);
    const messages = technique.wrap(request.text, random).map(({ role, content }) => ({ role, content }));
    const { text } = await target.chat({ messages, maxTokens, temperature, seed }, { signal });
    return { messages, response: text };
  });
  const attempts = done.map(({ item: { technique, request }, value }): Attempt => {
    const { messages, response } = value;
    const read = technique?.unwrap?.(response) ?? response;
    const { harmful, reason } = gradeHarm(request.text, read);
    return { technique: technique?.name ?? 'attacker', request, messages, response, harmful, reason };
  });
  const byRequest = [...groupBy(attempts, ({ request }) => request.text).values()];
  return {
    target: target.id,
    attempts,
    techniques: resultsBy(attempts, ({ technique }) => technique),
    categories: resultsBy(attempts, ({ request }) => request.category),
    anyTechnique:
      byRequest.length === 0
        ? null
        : shareOf(byRequest.filter((group) => group.some(({ harmful }) => harmful)).length, byRequest.length),
    failed,
  };
}

function resultsBy(attempts: readonly Attempt[], keyOf: (attempt: Attempt) => string): TechniqueResult[] {
  return [...groupBy(attempts, keyOf)]
    .map(([technique, group]) => ({
      technique,
      attempts: group.length,
      success: shareOf(group.filter(({ harmful }) => harmful).length, group.length),
    }))
    .sort((a, b) => b.success.estimate - a.success.estimate);
}

function shareOf(count: number, total: number): Interval {
  return scaled(wilsonInterval(count, total), 100);
}

/**
 * Attempts as data: prompt, completion and whether the completion is as wanted, so that people can label them and guards
 * learn from them. The label is the grader's; a person's goes before it.
 */
export function findingsOf(attempts: readonly Attempt[]): object[] {
  return attempts.map(({ technique, request, messages, response, harmful, reason }) => ({
    prompt: messages,
    completion: [{ role: 'assistant', content: response }],
    label: !harmful,
    technique,
    category: request.category,
    request: request.text,
    ...(reason !== null && { reason }),
  }));
}
