/**
 * Benchmarks of reward models: pairs, and the best of four.
 *
 * Version 1 counts how often the chosen response scores above the rejected one; version 2 how often the best of four has
 * the highest score, where a tie with the maximum counts 1/n. Sections are averaged alike.
 * @see Lambert et al. 2024, arXiv:2403.13787 (RewardBench); Malik et al. 2025, arXiv:2506.01937 (RewardBench 2)
 */
import { basename } from 'node:path';
import { z } from 'zod';
import { meanOf, TenetError } from '../../base/index.ts';
import { type Content, examplesOf, readRecords, textOf } from '../../data/index.ts';
import { studentInterval } from '../../objective/index.ts';
import { type DataFolder, readAll } from '../data-folder.ts';
import { type Figure, figureOf, groupBy, shareFigure } from '../figure.ts';
import { type RewardScorer, type SuiteContext, type SuiteResult, sampled } from '../suite.ts';

/** One prompt with its best response first. */
export interface BestOf {
  readonly id: string;
  readonly section: string;
  readonly prompt: Content;
  /** [K] the best one first; K = 2 in version 1, 4 in version 2. */
  readonly responses: readonly Content[];
}

const version1 = z.object({
  prompt: z.string(),
  chosen: z.string(),
  rejected: z.string(),
  subset: z.string().optional(),
  id: z.union([z.string(), z.number()]).optional(),
});
const version2 = z.object({
  prompt: z.string(),
  chosen: z.array(z.string()).min(1),
  rejected: z.array(z.string()).min(1),
  subset: z.string().optional(),
  id: z.union([z.string(), z.number()]).optional(),
});

/** Sections of version 1, by the beginning of a subset's name. */
const sections: readonly (readonly [RegExp, string])[] = [
  [/^(alpacaeval|mt-bench-(easy|med))/, 'chat'],
  [/^(mt-bench-hard|llmbar)/, 'chat hard'],
  [/^(refusals|xstest|donotanswer)/, 'safety'],
  [/^(math|hep|mmlu)/, 'reasoning'],
];

export const rewardBenchmarkFiles: readonly string[] = [
  'evaluation/reward-bench/',
  'evaluation/reward-bench-2/',
  'preferences/hh-harmless-base.dev.jsonl.gz',
  'preferences/hh-first-turn.dev.jsonl.gz',
];

/** Reads a file of either version; preferences in any other format count as one section, named after the file. */
export async function readBestOf(path: string): Promise<BestOf[]> {
  const name = basename(path).replace(/\.(jsonl|json|csv|parquet)(\.gz)?$/, '');
  const rows = await readAll(path, z.union([version2, version1])).catch(() => null);
  if (rows === null || rows.every(({ chosen }) => typeof chosen === 'string' && /^\s*Human:/.test(chosen))) {
    return readPreferences(path, name);
  }
  return rows.flatMap((row, i): BestOf[] => {
    // Ties of version 2 have several best responses and a score of their own.
    if (Array.isArray(row.chosen) && row.chosen.length > 1) return [];
    const [chosen] = typeof row.chosen === 'string' ? [row.chosen] : row.chosen;
    const rejected = typeof row.rejected === 'string' ? [row.rejected] : row.rejected;
    const subset = row.subset ?? name;
    const section = sections.find(([pattern]) => pattern.test(subset))?.[1] ?? subset.toLowerCase();
    return [
      { id: `${name}/${row.id ?? ''}#${i}`, section, prompt: row.prompt, responses: [chosen, ...rejected] },
    ];
  });
}

async function readPreferences(path: string, name: string): Promise<BestOf[]> {
  const found: BestOf[] = [];
  for await (const { record, format } of readRecords(path)) {
    for (const example of examplesOf(record, format)) {
      if (example.kind !== 'ranking') continue;
      const order = example.ranks.flatMap((rank, i) => (rank === null ? [] : [[rank, i] as const]));
      order.sort(([a], [b]) => a - b);
      if (order.length < 2 || order[0][0] === order[1][0]) continue;
      found.push({
        id: `${name}/${found.length}`,
        section: name,
        prompt: example.prompt,
        responses: order.map(([, i]) => example.responses[i]),
      });
    }
  }
  return found;
}

