/** How a label project stands, as it goes over the wire. */
import { z } from 'zod';
import { AGREEMENT_SLICES, type SliceName } from '../../feedback/index.ts';
import { prompt, qualificationSchema, ranks, taskViewSchema } from './label-schemas.ts';

export const intervalSchema = z.object({ estimate: z.number(), low: z.number(), high: z.number() });
const interval = intervalSchema.nullable();

export const agreementSchema = z.object({
  tasks: z.number().describe('that two or more people have judged'),
  annotators: z.number(),
  pairs: z.number().describe('pairs of responses that two or more people have judged'),
  comparisons: z.number().describe('of two people on one pair'),
  agree: intervalSchema.describe('share that says the same, a tie against a decision counting ½; 95 %'),
  same: z.number().describe('share that says exactly the same'),
  alphaNominal: interval.describe('Krippendorff’s α'),
  alphaOrdinal: interval.describe('Krippendorff’s α, a tie standing between the two others'),
  fleissKappa: z.number().nullable(),
  cohenKappa: z.number().nullable().describe('mean over pairs of people'),
  tauB: z.number().nullable().describe('Kendall’s τ-b, mean over tasks'),
  concordance: z.number().nullable().describe('Kendall’s W, mean over tasks'),
});

export const disagreementSchema = z.object({
  taskId: z.string(),
  prompt,
  labels: z.number(),
  category: z.string().nullable(),
  agreement: z.number(),
});

export const qualitySchema = z.object({
  asOf: z.number().describe('counted at, in milliseconds since 1970'),
  progress: z.object({
    tasks: z.number(),
    complete: z.number().describe('tasks with all the labels wanted'),
    skipped: z.number().describe('tasks that too many have skipped'),
    wanted: z.number().describe('labels wanted, those there are included'),
    labels: z.number(),
    leased: z.number().describe('given out now'),
    skips: z.number(),
    adjudications: z.object({ waiting: z.number(), done: z.number() }),
  }),
  agreement: agreementSchema.nullable(),
  annotators: z.array(
    z.object({
      id: z.string(),
      name: z.string().nullable(),
      group: z.string().nullable(),
      labels: z.number(),
      skips: z.number(),
      medianMs: z.number().nullable().describe('of a label, at work'),
      agreement: agreementSchema.nullable().describe('with all others'),
      gold: z.object({ tasks: z.number(), accuracy: intervalSchema }).nullable(),
      reliability: z.object({ shared: z.number(), accuracy: z.number(), weight: z.number() }).nullable(),
      self: z.object({ items: z.number(), agree: z.number() }).nullable(),
      tooFast: z.number().nullable().describe('share of labels that took less time than reading does'),
      allTies: z.number().describe('share of labels that call all level'),
      earlierPreferred: interval.describe('how often the card shown earlier was preferred'),
      longerPreferred: interval.describe('how often the longer response was preferred'),
      usualOrder: z.object({ order: z.string(), labels: z.number(), of: z.number() }).nullable(),
      suspicions: z.array(z.enum(['too-fast', 'straight-lining', 'all-ties'])),
    }),
  ),
  judges: z
    .array(z.object({ judge: z.string(), labels: z.number(), agreement: agreementSchema.nullable() }))
    .describe('AI judges that have labelled the same responses, each beside people'),
  audits: z
    .object({ judged: z.number(), checked: z.number(), waiting: z.number() })
    .describe(
      'tasks that a judge has labelled, those that people have labelled too, those that wait for people',
    ),
  days: z.array(
    z.object({
      day: z.string(),
      labels: z.number(),
      decisions: z.number(),
      skips: z.number(),
      activeMs: z.number(),
      idleMs: z.number(),
      measured: z.number().describe('events whose time was measured'),
    }),
  ),
  judgesUsd: z.number().nullable().describe('US dollars for the AI labels; null where a price is not known'),
});

export const sliceName = z.enum(Object.keys(AGREEMENT_SLICES) as [SliceName, ...SliceName[]]);
export const slicesSchema = z.object({
  title: z.string(),
  slices: z.array(
    z.object({
      name: z.string().describe('as the query for disagreements takes it'),
      text: z.string().describe('for people, who are called by their names'),
      agreement: agreementSchema,
    }),
  ),
});
export const disagreementQuery = z.object({
  by: sliceName.optional(),
  slice: z.string().max(500).optional().describe('only comparisons of this slice'),
});

const person = z.object({ id: z.string(), name: z.string().nullable(), group: z.string().nullable() });
const given = z.object({
  ...{ who: person, ranks: ranks.nullable(), flags: z.array(z.string()), rationale: z.string().nullable() },
  shownOrder: z.array(z.number()).nullable(),
  activeMs: z.number().nullable(),
  at: z.number(),
});
export const taskOpinionsSchema = z.object({
  taskId: z.string(),
  prompt,
  responses: z.array(z.object({ text: z.string(), model: z.string().nullable() })),
  labels: z.array(given).describe('ranks by response'),
  decision: given.nullable(),
  gold: ranks.nullable(),
});

export const qualificationResultsSchema = z.object({
  people: z
    .array(qualificationSchema.extend({ id: z.string(), name: z.string().nullable() }))
    .nullable()
    .describe('who has answered something; null where the project has no test'),
});

const opinion = z.object({
  who: z.string(),
  group: z.string().nullable(),
  ranks: ranks.nullable(),
  flags: z.array(z.string()),
  rationale: z.string().nullable(),
  activeMs: z.number().nullable(),
  principles: z.array(z.string()),
});
export const adjudicationSchema = z.object({
  task: taskViewSchema,
  labels: z.array(opinion).describe('of people, without their names'),
  judges: z.array(opinion).describe('of AI judges about the same responses'),
  suggestion: z
    .object({ ranks, rationale: z.string().nullable(), confidence: z.number().nullable() })
    .nullable(),
});
