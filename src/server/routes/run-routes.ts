/** Runs: list, details, what happens in them, samples, report; starting and stopping. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { writeReport } from '../../run/index.ts';
import { eventStream } from '../http/event-stream.ts';
import { type Route, route } from '../http/route.ts';
import type { RunStarter } from '../run-folders/run-starter.ts';
import { RunStreams } from '../run-folders/run-stream.ts';
import type { RunsFolder } from '../run-folders/runs-folder.ts';
import { type SampleQuery, selectSamples } from '../run-folders/select-samples.ts';
import {
  done,
  eventSchema,
  run,
  runSummarySchema,
  sampleQuerySchema,
  samplesSchema,
} from '../schemas/run-schemas.ts';

export function runRoutes(runs: RunsFolder, starter: RunStarter): Route[] {
  const streams = new RunStreams(runs);
  return [
    route({
      method: 'get',
      path: '/api/runs',
      summary: 'Runs, newest first',
      tag: 'Runs',
      access: 'runs:read',
      answer: z.object({ folder: z.string(), runs: z.array(runSummarySchema) }),
      handle: async () => ({
        folder: runs.path,
        runs: await runs.list(),
      }),
    }),
    route({
      method: 'post',
      path: '/api/runs',
      summary: 'Start a recipe; what the command line would refuse is refused',
      tag: 'Runs',
      access: 'runs:write',
      body: z.strictObject({
        recipe: z.string().max(200).describe('its file name, as /api/recipes lists it'),
        name: z.string().min(1).max(200).describe('of the run, and of its folder'),
        set: z.array(z.string().max(2000)).max(100).optional().describe('overrides, such as ppo.klCoef=0.1'),
      }),
      answer: runSummarySchema,
      handle: async ({ body }) => {
        await starter.start(body);
        return runs.summary(body.name);
      },
    }),
    route({
      method: 'get',
      path: '/api/recipes',
      summary: 'Recipes that can be started',
      tag: 'Runs',
      access: 'runs:read',
      answer: z.object({
        recipes: z.array(z.object({ name: z.string(), path: z.string(), text: z.string() })),
      }),
      handle: async () => ({
        recipes: await Promise.all(
          (await starter.recipes()).map(async (file) => ({
            ...file,
            text: await readFile(file.path, 'utf8'),
          })),
        ),
      }),
    }),
    route({
      method: 'get',
      path: '/api/runs/{run}',
      summary: 'A run: manifest, warnings, evaluation',
      tag: 'Runs',
      access: 'runs:read',
      params: run,
      answer: runSummarySchema.extend({
        recipe: z.string(),
        options: z
          .array(z.object({ path: z.string(), value: z.string() }))
          .describe('of the recipe, such as ppo.klCoef'),
        manifest: z.any().describe('manifest.json'),
        warningRecords: z.array(z.object({ stage: z.string(), time: z.number(), message: z.string() })),
        evaluation: z.any().describe('evaluation.json'),
      }),
      handle: ({ params }) => runs.details(params.run),
    }),
    route({
      method: 'get',
      path: '/api/runs/{run}/events',
      summary: 'Metrics by stage and step',
      tag: 'Runs',
      access: 'runs:read',
      params: run,
      answer: z.object({ events: z.array(eventSchema) }),
      handle: async ({ params }) => ({ events: await runs.events(params.run) }),
    }),
    route({
      method: 'get',
      path: '/api/runs/{run}/stream',
      summary:
        'Metrics, warnings and state as they come: server-sent events reset, events, warnings, summary',
      tag: 'Runs',
      access: 'runs:read',
      params: run,
      produces: 'text/event-stream',
      handle: async ({ params, context }) => {
        await runs.folderOf(params.run); // told before the stream begins
        return eventStream(context, (send, signal) =>
          streams.follow(params.run, ({ kind, ...data }) => send(kind, data), signal),
        );
      },
    }),
    route({
      method: 'get',
      path: '/api/runs/{run}/samples',
      summary: 'Generated texts with their scores, filtered',
      tag: 'Runs',
      access: 'runs:read',
      params: run,
      query: sampleQuerySchema,
      answer: samplesSchema,
      handle: async ({ params, query }) =>
        selectSamples(await runs.samples(params.run), query as SampleQuery),
    }),
    route({
      method: 'get',
      path: '/api/runs/{run}/report',
      summary: 'The report, written anew',
      tag: 'Runs',
      access: 'runs:read',
      params: run,
      produces: 'text/html',
      handle: async ({ params, context }) => {
        const page = await readFile(await writeReport(await runs.folderOf(params.run)), 'utf8');
        // It carries a policy of its own, which names its one script; in a sandbox it is of no origin of ours.
        return context.html(page, 200, {
          'content-security-policy': "sandbox allow-scripts; frame-ancestors 'none'",
        });
      },
    }),
    route({
      method: 'post',
      path: '/api/runs/{run}/stop',
      summary: 'Ask a run to save and stop',
      tag: 'Runs',
      access: 'runs:write',
      params: run,
      answer: done,
      handle: async ({ params }) => {
        await starter.stop(params.run);
        return {};
      },
    }),
    route({
      method: 'post',
      path: '/api/runs/{run}/resume',
      summary: 'Go on with a run that was stopped',
      tag: 'Runs',
      access: 'runs:write',
      params: run,
      answer: runSummarySchema,
      handle: async ({ params }) => {
        await starter.resume(params.run);
        return runs.summary(params.run);
      },
    }),
  ];
}
