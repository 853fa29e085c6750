/**
 * Calibration on questions with known answers: how often the model is right, whether its probabilities can be trusted,
 * and how often it is sure and wrong.
 * @see Guo et al. 2017, arXiv:1706.04599; Kadavath et al. 2022, arXiv:2207.05221 (choices read from probabilities)
 */
import { z } from 'zod';
import { Random } from '../../base/index.ts';
import { expectedCalibrationError, type Interval } from '../../objective/index.ts';
import { readAll } from '../data-folder.ts';
import { figureOf, meanFigure, scaled, shareFigure } from '../figure.ts';
import { askEach, type Suite, type SuiteContext, type SuiteResult, sampled } from '../suite.ts';

export interface KnownQuestion {
  readonly id: string;
  readonly question: string;
  /** At least two different answers, as the assistant would say them. */
  readonly options: readonly string[];
  /** Index of the right one. */
  readonly right: number;
}

/** Probability from which a model counts as sure. */
export const sureFrom = 0.8;

const rowSchema = z
  .object({
    question: z.string(),
    choices: z.array(z.string()).min(2),
    answer: z.number().int().min(0),
  })
  .refine(({ choices, answer }) => answer < choices.length, {
    path: ['answer'],
    error: 'must be the place of one of the choices, counted from 0',
  });

export const knownAnswersSuite: Suite = {
  name: 'known-answers',
  title: 'Questions with known answers: calibration',
  about: 'is right, and sure no more often than it is right',
  files: ['evaluation/known-answers.jsonl', 'evaluation/known-answers/'],
  async run(context) {
    const paths = await context.data.findSome(this.files, this.name);
    const rows = (await Promise.all(paths.map((path) => readAll(path, rowSchema)))).flat();
    const questions = rows.map(({ question, choices, answer }, i) => ({
      id: `known/${i}`,
      question,
      options: choices,
      right: answer,
    }));
    return runKnownAnswers(this, questions, context);
  },
};

/** Puts questions to the model; also of worlds whose answers are computed. */
export async function runKnownAnswers(
  suite: Pick<Suite, 'name' | 'title'>,
  questions: readonly KnownQuestion[],
  context: SuiteContext,
): Promise<SuiteResult> {
  const items = sampled(questions, context);
  const { done, failed } = await askEach(items, context, async ({ question, options }, signal) => {
    const { probabilities } = await context.model.choose(
      { messages: [{ role: 'user', content: question }], options: [...options], seed: context.seed },
      { signal },
    );
    return [...probabilities];
  });
  const answers = done.map(({ item, value }) => {
    const confidence = Math.max(...value);
    const chosen = value.indexOf(confidence);
    return { item, confidence, chosen, isRight: chosen === item.right };
  });
  const share = (of: (answer: (typeof answers)[number]) => boolean): (readonly [string, number])[] =>
    answers.map((answer) => [answer.item.id, of(answer) ? 1 : 0]);
  const chance = items.reduce((sum, { options }) => sum + 1 / options.length, 0) / Math.max(1, items.length);
  return {
    suite: suite.name,
    title: suite.title,
    figures: [
      shareFigure(
        'right',
        share(({ isRight }) => isRight),
        {
          better: 'higher',
          guards: true,
          landmarks: [{ name: 'chance', value: 100 * chance }],
        },
      ),
      shareFigure(
        'sure and wrong',
        share(({ isRight, confidence }) => !isRight && confidence >= sureFrom),
        {
          better: 'lower',
          guards: true,
          landmarks: [
            { name: 'always sure, by chance', value: 100 * (1 - chance) },
            { name: 'never sure', value: 0 },
          ],
        },
      ),
      figureOf('calibration error', '%', calibrationInterval(answers, context.seed), [], {
        better: 'lower',
        landmarks: [{ name: 'probabilities as often true as they say', value: 0 }],
      }),
      meanFigure(
        'confidence',
        '%',
        answers.map(({ item, confidence }) => [item.id, 100 * confidence]),
        { better: null },
      ),
    ],
    answers: answers.map(({ item, chosen, confidence, isRight }) => ({
      id: item.id,
      prompt: item.question,
      response: `${item.options[chosen]} (${(100 * confidence).toFixed(0)} %)`,
      verdict: isRight ? 'right' : confidence >= sureFrom ? 'sure and wrong' : 'wrong',
    })),
    failed,
    note: `The likeliest option counts as the answer, its probability as the confidence; sure from ${100 * sureFrom} %. Calibration error in ten bins, interval by bootstrap over questions (it is biased upward where questions are few).`,
  };
}

function calibrationInterval(
  answers: readonly { readonly confidence: number; readonly isRight: boolean }[],
  seed: number,
): Interval | null {
  if (answers.length === 0) return null;
  const errorOf = (group: typeof answers): number =>
    expectedCalibrationError(
      group.map(({ confidence }) => confidence),
      group.map(({ isRight }) => (isRight ? 1 : 0)),
    ).error;
  const random = new Random(seed).fork('calibration');
  const draws = Array.from({ length: 1000 }, () => errorOf(answers.map(() => random.choice(answers)))).sort(
    (a, b) => a - b,
  );
  return scaled({ estimate: errorOf(answers), low: draws[24], high: draws[975] }, 100);
}
