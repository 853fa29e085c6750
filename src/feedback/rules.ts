/** Rules of a label project: who may label in it, and when more labels are asked for than were wanted at first. */
import { z } from 'zod';
import { TenetError } from '../base/index.ts';
import type { Database } from '../store/index.ts';
import { readSetting, writeSetting } from './settings.ts';

const qualificationRule = z.strictObject({
  pass: z
    .number()
    .min(0)
    .max(1)
    .default(0.8)
    .describe('Mean share of pairs right on the questions from which on the test is passed.'),
  questions: z
    .int()
    .min(1)
    .optional()
    .describe('Questions of an attempt, drawn by chance for each annotator. Default: all.'),
  retakes: z.int().min(0).default(1).describe('Attempts after the first.'),
  retakeAfterMs: z
    .number()
    .min(0)
    .default(24 * 3600_000)
    .describe('Milliseconds from a failed attempt to the next.'),
  exempt: z
    .array(z.string().min(1))
    .default([])
    .describe('Ids of annotators who need no test, such as those who wrote the answers.'),
});

const furtherLabelsRule = z.strictObject({
  most: z.int().min(2).max(100).default(5).describe('Labels of a task at most.'),
  agreement: z
    .number()
    .min(0)
    .max(1)
    .default(0.75)
    .describe(
      'Share of pairs of responses that two labels say the same of, a tie against a decision counting ½, below which the ' +
        'labels of a task disagree.',
    ),
  adjudicate: z
    .boolean()
    .default(true)
    .describe('True: an adjudicator decides where the last label has not settled it.'),
});

const projectRules = z.strictObject({
  qualification: qualificationRule.nullable().default(null),
  furtherLabels: furtherLabelsRule.nullable().default(null),
});

/** When somebody has passed the test that comes before the tasks. */
export type QualificationRule = z.infer<typeof qualificationRule>;
/** How many labels a task gets whose labels disagree: one more at a time, until they agree or there are `most`. */
export type FurtherLabelsRule = z.infer<typeof furtherLabelsRule>;
export type ProjectRules = z.infer<typeof projectRules>;
/** Rules as they are given: what is left out is as by default. */
export type NewProjectRules = z.input<typeof projectRules>;

/** What a project has that nobody has given rules to: no test, and as many labels as tasks say. */
export async function readRules(database: Database, project: string): Promise<ProjectRules> {
  return projectRules.parse((await readSetting(database, settingName(project))) ?? {});
}

/**
 * Replaces the rules of a project; they hold from the next task that is given out or answered.
 * @returns the rules with their defaults
 * @throws TenetError('data') that names every problem
 */
export async function writeRules(
  database: Database,
  project: string,
  rules: NewProjectRules,
): Promise<ProjectRules> {
  const parsed = projectRules.safeParse(rules);
  if (!parsed.success) {
    throw new TenetError(
      'data',
      `The rules of project ${project} were not changed:\n${z.prettifyError(parsed.error)}`,
    );
  }
  await writeSetting(database, settingName(project), parsed.data);
  return parsed.data;
}

function settingName(project: string): string {
  return `rules of ${JSON.stringify(project)}`;
}
