/** What the rows of a reward model's head are, and how `config.json` says so. */
import { z } from 'zod';

/** H rows of `score.weight` [H, D]. */
export interface RewardHeads {
  /** `single`: one score; `objectives`: a score for each of several; `ensemble`: several opinions of one. */
  readonly kind: 'single' | 'objectives' | 'ensemble';
  /** [H] an objective each; of an ensemble its members. Hugging Face calls them labels. */
  readonly names: readonly string[];
  /** [H] mean score of each over the responses it was measured on, which are the same for all; null = not known. */
  readonly means: readonly number[] | null;
}

const singleName = 'LABEL_0';
export const singleHead: RewardHeads = { kind: 'single', names: [singleName], means: null };

/** Tenet's own key in `config.json`; transformers keeps keys that it does not know. */
const key = 'reward_heads';
const keySchema = z.looseObject({
  kind: z.enum(['single', 'objectives', 'ensemble']),
  means: z.array(z.number()).nullable().catch(null),
});

/** As `config.json` says it: transformers' labels, and what it has no key for. */
export function rewardHeadsConfig({ kind, names, means }: RewardHeads): Record<string, unknown> {
  return {
    id2label: Object.fromEntries(names.map((name, i) => [i, name])),
    label2id: Object.fromEntries(names.map((name, i) => [name, i])),
    ...((kind !== 'single' || means) && { [key]: { kind, means } }),
  };
}

/** Every key that `rewardHeadsConfig` may write, and those that say the same in other words. */
export const rewardHeadsKeys = ['id2label', 'label2id', 'num_labels', 'problem_type', key] as const;

/** @param count rows of the head; a model made elsewhere may have several and say nothing but their labels */
export function readRewardHeads(source: Readonly<Record<string, unknown>>, count: number): RewardHeads {
  const labels = z.record(z.string(), z.string()).catch({}).parse(source.id2label);
  const names = Array.from({ length: count }, (_, i) => labels[i] ?? `LABEL_${i}`);
  const own = keySchema.safeParse(source[key]);
  const means = own.data?.means?.length === count ? own.data.means : null;
  if (count === 1) return { kind: 'single', names, means };
  return { kind: own.data?.kind === 'ensemble' ? 'ensemble' : 'objectives', names, means };
}
