/** Labelling: tasks are given out, answers come back, once. */
import { z } from 'zod';
import {
  type Annotator,
  byResponse,
  LabelQueue,
  labelProjects,
  type NewLabelTask,
  readGuideline,
  readRules,
  SKIP_REASONS,
  shownOrderOf,
  viewOf,
  writeGuideline,
  writeRules,
} from '../../feedback/index.ts';
import type { LedgerEvent, Store } from '../../store/index.ts';
import type { Caller } from '../accounts/person.ts';
import { HttpError } from '../http/http-error.ts';
import { type Route, route } from '../http/route.ts';
import {
  draftSchema,
  labelSchema,
  project,
  qualificationSchema,
  rulesSchema,
  skipReasons,
  skipSchema,
  stored,
  taskViewSchema,
} from '../schemas/label-schemas.ts';

const newTasks = z
  .array(z.record(z.string(), z.unknown()))
  .min(1)
  .max(5000)
  .describe(
    'each { item: { prompt, responses: [{ text, model? }] }, overlap?, audiences?, priority?, gold?, … }',
  );

export function labelRoutes(store: Store): Route[] {
  const queueOf = (name: string): LabelQueue => new LabelQueue(store, name);
  return [
    route({
      method: 'get',
      path: '/api/label/projects',
      summary: 'Projects with label tasks',
      tag: 'Labelling',
      access: 'annotate',
      answer: z.object({
        projects: z.array(z.string()),
        skipReasons: z.array(z.object({ reason: z.enum(skipReasons), text: z.string() })),
      }),
      handle: async () => ({
        projects: await labelProjects(store.database),
        skipReasons: skipReasons.map((reason) => ({ reason, text: SKIP_REASONS[reason] })),
      }),
    }),
    route({
      method: 'post',
      path: '/api/label/projects/{project}/claim',
      summary: 'The next tasks for me, those that I hold first',
      tag: 'Labelling',
      access: 'annotate',
      params: project,
      body: z.object({ limit: z.number().int().min(1).max(20).default(1) }),
      answer: z.object({ tasks: z.array(taskViewSchema) }),
      handle: async ({ params, body, caller }) => {
        const assignments = await queueOf(params.project).claim(annotatorOf(caller), { limit: body.limit });
        return { tasks: assignments.map(viewOf) as z.infer<typeof taskViewSchema>[] };
      },
    }),
    route({
      method: 'get',
      path: '/api/label/projects/{project}/qualification',
      summary: 'Where I stand in the qualification test; null where I need none',
      tag: 'Labelling',
      access: 'annotate',
      params: project,
      answer: qualificationSchema.nullable(),
      handle: ({ params, caller }) => queueOf(params.project).qualification.state(annotatorOf(caller)),
    }),
    route({
      method: 'post',
      path: '/api/label/projects/{project}/extend',
      summary: 'Say that I am still at work, so that my tasks are not given to others',
      tag: 'Labelling',
      access: 'annotate',
      params: project,
      answer: z.object({ extended: z.number() }),
      handle: async ({ params, caller }) => ({ extended: await queueOf(params.project).extend(caller.id) }),
    }),
    route({
      method: 'post',
      path: '/api/label/projects/{project}/release',
      summary: 'Give back tasks that I hold, for others; drafts are kept',
      tag: 'Labelling',
      access: 'annotate',
      params: project,
      body: z.object({
        taskIds: z.array(z.string().max(100)).max(50).optional().describe('default: all of them'),
      }),
      answer: z.object({ released: z.number() }),
      handle: async ({ params, body, caller }) => {
        const queue = queueOf(params.project);
        if (body.taskIds === undefined) return { released: await queue.release(caller.id) };
        let released = 0;
        for (const id of body.taskIds) released += await queue.release(caller.id, id);
        return { released };
      },
    }),
    route({
      method: 'post',
      path: '/api/label/projects/{project}/labels',
      summary: 'Send in a label; when this answers, it is on disk',
      tag: 'Labelling',
      access: 'annotate',
      params: project,
      body: labelSchema,
      answer: stored,
      handle: async ({ params, body, caller }) => {
        const queue = queueOf(params.project);
        return storedAs(await queue.submit(await submissionOf(queue, body, caller)));
      },
    }),
    route({
      method: 'post',
      path: '/api/label/projects/{project}/corrections',
      summary:
        'Replace a label or a skip of mine by a new label; the old one stays in the ledger as superseded',
      tag: 'Labelling',
      access: 'annotate',
      params: project,
      body: labelSchema.extend({ supersedes: z.string().max(100).describe('the event that it replaces') }),
      answer: stored,
      handle: async ({ params, body, caller }) => {
        const queue = queueOf(params.project);
        return storedAs(await queue.correct(body.supersedes, await submissionOf(queue, body, caller)));
      },
    }),
    route({
      method: 'post',
      path: '/api/label/projects/{project}/skips',
      summary: 'Pass a task on to somebody else',
      tag: 'Labelling',
      access: 'annotate',
      params: project,
      body: skipSchema,
      answer: stored,
      handle: async ({ params, body, caller }) =>
        storedAs(await queueOf(params.project).skip({ ...body, annotator: annotatorOf(caller) })),
    }),
    route({
      method: 'put',
      path: '/api/label/projects/{project}/drafts/{task}',
      summary: 'Keep what I have done of a task so far',
      tag: 'Labelling',
      access: 'annotate',
      params: project.extend({ task: z.string().max(100) }),
      body: draftSchema,
      answer: z.object({}),
      handle: async ({ params, body, caller }) => {
        const queue = queueOf(params.project);
        const task = await queue.get(params.task);
        const given = body.ranks && rightNumber(body.ranks, task.item.responses.length);
        const inOrder = given && { ranks: byResponse(given, shownOrderOf(task, caller.id)) };
        await queue.saveDraft(task.id, caller.id, { ...body, ...inOrder });
        return {};
      },
    }),
    route({
      method: 'get',
      path: '/api/label/projects/{project}/mine',
      summary: 'What I have sent in and still stands, newest first, with its tasks',
      tag: 'Labelling',
      access: 'annotate',
      params: project,
      query: z.object({ limit: z.coerce.number().int().min(1).max(100).default(20) }),
      answer: z.object({
        answers: z.array(
          z.object({
            eventId: z.string(),
            kind: z.enum(['label', 'skip']),
            at: z.number(),
            task: taskViewSchema,
          }),
        ),
      }),
      handle: async ({ params, query, caller }) => {
        const queue = queueOf(params.project);
        const events = await queue.recent(caller.id, query.limit, 'label');
        const answers = await Promise.all(events.map((event) => answerOf(queue, event, caller)));
        return { answers };
      },
    }),
    route({
      method: 'get',
      path: '/api/label/projects/{project}/guideline',
      summary: 'The guideline that annotators judge by',
      tag: 'Labelling',
      access: 'annotate',
      params: project,
      query: z.object({ version: z.string().max(200).optional().describe('default: the newest') }),
      answer: z.object({ version: z.string(), text: z.string().describe('Markdown') }).nullable(),
      handle: ({ params, query }) => readGuideline(store.database, params.project, query.version),
    }),
    route({
      method: 'put',
      path: '/api/label/projects/{project}/guideline',
      summary: 'Write a version of the guideline; one that is there already is not changed',
      tag: 'Labelling',
      access: 'tasks:write',
      params: project,
      body: z.object({ version: z.string().min(1).max(200), text: z.string().min(1).max(200_000) }),
      answer: z.object({ version: z.string(), text: z.string() }),
      handle: async ({ params, body }) => {
        if (await writeGuideline(store.database, params.project, body)) return body;
        throw new HttpError(
          'conflict',
          `Version ${body.version} is there with another text, and labels may refer to it: give a new version.`,
        );
      },
    }),
    route({
      method: 'get',
      path: '/api/label/projects/{project}/rules',
      summary: 'Who may label, and when more labels are asked for',
      tag: 'Labelling',
      access: 'tasks:write',
      params: project,
      answer: z.object({ rules: rulesSchema, questions: z.number().describe('of the qualification test') }),
      handle: async ({ params }) => ({
        rules: await readRules(store.database, params.project),
        questions: await queueOf(params.project).qualification.size(),
      }),
    }),
    route({
      method: 'put',
      path: '/api/label/projects/{project}/rules',
      summary: 'Change who may label, and when more labels are asked for',
      tag: 'Labelling',
      access: 'tasks:write',
      params: project,
      body: rulesSchema,
      answer: rulesSchema,
      handle: async ({ params, body }) => {
        if (body.qualification !== null && (await queueOf(params.project).qualification.size()) === 0) {
          throw new HttpError('conflict', 'There are no questions to test annotators with: add some first.');
        }
        return writeRules(store.database, params.project, body);
      },
    }),
    route({
      method: 'post',
      path: '/api/label/projects/{project}/questions',
      summary: 'Add questions, tasks with right answers, to the qualification test',
      tag: 'Labelling',
      access: 'tasks:write',
      params: project,
      body: z.object({ tasks: newTasks }),
      answer: z.object({ added: z.number(), known: z.number().describe('there already') }),
      handle: async ({ params, body }) => {
        const { qualification } = queueOf(params.project);
        const { added, known } = await qualification.add(body.tasks as unknown as NewLabelTask[]);
        return { added, known };
      },
    }),
    route({
      method: 'post',
      path: '/api/label/projects/{project}/tasks',
      summary: 'Add tasks; those that are there already are not added again',
      tag: 'Labelling',
      access: 'tasks:write',
      params: project,
      body: z.object({ tasks: newTasks }),
      mostBytes: 64 * 2 ** 20,
      answer: z.object({
        added: z.number(),
        known: z.number().describe('there already'),
        places: z.number().describe('labels that are now wanted beyond those wanted before'),
      }),
      handle: ({ params, body }) => queueOf(params.project).add(body.tasks as unknown as NewLabelTask[]),
    }),
  ];
}

