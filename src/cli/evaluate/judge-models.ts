/** Win rates and ratings of several models, for the command line. */
import { z } from 'zod';
import { hashOf, TenetError } from '../../base/index.ts';
import type { Rating, WinRate } from '../../evaluate/index.ts';
import type { LanguageModel } from '../../llm/index.ts';
import type { Interval } from '../../objective/index.ts';
import type { ProgressDisplay } from '../../run/progress-display.ts';
import type { AskSession } from '../ask-flags.ts';
import { bold, dim, table } from '../constitution/text.ts';
import type { EvaluateSettings } from './run-suites.ts';
import { number } from './show-results.ts';

export interface JudgedModels {
  readonly judge: string;
  readonly prompts: number;
  readonly ratings: readonly Rating[];
  readonly winRates: readonly (WinRate & {
    readonly models: readonly [string, string];
    readonly audited: {
      readonly audits: number;
      readonly winRate: Interval;
      readonly peopleAlone: Interval;
    } | null;
  })[];
  /** To be audited by people: the prompts with the answers of the first two models. */
  readonly answers: readonly {
    readonly id: string;
    readonly prompt: string;
    readonly responses: readonly string[];
  }[];
  readonly failed: { readonly count: number; readonly reason: string | null };
}

const auditSchema = z.object({
  id: z.string(),
  winner: z.union([z.literal(1), z.literal(2), z.literal('tie')]),
});

export async function judgeModels(
  specs: readonly string[],
  options: {
    readonly judge: string;
    readonly prompts: readonly string[];
    readonly constitution: string;
    readonly audits?: string;
  },
  settings: EvaluateSettings,
  { session, display }: { readonly session: AskSession; readonly display: ProgressDisplay },
): Promise<JudgedModels> {
  const [evaluation, { loadConstitution, comparisonInputsOf, toMessages }, { readExamples }] =
    await Promise.all([
      import('../../evaluate/index.ts'),
      import('../../constitution/index.ts'),
      import('../read-examples.ts'),
    ]);
  const [constitution, examples] = await Promise.all([
    loadConstitution(options.constitution),
    readExamples(options.prompts),
  ]);
  const prompts = comparisonInputsOf(examples).map(({ prompt }) => ({
    id: hashOf(JSON.stringify(prompt)).slice('sha256:'.length, 'sha256:'.length + 12),
    messages: toMessages(prompt),
  }));
  const distinct = [...new Map(prompts.map((prompt) => [prompt.id, prompt])).values()];
  const models: LanguageModel[] = [];
  for (const spec of specs) models.push(await session.open(spec));
  const judge = await session.open(options.judge);
  const stage = 'win rate';
  display.stage({ stage, index: 0, count: 1, status: 'running' });
  const judged = await evaluation.judgeAnswers(
    models,
    judge,
    evaluation.sampled(distinct, settings),
    constitution,
    {
      ...settings,
      onProgress: (done, total) => display.progress({ stage, done, total, metrics: {} }),
    },
  );
  display.stage({ stage, index: 0, count: 1, status: 'finished' });
  if (judged.answers.length < 2) {
    throw new TenetError(
      'provider',
      `A win rate needs two prompts, and ${judged.answers.length} of ${judged.answers.length + judged.failed.count} could be answered and judged${judged.failed.reason === null ? '.' : `; the first failure: ${judged.failed.reason}`}`,
    );
  }
  const audits =
    options.audits === undefined
      ? null
      : (await evaluation.readAll(options.audits, auditSchema)).map(({ id, winner }) => ({
          id,
          label: winner === 'tie' ? 0.5 : winner === 1 ? 1 : 0,
        }));
  const pairs = models.flatMap((_, i) => models.slice(i + 1).map((__, k) => [i, i + 1 + k] as const));
  const winRates = pairs.map(([i, j]) => {
    const own = judged.matches
      .filter((match) => match.models[0] === models[i].id && match.models[1] === models[j].id)
      .map(({ prompt, probability, lengths }) => ({ id: prompt, probability, lengths }));
    // People's labels are of the first two models' answers.
    const audited = audits && i === 0 && j === 1 ? evaluation.auditedWinRate(own, audits) : null;
    return { models: [specs[i], specs[j]] as const, ...evaluation.winRate(own, settings), audited };
  });
  const nameOf = new Map(models.map(({ id }, i) => [id, specs[i]]));
  return {
    judge: judge.id,
    prompts: judged.answers.length,
    ratings: evaluation
      .ratings(judged.matches, settings)
      .map((rating) => ({ ...rating, model: nameOf.get(rating.model) ?? rating.model })),
    winRates,
    answers: judged.answers.map(({ prompt, texts }) => ({
      id: prompt.id,
      prompt: prompt.messages.map(({ content }) => content).join('\n\n'),
      responses: texts,
    })),
    failed: judged.failed,
  };
}

export function showJudged({ judge, prompts, ratings, winRates, failed }: JudgedModels): string {
  const between = ({ estimate, low, high }: Interval): string =>
    `${number(estimate, '%')} [${number(low, '%')}, ${number(high, '%')}]`;
  const lines = [
    bold(`Answers to ${prompts} prompts, judged by ${judge}`),
    table(
      ['first against second', 'win rate %', 'length-controlled %', 'wins', 'ties', 'losses', 'longer wins'],
      winRates.map((one) => [
        one.models.join(' : '),
        between(one.winRate),
        one.lengthControlled ? between(one.lengthControlled) : '–',
        number(one.wins, '%'),
        number(one.ties, '%'),
        number(one.losses, '%'),
        number(one.longer, '%'),
      ]),
    ),
    ...winRates.flatMap(({ audited }) =>
      audited
        ? [
            `With ${audited.audits} audits by people: ${between(audited.winRate)} %; from people alone ${between(audited.peopleAlone)} %`,
          ]
        : [],
    ),
    dim(
      'Each pair in both orders under all principles; the same answer is a tie. "longer wins": what length alone would say.',
    ),
  ];
  if (ratings.length > 2) {
    lines.push(
      '',
      bold('Ratings'),
      table(
        ['model', 'rating', 'win rate %', 'matches'],
        ratings.map((one) => [one.model, between(one.rating), number(one.winRate, '%'), `${one.matches}`]),
      ),
      dim(
        'Bradley and Terry’s model on Elo’s scale, 1000 on average; 95 % intervals by bootstrap over prompts.',
      ),
    );
  }
  if (failed.count > 0) lines.push(`${failed.count} prompts failed, the first: ${failed.reason}`);
  return `${lines.join('\n')}\n`;
}
