/** Steps of a critique chain as events of the ledger, and back. */

import type { Usage } from '../../llm/index.ts';
import type { EventContent, LedgerEvent } from '../../store/index.ts';
import type { Constitution } from '../constitution.ts';
import { NO_USAGE } from '../usage.ts';
import type { Critique, InitialResponse, Revision } from './ask.ts';
import type { Check } from './check.ts';
import type { FailureKind } from './failures.ts';
import type { Verdict } from './verdict.ts';

/** What all events of a chain have in common. */
export interface EventFrame {
  /** Left out for steps that it has no part in. */
  readonly constitution?: Constitution;
  /** The job. */
  readonly project: string;
  readonly runId?: string;
}

type StepContent = Omit<EventContent, 'item'>;

/** Where in a chain a step stands: kept in the event, for people and analytics. */
export interface StepPlace {
  readonly item: string;
  readonly round: number;
  readonly attempt: number;
}

export function responseEvent(step: InitialResponse, frame: EventFrame, place: StepPlace): StepContent {
  return {
    ...commonEvent(step, frame),
    kind: 'response',
    text: step.text,
    extra: { ...place, failure: step.failure },
  };
}

export function critiqueEvent(step: Critique, frame: EventFrame, place: StepPlace): StepContent {
  return {
    ...commonEvent(step, frame),
    kind: 'critique',
    principles: step.principles,
    text: step.text,
    ...(step.reasoning !== null && { rationale: step.reasoning }),
    extra: { ...place, request: step.request, verdict: step.verdict, failure: step.failure },
  };
}

export function revisionEvent(
  step: Revision,
  frame: EventFrame,
  place: StepPlace,
  critiqueId: string | null,
): StepContent {
  return {
    ...commonEvent(step, frame),
    kind: 'revision',
    principles: step.principles,
    text: step.text,
    ...(critiqueId !== null && { basedOn: [critiqueId] }),
    extra: { ...place, request: step.request, failure: step.failure },
  };
}

/** The score is the probability that the response keeps the principle. */
export function checkEvent(step: Check, frame: EventFrame, place: StepPlace): StepContent {
  return {
    ...commonEvent(step, frame),
    kind: 'score',
    principles: [step.principle],
    scores: [1 - step.probability],
    probabilityMethod: step.method,
    probabilityMass: Math.min(1, step.mass),
    extra: { ...place, check: 'violation', violation: step.violation },
  };
}

export function responseFrom(event: LedgerEvent): InitialResponse {
  return stepFrom(event);
}

export function critiqueFrom(event: LedgerEvent): Critique {
  return {
    ...stepFrom(event),
    principles: event.principles ?? [],
    request: String(event.extra?.request ?? ''),
    reasoning: event.rationale ?? null,
    verdict: event.extra?.verdict as Verdict,
  };
}

export function revisionFrom(event: LedgerEvent): Revision {
  return {
    ...stepFrom(event),
    principles: event.principles ?? [],
    request: String(event.extra?.request ?? ''),
  };
}

export function checkFrom(event: LedgerEvent): Check {
  return {
    principle: event.principles![0],
    probability: 1 - event.scores![0]!,
    violation: event.extra?.violation === true,
    method: event.probabilityMethod as Check['method'],
    mass: event.probabilityMass ?? 0,
    model: event.modelId!,
    template: event.template!,
    usage: usageFrom(event),
  };
}

function commonEvent(
  step: Pick<Critique, 'model' | 'template' | 'usage'> & { readonly seed?: number },
  { constitution, project, runId }: EventFrame,
): Omit<StepContent, 'kind'> {
  return {
    judge: { kind: 'ai', id: step.model },
    modelId: step.model,
    project,
    ...(runId !== undefined && { runId }),
    ...(constitution && { constitution: constitutionRef(constitution) }),
    template: step.template,
    ...(step.seed !== undefined && { seed: step.seed }),
    usage: step.usage,
  };
}

function stepFrom(event: LedgerEvent): InitialResponse {
  return {
    model: event.modelId!,
    template: event.template!,
    seed: event.seed ?? 0,
    text: event.text ?? '',
    failure: (event.extra?.failure ?? null) as FailureKind | null,
    usage: usageFrom(event),
  };
}

export function usageFrom({ usage }: LedgerEvent): Usage {
  return { ...NO_USAGE, ...usage };
}

/** How the ledger names a constitution. */
export function constitutionRef({ hash, version }: Constitution): NonNullable<EventContent['constitution']> {
  return { hash, ...(version !== null && { version }) };
}
