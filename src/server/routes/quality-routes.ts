/** For those who lead a label project: how it stands, and decisions where labels disagree. */
import { z } from 'zod';
import { byCard, LabelQueue, labelProjects, viewOf } from '../../feedback/index.ts';
import type { LedgerEvent, Store } from '../../store/index.ts';
import type { Accounts } from '../accounts/accounts.ts';
import { HttpError } from '../http/http-error.ts';
import { type Route, route } from '../http/route.ts';
import { LabelQuality } from '../label-quality.ts';
import { labelSchema, project, stored, type taskViewSchema } from '../schemas/label-schemas.ts';
import { adjudicationSchema, qualitySchema } from '../schemas/quality-schemas.ts';
import { annotatorOf, submissionOf } from './label-routes.ts';

export function qualityRoutes(store: Store, accounts: Accounts): Route[] {
  const quality = new LabelQuality(store);
  const queueOf = (name: string): LabelQueue => new LabelQueue(store, name);
  return [
    route({
      method: 'get',
      path: '/api/quality/projects',
      summary: 'Projects with label tasks',
      tag: 'Quality',
      access: 'quality:read',
      answer: z.object({ projects: z.array(z.string()) }),
      handle: async () => ({ projects: await labelProjects(store.database) }),
    }),
    route({
      method: 'get',
      path: '/api/quality/projects/{project}',
      summary: 'Progress, agreement, annotators, and where people disagree most',
      tag: 'Quality',
      access: 'quality:read',
      params: project,
      answer: qualitySchema,
      handle: async ({ params }) => {
        const [{ annotators, ...rest }, people] = await Promise.all([
          quality.of(params.project),
          accounts.people(),
        ]);
        const names = new Map(people.map(({ id, name, group }) => [id, { name, group }]));
        return {
          ...rest,
          annotators: annotators.map((one) => ({
            ...one,
            ...(names.get(one.id) ?? { name: null, group: null }),
          })),
        };
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
        const labels = await quality.labelsOf(params.project, body.taskId);
        if (labels.length < 2)
          throw new HttpError('conflict', 'There are no two labels of this task to decide between.');
        await queueOf(params.project).escalate(
          body.taskId,
          labels.map(({ eventId }) => eventId),
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
            const labels = (await Promise.all(basedOn.map((id) => store.ledger.get(id)))).filter(
              (event) => event !== null,
            );
            return {
              task: viewOf(assignment) as z.infer<typeof taskViewSchema>,
              labels: labels.map((event, i) => opinionOf(event, shownOrder, `Annotator ${i + 1}`)),
              judges: await judgesOf(store, labels[0], shownOrder),
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
  ];
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
