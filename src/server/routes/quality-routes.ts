/** For those who lead a label project: how it stands, and decisions where labels disagree. */
import { z } from 'zod';
import {
  AGREEMENT_SLICES,
  byCard,
  LabelQueue,
  labelProjects,
  standingEvent,
  viewOf,
} from '../../feedback/index.ts';
import type { LedgerEvent, Store } from '../../store/index.ts';
import type { Accounts } from '../accounts/accounts.ts';
import { HttpError } from '../http/http-error.ts';
import { type Route, route } from '../http/route.ts';
import type { QualityReader } from '../quality/quality-reader.ts';
import { labelSchema, project, skipSchema, stored, type taskViewSchema } from '../schemas/label-schemas.ts';
import {
  adjudicationSchema,
  disagreementQuery,
  disagreementSchema,
  qualificationResultsSchema,
  qualitySchema,
  sliceName,
  slicesSchema,
  taskOpinionsSchema,
} from '../schemas/quality-schemas.ts';
import { annotatorOf, submissionOf } from './label-routes.ts';

export function qualityRoutes(store: Store, accounts: Accounts, quality: QualityReader): Route[] {
  const queueOf = (name: string): LabelQueue => new LabelQueue(store, name);
  const people = async (): Promise<(id: string) => Person> => {
    const known = new Map((await accounts.people()).map(({ id, name, group }) => [id, { id, name, group }]));
    return (id) => known.get(id) ?? { id, name: null, group: null };
  };
  return [
    route({
      method: 'get',
      path: '/api/quality/projects',
      summary: 'Projects with label tasks, and what agreement can be told apart by',
      tag: 'Quality',
      access: 'quality:read',
      answer: z.object({
        projects: z.array(z.string()),
        slices: z.array(z.object({ by: sliceName, title: z.string() })),
      }),
      handle: async () => ({
        projects: await labelProjects(store.database),
        slices: sliceName.options.map((by) => ({ by, title: AGREEMENT_SLICES[by].title })),
      }),
    }),
    route({
      method: 'get',
      path: '/api/quality/projects/{project}',
      summary: 'Progress, agreement, annotators, AI judges, audits, time',
      tag: 'Quality',
      access: 'quality:read',
      params: project,
      answer: qualitySchema,
      handle: async ({ params }) => {
        const [{ annotators, ...rest }, who] = await Promise.all([
          quality.overview(params.project),
          people(),
        ]);
        return { ...rest, annotators: annotators.map((one) => ({ ...one, ...who(one.id) })) };
      },
    }),
    route({
      method: 'get',
      path: '/api/quality/projects/{project}/agreement',
      summary: 'Agreement by slice: annotator, pair, week, length …',
      tag: 'Quality',
      access: 'quality:read',
      params: project,
      query: z.object({ by: sliceName }),
      answer: slicesSchema,
      handle: async ({ params, query: { by } }) => {
        const [slices, who] = await Promise.all([quality.slices(params.project, by), people()]);
        const nameOf = (id: string): string => who(id).name ?? id;
        const textOf = (slice: string): string => {
          if (by === 'annotator') return nameOf(slice);
          return by === 'pair' ? slice.split(' × ').map(nameOf).join(' × ') : slice;
        };
        return {
          title: AGREEMENT_SLICES[by].title,
          slices: slices.map(({ name, agreement }) => ({ name, text: textOf(name), agreement })),
        };
      },
    }),
    route({
      method: 'get',
      path: '/api/quality/projects/{project}/disagreements',
      summary: 'Tasks about which people agree least, of all or of a slice; without what is decided',
      tag: 'Quality',
      access: 'quality:read',
      params: project,
      query: disagreementQuery,
      answer: z.object({ tasks: z.array(disagreementSchema) }),
      handle: async ({ params, query: { by, slice } }) => {
        const choice = by !== undefined && slice !== undefined ? { by, slice } : undefined;
        return { tasks: await quality.disagreements(params.project, choice) };
      },
    }),
    route({
      method: 'get',
      path: '/api/quality/projects/{project}/tasks/{task}',
      summary: 'A task with all that people said of it',
      tag: 'Quality',
      access: 'quality:read',
      params: project.extend({ task: z.string().max(100) }),
      answer: taskOpinionsSchema,
      handle: async ({ params }) => {
        const [{ labels, decision, ...task }, who] = await Promise.all([
          quality.task(params.project, params.task),
          people(),
        ]);
        return {
          ...task,
          labels: labels.map((event) => givenBy(event, who)),
          decision: decision && givenBy(decision, who),
        };
      },
    }),
    route({
      method: 'get',
      path: '/api/quality/projects/{project}/qualification',
      summary: 'Where everybody stands in the qualification test; null where there is none',
      tag: 'Quality',
      access: 'quality:read',
      params: project,
      answer: qualificationResultsSchema,
      handle: async ({ params }) => {
        const [states, who] = await Promise.all([queueOf(params.project).qualification.states(), people()]);
        if (states === null) return { people: null };
        return { people: [...states].map(([id, state]) => ({ id, name: who(id).name, ...state })) };
      },
    }),
    route({
      method: 'post',
      path: '/api/quality/projects/{project}/escalations',
      summary: 'Put a task whose labels disagree before an adjudicator',
      tag: 'Quality',
      access: 'adjudicate',
      params: project,
      body: z.object({ taskId: z.string().max(100) }),
      answer: z.object({}),
      handle: async ({ params, body }) => {
        const { labels } = await quality.task(params.project, body.taskId);
        const ranked = labels.filter(({ ranks }) => ranks !== undefined);
        if (ranked.length < 2)
          throw new HttpError('conflict', 'There are no two labels of this task to decide between.');
        await queueOf(params.project).escalate(
          body.taskId,
          ranked.map(({ id }) => id),
        );
        return {};
      },
    }),
    route({
      method: 'post',
      path: '/api/adjudication/projects/{project}/claim',
      summary: 'The next task to decide, with the labels that disagree',
      tag: 'Adjudication',
      access: 'adjudicate',
      params: project,
      answer: z.object({ tasks: z.array(adjudicationSchema) }),
      handle: async ({ params, caller }) => {
        const queue = queueOf(params.project);
        const assignments = await queue.claim(annotatorOf(caller), { purpose: 'adjudication', limit: 1 });
        const tasks = await Promise.all(
          assignments.map(async (assignment) => {
            const { task, shownOrder, basedOn } = assignment;
            // As they stand by now. Judges are told apart from people, whoever put them before the adjudicator.
            const events = (await Promise.all(basedOn.map((id) => standingEvent(store.ledger, id)))).filter(
              (event) => event !== null,
            );
            const labels = events.filter(({ judge }) => judge.kind !== 'ai');
            return {
              task: viewOf(assignment) as z.infer<typeof taskViewSchema>,
              labels: labels.map((event, i) => opinionOf(event, shownOrder, `Annotator ${i + 1}`)),
              judges: await judgesOf(store, events[0], shownOrder),
              suggestion: task.suggestion
                ? {
                    ranks: byCard(task.suggestion.ranks, shownOrder),
                    rationale: task.suggestion.rationale ?? null,
                    confidence: task.suggestion.confidence ?? null,
                  }
                : null,
            };
          }),
        );
        return { tasks };
      },
    }),
    route({
      method: 'post',
      path: '/api/adjudication/projects/{project}/decisions',
      summary: 'Decide; when this answers, it is on disk',
      tag: 'Adjudication',
      access: 'adjudicate',
      params: project,
      body: labelSchema,
      answer: stored,
      handle: async ({ params, body, caller }) => {
        const queue = queueOf(params.project);
        const { id, seq } = await queue.adjudicate(await submissionOf(queue, body, caller));
        return { eventId: id, seq };
      },
    }),
    route({
      method: 'post',
      path: '/api/adjudication/projects/{project}/skips',
      summary: 'Leave a task undecided',
      tag: 'Adjudication',
      access: 'adjudicate',
      params: project,
      body: skipSchema,
      answer: stored,
      handle: async ({ params, body, caller }) => {
        const skip = { ...body, annotator: annotatorOf(caller) };
        const { id, seq } = await queueOf(params.project).skip(skip, 'adjudication');
        return { eventId: id, seq };
      },
    }),
  ];
}

