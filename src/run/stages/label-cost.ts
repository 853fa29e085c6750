/** What the labels behind each model of a run cost, summed along its record of what was made from what. */
import type { Usage } from '../../llm/index.ts';
import type { EvaluationTable } from '../evaluation.ts';
import type { StageRecord } from '../manifest.ts';

export interface LabelCost {
  readonly labelsByPeople: number;
  /** Of people. */
  readonly hours: number;
  readonly peopleUsd: number;
  /** Tokens that critics and judges, and models that answered for them, read and wrote. */
  readonly aiTokens: number;
  /** Null where a price is not known. */
  readonly aiUsd: number | null;
}

const noLabels: LabelCost = { labelsByPeople: 0, hours: 0, peopleUsd: 0, aiTokens: 0, aiUsd: 0 };

/**
 * By stage: what the stage itself and all that it stands on have spent on labels, each counted once.
 * @returns null when nothing before has collected labels
 */
export function labelCosts(stages: readonly StageRecord[]): ReadonlyMap<string, LabelCost> | null {
  const own = new Map(stages.map((stage) => [stage.name, ownCost(stage)]));
  if ([...own.values()].every((cost) => cost === null)) return null;
  const behind = new Map<string, ReadonlySet<string>>();
  for (const { name, uses = [] } of stages) {
    const parents = uses.flatMap(({ stage }) => (stage === undefined ? [] : [stage]));
    behind.set(name, new Set([name, ...parents.flatMap((parent) => [...(behind.get(parent) ?? [])])]));
  }
  return new Map(
    [...behind].map(([name, all]) => [
      name,
      [...all].map((stage) => own.get(stage) ?? noLabels).reduce(sumOf, noLabels),
    ]),
  );
}

/** What the labels behind each policy cost; of a model of the run's own only. */
export function labelCostTable(
  names: readonly string[],
  costs: ReadonlyMap<string, LabelCost>,
): EvaluationTable {
  return {
    title: 'Labels that each model stands on',
    columns: [
      { name: 'labels by people' },
      { name: 'time of people', unit: 'hours' },
      { name: 'people', unit: '$' },
      { name: 'read and written by AI', unit: 'thousand tokens' },
      { name: 'AI', unit: '$' },
    ],
    rows: names.map((name) => {
      const { labelsByPeople, hours, peopleUsd, aiTokens, aiUsd } = costs.get(name) ?? noLabels;
      return {
        name,
        cells: [labelsByPeople, hours, peopleUsd, aiTokens / 1000, aiUsd].map((value) => ({ value })),
      };
    }),
    note: 'Rankings, comparisons, critiques and revisions that stages of this run collected; what came in files (demonstrations too) is not counted. People by the hour (ratePerHour), AI at its provider’s price: 0 for a local model.',
  };
}

/** Of people and AI together; null where a price is not known. */
export function totalUsd({ peopleUsd, aiUsd }: LabelCost = noLabels): number | null {
  return aiUsd === null ? null : peopleUsd + aiUsd;
}

/** What one stage spent: `cost` says what people did (rankings, hybrid), `usage` what models did (critique, compare). */
function ownCost({ results }: StageRecord): LabelCost | null {
  const { cost, usage } = (results ?? {}) as {
    readonly cost?: Pick<LabelCost, 'labelsByPeople' | 'hours' | 'peopleUsd'>;
    readonly usage?: Pick<Usage, 'inputTokens' | 'outputTokens' | 'costUsd'>;
  };
  if (!cost && !usage) return null;
  const { labelsByPeople, hours, peopleUsd } = cost ?? noLabels;
  return {
    ...{ labelsByPeople, hours, peopleUsd },
    aiTokens: usage ? usage.inputTokens + usage.outputTokens : 0,
    aiUsd: usage ? (usage.costUsd ?? null) : 0,
  };
}

function sumOf(a: LabelCost, b: LabelCost): LabelCost {
  return {
    labelsByPeople: a.labelsByPeople + b.labelsByPeople,
    hours: a.hours + b.hours,
    peopleUsd: a.peopleUsd + b.peopleUsd,
    aiTokens: a.aiTokens + b.aiTokens,
    aiUsd: a.aiUsd === null || b.aiUsd === null ? null : a.aiUsd + b.aiUsd,
  };
}