export function annotatorOf({ id, group, audiences }: Caller): Annotator {
  return { id, audiences, ...(group === null ? {} : { group }) };
}

/** A submission in the task's own order. Ranks come by card. */
export async function submissionOf(
  queue: LabelQueue,
  body: z.infer<typeof labelSchema>,
  caller: Caller,
): Promise<Parameters<LabelQueue['submit']>[0]> {
  const { ranks, ...rest } = body;
  const annotator = annotatorOf(caller);
  if (ranks === undefined) return { ...rest, annotator };
  const task = await queue.get(body.taskId);
  const given = rightNumber(ranks, task.item.responses.length);
  return { ...rest, annotator, ranks: byResponse(given, shownOrderOf(task, caller.id)) };
}

function rightNumber<T>(ranks: readonly T[], wanted: number): readonly T[] {
  if (ranks.length === wanted) return ranks;
  throw new HttpError(
    'invalid',
    `There are ${ranks.length} ranks for ${wanted} responses; give one each, null for what is not judged.`,
  );
}

function storedAs({ id, seq }: LedgerEvent): z.infer<typeof stored> {
  return { eventId: id, seq };
}

/** An own answer with its task, as the task was shown. */
async function answerOf(queue: LabelQueue, event: LedgerEvent, caller: Caller) {
  const task = await queue.get(event.taskId!);
  const { ranks, flags, rationale, kind } = event;
  const view = viewOf({
    task,
    purpose: 'label',
    shownOrder: event.shownOrder ?? shownOrderOf(task, caller.id),
    suggestionShown: event.suggestion?.shown ?? false,
    draft: kind === 'skip' ? null : { ranks, flags, rationale },
    basedOn: [],
    expiresAt: 0,
  });
  return {
    ...{ eventId: event.id, kind: kind as 'label' | 'skip', at: event.judgedAt ?? event.recordedAt },
    task: view as z.infer<typeof taskViewSchema>,
  };
}