/** Credit for a prompt: 1 where the best response alone has the highest score, 1/n where it shares it with others. */
export function bestOfCredit(scores: ArrayLike<number>): number {
  const values = Array.from(scores);
  const most = Math.max(...values);
  return values[0] === most ? 1 / values.filter((value) => value === most).length : 0;
}

/** Runs the benchmark files of a data folder with a scorer. */
export async function runRewardBenchmark(
  scorer: RewardScorer,
  context: Pick<SuiteContext, 'limit' | 'seed' | 'onProgress'> & { readonly data: DataFolder },
): Promise<SuiteResult> {
  const paths = await context.data.findSome(rewardBenchmarkFiles, 'reward-bench');
  const groups = await Promise.all(paths.map(readBestOf));
  const items = groups.flatMap((group) => sampled(group, context));
  if (items.length === 0) throw new TenetError('data', `${paths.join(', ')}: no decided comparisons.`);
  return scoreBestOf(items, scorer, context);
}

/** The same over given items. */
export async function scoreBestOf(
  items: readonly BestOf[],
  scorer: RewardScorer,
  { onProgress }: Pick<SuiteContext, 'onProgress'> = {},
): Promise<SuiteResult> {
  const chunk = 64;
  const credits: (readonly [string, number])[] = [];
  const answers = [];
  for (let start = 0; start < items.length; start += chunk) {
    const part = items.slice(start, start + chunk);
    const scores = await scorer(part);
    for (const [i, item] of part.entries()) {
      const own = Array.from(scores[i]);
      const credit = bestOfCredit(own);
      credits.push([item.id, credit]);
      answers.push({
        id: item.id,
        prompt: plain(item.prompt),
        response: plain(item.responses[0]),
        verdict: `${credit === 1 ? 'right' : credit > 0 ? 'tie' : 'wrong'}: ${own.map((score) => score.toFixed(2)).join(', ')}`,
      });
    }
    onProgress?.(Math.min(start + chunk, items.length), items.length);
  }
  const creditOf = new Map(credits);
  const bySection = [...groupBy(items, ({ section }) => section)];
  const figures = bySection.map(([section, group]) =>
    shareFigure(
      section,
      group.map(({ id }) => [id, creditOf.get(id) as number]),
      { better: 'higher', landmarks: trivial(group) },
    ),
  );
  return {
    suite: 'reward-bench',
    title: 'Reward model: the best response scores highest',
    figures: [...(figures.length > 1 ? [averageOf(figures)] : []), ...figures],
    answers,
    failed: { count: 0, reason: null },
    note: 'A tie with the highest score counts 1/n. Intervals by Wilson; of the mean over sections from their own.',
  };
}

function trivial(items: readonly BestOf[]): Figure['landmarks'] {
  const mean = (of: (item: BestOf) => number): number =>
    (100 * items.reduce((sum, item) => sum + of(item), 0)) / items.length;
  return [
    { name: 'chance', value: mean(({ responses }) => 1 / responses.length) },
    {
      name: 'longest wins',
      value: mean(({ responses }) => bestOfCredit(responses.map((response) => plain(response).length))),
    },
    {
      name: 'shortest wins',
      value: mean(({ responses }) => bestOfCredit(responses.map((response) => -plain(response).length))),
    },
  ];
}

/**
 * The mean over sections, each counting alike: its variance is the mean of theirs over their number. A section of one item
 * says nothing of its own.
 */
function averageOf(figures: readonly Figure[]): Figure {
  const sections = figures.map(({ items }) => Object.values(items));
  const estimate = meanOf(sections.map(meanOf));
  const half =
    Math.hypot(
      ...sections.map((values) => {
        if (values.length === 1) return Number.POSITIVE_INFINITY;
        const { low, high } = studentInterval(values);
        return (high - low) / 2;
      }),
    ) / sections.length;
  return figureOf(
    'mean of the sections',
    '%',
    { estimate, low: Math.max(0, estimate - half), high: Math.min(100, estimate + half) },
    figures.flatMap(({ items }) => Object.entries(items)),
    { better: 'higher' },
  );
}

function plain(content: Content): string {
  return typeof content === 'string' ? content : content.map(textOf).join('\n\n');
}