interface Person {
  readonly id: string;
  readonly name: string | null;
  readonly group: string | null;
}

function givenBy(event: LedgerEvent, who: (id: string) => Person) {
  const { judge, ranks, flags, rationale, shownOrder, activeMs, judgedAt, recordedAt } = event;
  return {
    ...{ who: who(judge.id), ranks: ranks ?? null, flags: flags ?? [], rationale: rationale ?? null },
    ...{ shownOrder: shownOrder ?? null, activeMs: activeMs ?? null, at: judgedAt ?? recordedAt },
  };
}

/** What AI judges made of the same responses. */
async function judgesOf(store: Store, label: LedgerEvent | undefined, shownOrder: readonly number[]) {
  const opinions = [];
  if (!label?.itemHash) return [];
  const filter = { itemHash: label.itemHash, judgeKind: 'ai', kinds: ['label'], current: true } as const;
  for await (const event of store.ledger.read({ ...filter, limit: 20 })) {
    opinions.push(opinionOf(event, shownOrder, event.judge.id));
  }
  return opinions;
}

function opinionOf(event: LedgerEvent, shownOrder: readonly number[], who: string) {
  return {
    who,
    group: event.judge.group ?? null,
    ranks: event.ranks ? byCard(event.ranks, shownOrder) : null,
    flags: event.flags ?? [],
    rationale: event.rationale ?? null,
    activeMs: event.activeMs ?? null,
    principles: event.principles ?? [],
  };
}
