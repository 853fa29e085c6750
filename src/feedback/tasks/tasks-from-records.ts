/** Label tasks from data files: rankings, preferences, and the fields of a task that a row may have besides. */
import { z } from 'zod';
import { type Json, TenetError } from '../../base/index.ts';
import { type Content, examplesOf, type RankingExample, type Row, textOf } from '../../data/index.ts';
import type { Item, Prompt } from '../../store/index.ts';
import { uncertaintyOf } from '../priority/uncertainty.ts';
import { type NewLabelTask, taskFields } from './label-task.ts';

export interface TaskOptions
  extends Pick<
    NewLabelTask,
    'guidelineVersion' | 'constitution' | 'audiences' | 'overlap' | 'priority' | 'contentWarning'
  > {
  /**
   * What becomes of the ranks that rows have: nothing (they are labelled anew), a suggestion by an AI judge, or the right
   * answer of a task that measures annotators. Default `ignore`.
   */
  readonly ranks?: 'ignore' | 'suggestion' | 'gold';
  /** With suggestions: share of annotators that see them. Default 0. */
  readonly shownTo?: number;
  /** True: soft labels in the rows decide the order, the least certain first. Default false. */
  readonly uncertainFirst?: boolean;
}

/** What rows came to. */
export interface TaskRows {
  rows: number;
  /** Rows whose responses are all alike: there is nothing to rank. */
  alike: number;
}

const rowFields = z.object({
  ...taskFields,
  models: z.array(z.string()).optional(),
  // A common name of a column: where it is something else than a name, it is none of ours.
  category: z.string().optional().catch(undefined),
});

/**
 * One task for each row with responses.
 * @param counts told what was read
 * @throws TenetError('data') naming file and line of a row without responses, or with fields that are none of a task
 */
export async function* tasksFromRecords(
  rows: AsyncIterable<Row>,
  options: TaskOptions = {},
  counts: TaskRows = { rows: 0, alike: 0 },
): AsyncGenerator<NewLabelTask, void, undefined> {
  for await (const row of rows) {
    const { record, format, file, line } = row;
    counts.rows++;
    const where = placeOf(row);
    const { models, category, ...fields } = fieldsOf(row, rowFields);
    const extra = { file, line, ...(category !== undefined && { category }) } satisfies Json;
    for (const example of examplesOf(record, format)) {
      if (example.kind !== 'ranking') {
        throw new TenetError(
          'data',
          `${where} has no responses to rank; give rankings {prompt, responses[]} or preferences {prompt, chosen, rejected}, ` +
            'or have a model answer the prompts first: --model.',
        );
      }
      const item = itemOf(example, models);
      if (new Set(item.responses.map(({ text }) => text)).size < 2) {
        counts.alike++;
        continue;
      }
      yield { ...fromOptions(example, options), ...fields, item, extra };
    }
  }
}

/** Where a row stands, as messages say it. */
export function placeOf({ file, line, unit }: Row): string {
  return `${file}:${line}${unit === 'item' ? ' (item)' : ''}`;
}

/** The fields that a row has besides its prompt and responses. @throws TenetError('data') for one that is not as it should be */
export function fieldsOf<Fields>(row: Row, schema: z.ZodType<Fields>): Fields {
  const parsed = schema.safeParse(row.record);
  if (parsed.success) return parsed.data;
  const [{ path, message }] = parsed.error.issues;
  throw new TenetError('data', `${placeOf(row)}: ${path.join('.')}: ${message}`);
}

/** Prompt and responses as tasks have them. @param models who wrote the responses */
export function itemOf(
  { prompt, responses }: Pick<RankingExample, 'prompt' | 'responses'>,
  models: readonly string[] | undefined,
): Item {
  return {
    prompt: promptOf(prompt),
    responses: responses.map((response, i) => ({
      text: contentText(response),
      ...(models?.[i] !== undefined && { model: models[i] }),
    })),
  };
}

function fromOptions(
  { ranks, preferences }: RankingExample,
  { ranks: use = 'ignore', shownTo, uncertainFirst = false, priority = 0, ...rest }: TaskOptions,
): Omit<NewLabelTask, 'item'> {
  const uncertainty = preferences ? uncertaintyOf(preferences) : null;
  return {
    ...rest,
    priority: uncertainFirst && uncertainty !== null ? priority + uncertainty : priority,
    ...(use === 'gold' && { gold: { ranks } }),
    ...(use === 'suggestion' && {
      suggestion: {
        ranks,
        ...(uncertainty !== null && { confidence: 1 - uncertainty / 2 }),
        ...(shownTo !== undefined && { shownTo }),
      },
    }),
  };
}

function promptOf(prompt: Content): Prompt {
  if (typeof prompt === 'string') return prompt;
  return prompt.map((message) => ({ role: message.role, content: textOf(message) }));
}

function contentText(content: Content): string {
  return typeof content === 'string' ? content.trim() : content.map(textOf).join('\n\n').trim();
}
