/** Answers, labels and samples of a comparison job as events of the ledger, and back. */
import type { EventContent, LedgerEvent } from '../../store/index.ts';
import type { Constitution } from '../constitution.ts';
import { constitutionRef, usageFrom } from '../critique/events.ts';
import type { Answer } from './ask-comparison.ts';
import type { Ranking } from './compare.ts';
import type { PairJudgement } from './judgement.ts';

type StepContent = Omit<EventContent, 'item'>;

export interface JudgeFrame {
  readonly constitution: Constitution;
  /** The job. */
  readonly project: string;
  readonly runId?: string;
}

/** Which two of an item's responses were compared, and why they were if it was to measure the judge. */
export interface AnswerPlace {
  readonly item: string;
  readonly pair: readonly [number, number];
  /** `repeat`: asked again; `reword`: asked again in other words. */
  readonly check?: 'repeat' | 'reword';
}

export function answerEvent(answer: Answer, frame: JudgeFrame, place: AnswerPlace): StepContent {
  const { probability: p, shownFirst } = answer;
  return {
    ...common(frame),
    kind: 'comparison',
    judge: { kind: 'ai', id: answer.model },
    modelId: answer.model,
    principles: [answer.principle],
    probabilities: [p, 1 - p],
    probabilityMethod: answer.method,
    probabilityMass: Math.min(1, answer.mass),
    ...(shownFirst !== null && { shownOrder: shownFirst === 0 ? [0, 1] : [1, 0] }),
    ...(answer.reasoning !== null && { rationale: answer.reasoning }),
    template: answer.template,
    seed: answer.seed,
    usage: answer.usage,
    extra: { item: place.item, pair: place.pair, ...(place.check && { check: place.check }) },
  };
}

export function answerFrom(event: LedgerEvent): Answer {
  return {
    principle: event.principles![0],
    shownFirst: (event.shownOrder?.[0] ?? null) as 0 | 1 | null,
    probability: event.probabilities![0],
    mass: event.probabilityMass ?? 0,
    method: event.probabilityMethod as Answer['method'],
    reasoning: event.rationale ?? null,
    model: event.modelId!,
    template: event.template!,
    seed: event.seed ?? 0,
    usage: usageFrom(event),
  };
}

/** What all the answers about an item come to. @param humanRanks what people said of it, where the data has that */
export function labelEvent(
  ranking: Ranking,
  frame: JudgeFrame,
  item: string,
  basedOn: readonly string[],
  humanRanks: readonly (number | null)[] | null,
): StepContent {
  const { ranks, preferences, pairs } = ranking;
  const [answer] = pairs[0].principles[0].answers;
  const ids = pairs.flatMap(({ principles }) => principles.map(({ principle }) => principle));
  const single = pairs.length === 1 ? pairs[0].probability : null;
  return {
    ...common(frame),
    kind: 'label',
    judge: { kind: 'ai', id: answer.model },
    modelId: answer.model,
    principles: [...new Set(ids)],
    ranks,
    ...(single !== null && { probabilities: [single, 1 - single], probabilityMethod: answer.method }),
    basedOn,
    extra: {
      item,
      preferences,
      pairs: pairs.map(summaryOf),
      ...(humanRanks && { humanRanks }),
    },
  };
}

/** What analytics need of a pair's judgement; a type and not an interface, so that it counts as JSON. */
export type PairSummary = {
  readonly probability: number;
  readonly unclamped: number;
  readonly decisive: readonly string[];
  /** Probability by principle. */
  readonly principles: Readonly<Record<string, number>>;
};

function summaryOf({ probability, unclamped, decisive, principles }: PairJudgement): PairSummary {
  const byPrinciple = principles.map((judged) => [judged.principle, judged.probability] as const);
  return { probability, unclamped, decisive, principles: Object.fromEntries(byPrinciple) };
}

function common({ constitution, project, runId }: JudgeFrame): Omit<StepContent, 'kind' | 'judge'> {
  return {
    project,
    ...(runId !== undefined && { runId }),
    constitution: constitutionRef(constitution),
  };
}
