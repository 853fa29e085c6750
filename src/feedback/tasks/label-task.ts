/**
 * A label task: one prompt and K responses that people are asked to rank.
 *
 * What a task is about never changes, because its labels refer to it: another guideline or another response makes
 * another task. Shapes: K = number of responses.
 */
import { z } from 'zod';
import { canonicalJson, hashOf, type Json, TenetError } from '../../base/index.ts';
import { type Item, ledgerFields } from '../../store/index.ts';

/** What an AI judge made of the responses, shown to some of the annotators before they judge, or to none. */
export interface Suggestion {
  /** [K] 1 = best, equal = tie, null = not judged. */
  readonly ranks: readonly (number | null)[];
  /** The judge's probability that this order is right. */
  readonly confidence?: number;
  /** Why, in the judge's words. */
  readonly rationale?: string;
  /** The event of the ledger that it stands in. */
  readonly eventId?: string;
  /**
   * Share of annotators in [0, 1] that see it, drawn by chance for each and recorded with the label, so that what seeing
   * it does can be measured. Default 0: nobody.
   */
  readonly shownTo?: number;
}

/** The right answer of a task that measures annotators; never shown before they have judged. */
export interface Gold {
  /** [K] as ranks of a label; null = any rank is right. */
  readonly ranks: readonly (number | null)[];
  readonly explanation?: string;
}

export interface NewLabelTask {
  /** What annotators do. */
  readonly kind?: 'rank';
  /** Prompt and responses; models that wrote them are recorded and never shown. */
  readonly item: Item;
  /** Tells tasks about the same responses apart, such as a repetition that shows whether people agree with themselves. */
  readonly key?: string;
  readonly guidelineVersion?: string;
  readonly constitution?: { readonly hash: string; readonly version?: string };
  /** Only annotators of all these groups and languages get it, e.g. `['de', 'experts']`; at most 3. Default: anyone. */
  readonly audiences?: readonly string[];
  /** Higher comes first. Default 0. */
  readonly priority?: number;
  /** Labels wanted, each by another annotator. Default 1. */
  readonly overlap?: number;
  readonly suggestion?: Suggestion;
  readonly gold?: Gold;
  /** What it may contain that not everyone wants to read; clients cover it until asked to show it. */
  readonly contentWarning?: string;
  /** Where it came from, and anything else worth keeping. */
  readonly extra?: { readonly [key: string]: Json };
}

/** A task as stored. */
export interface LabelTask extends NewLabelTask {
  /** `task-…`, a hash of what it is about. */
  readonly id: string;
  readonly project: string;
  readonly kind: 'rank';
  readonly priority: number;
  readonly overlap: number;
}

const word = z
  .string()
  .regex(/^[^\p{C}\p{Z}+]{1,100}$/u, 'must be 1 to 100 characters without spaces and "+"');
const { id: eventId, name: line, hash } = ledgerFields;
const rankList = z.array(z.int().min(1, 'ranks start at 1 = best').nullable());
const unit = z.number().min(0, 'must be in [0, 1]').max(1, 'must be in [0, 1]');
const message = z.strictObject({ role: z.string().min(1), content: z.string() });

/** What may be said about a task besides its prompt and responses, in files of tasks too. */
export const taskFields = {
  key: z.string().optional(),
  guidelineVersion: line.optional(),
  audiences: z.array(word).max(3, 'at most 3').optional(),
  priority: z.number().optional(),
  overlap: z.int().min(1, 'at least one label is wanted').max(100).optional(),
  suggestion: z
    .strictObject({
      ranks: rankList,
      confidence: unit.optional(),
      rationale: z.string().optional(),
      eventId: eventId.optional(),
      shownTo: unit.optional(),
    })
    .optional(),
  gold: z.strictObject({ ranks: rankList, explanation: z.string().optional() }).optional(),
  contentWarning: line.optional(),
} as const;

const schema: z.ZodType<NewLabelTask> = z
  .strictObject({
    ...taskFields,
    kind: z.literal('rank').optional(),
    item: z.strictObject({
      prompt: z.union([z.string().min(1, 'is empty'), z.array(message).min(1, 'has no messages')]),
      responses: z
        .array(z.strictObject({ text: z.string(), model: line.optional() }))
        .min(2, 'two responses are the least that can be ranked')
        .max(26, 'at most 26'),
    }),
    constitution: z.strictObject({ hash, version: line.optional() }).optional(),
    extra: z.record(z.string(), z.json()).optional(),
  })
  .superRefine(({ item, suggestion, gold }, context) => {
    const K = item.responses.length;
    for (const [name, value] of Object.entries({ suggestion, gold })) {
      if (value !== undefined && value.ranks.length !== K) {
        const text = `has ${value.ranks.length} entries for ${K} responses; give one each`;
        context.addIssue({ code: 'custom', path: [name, 'ranks'], message: text });
      }
    }
  });

/**
 * A task ready to store. The same prompt, responses, key, guideline and constitution in the same project are the same
 * task, however often they are added.
 * @param where for messages
 * @throws TenetError('data') that names every problem
 */
export function toTask(project: string, given: NewLabelTask, where = 'the task'): LabelTask {
  const parsed = schema.safeParse(given);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(
      ({ path, message: text }) => `  ${where}: ${path.join('.')}: ${text}`,
    );
    throw new TenetError('data', `No tasks were made, because\n${problems.join('\n')}`);
  }
  const { kind = 'rank', priority = 0, overlap = 1, ...rest } = parsed.data;
  const { item, key, guidelineVersion, constitution } = rest;
  const about = { project, kind, item, key, guidelineVersion, constitution };
  const id = `task-${hashOf(canonicalJson(about)).slice('sha256:'.length, 'sha256:'.length + 24)}`;
  return { ...rest, id, project, kind, priority, overlap };
}

/** Audiences as a queue knows them: one name for all that a task asks for; null for anyone. */
export function audienceName(audiences: readonly string[] | undefined): string | null {
  return audiences === undefined || audiences.length === 0 ? null : [...new Set(audiences)].sort().join('+');
}

/** The names of all tasks' audiences that somebody of these belongs to. */
export function audienceNames(audiences: readonly string[]): string[] {
  const words = [...new Set(audiences)].sort();
  const names = words.slice();
  for (let i = 0; i < words.length; i++) {
    for (let j = i + 1; j < words.length; j++) {
      names.push(`${words[i]}+${words[j]}`);
      for (let k = j + 1; k < words.length; k++) names.push(`${words[i]}+${words[j]}+${words[k]}`);
    }
  }
  return names;
}
