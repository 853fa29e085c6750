/** Constitutions: reading, checking as one types, saving, how their principles fared. */
import { z } from 'zod';
import { principleOf, principleStats } from '../../constitution/index.ts';
import type { Store } from '../../store/index.ts';
import { RateLimit } from '../accounts/rate-limit.ts';
import { type ConstitutionsFolder, checkText, diffTexts } from '../constitutions-folder.ts';
import { eventStream } from '../http/event-stream.ts';
import { asHttpError, HttpError } from '../http/http-error.ts';
import { type Route, route } from '../http/route.ts';
import type { ModelShelf } from '../playground/model-shelf.ts';
import { tryPrinciple } from '../playground/try-principle.ts';
import {
  checkBody,
  checkedSchema,
  constitutionName,
  fileSchema,
  saveBody,
  statsSchema,
} from '../schemas/constitution-schemas.ts';
import { trySchema } from '../schemas/playground-schemas.ts';

const triesPerWindow = 20;
const windowMs = 5 * 60_000;

export function constitutionRoutes(
  store: Store,
  folder: ConstitutionsFolder,
  shelf: ModelShelf,
  onFailure: (error: unknown) => void,
): Route[] {
  const triesLately = new RateLimit({ most: triesPerWindow, withinMs: windowMs });
  return [
    route({
      method: 'get',
      path: '/api/constitutions',
      summary: 'Constitutions that there are',
      tag: 'Constitution',
      access: 'constitution:read',
      answer: z.object({ folder: z.string(), files: z.array(fileSchema.omit({ text: true })) }),
      handle: async () => ({
        folder: folder.path,
        files: (await folder.list()).map(({ text: _, ...file }) => file),
      }),
    }),
    route({
      method: 'get',
      path: '/api/constitutions/{name}',
      summary: 'The text of a constitution',
      tag: 'Constitution',
      access: 'constitution:read',
      params: constitutionName,
      answer: fileSchema,
      handle: ({ params }) => folder.read(params.name),
    }),
    route({
      method: 'put',
      path: '/api/constitutions/{name}',
      summary: 'Save a constitution; refused when somebody else has changed it meanwhile',
      tag: 'Constitution',
      access: 'constitution:write',
      params: constitutionName,
      body: saveBody,
      answer: fileSchema,
      handle: ({ params, body }) => folder.write(params.name, body.text, body.before),
    }),
    route({
      method: 'post',
      path: '/api/constitutions/check',
      summary: 'What a text is as a constitution: problems, findings of the linter, what changed',
      tag: 'Constitution',
      access: 'constitution:read',
      body: checkBody,
      answer: checkedSchema,
      handle: async ({ body: { name, text, before } }) => ({
        ...checkText(name, text),
        diff: before === undefined ? null : diffTexts(name, before, text),
      }),
    }),
    route({
      method: 'get',
      path: '/api/constitutions/{name}/stats',
      summary: 'How each principle fared, from the ledger',
      tag: 'Constitution',
      access: 'quality:read',
      params: constitutionName,
      answer: statsSchema,
      handle: async ({ params }) => {
        const { text } = await folder.read(params.name);
        const { constitution } = checkText(params.name, text);
        if (!constitution) throw new HttpError('conflict', `${params.name} has problems; see its page.`);
        return { principles: await principleStats(store.ledger, constitution.hash) };
      },
    }),
    route({
      method: 'post',
      path: '/api/constitutions/{name}/try',
      summary:
        'Try a principle on an example: server-sent events begin, text, response, check, critique, revision, failed',
      tag: 'Constitution',
      access: 'playground',
      params: constitutionName,
      body: trySchema,
      produces: 'text/event-stream',
      handle: async ({ params, body, caller, context }) => {
        const { text, model, ...example } = body;
        const { constitution } = checkText(params.name, text ?? (await folder.read(params.name)).text);
        if (!constitution) throw new HttpError('conflict', `${params.name} has problems; mend them first.`);
        principleOf(constitution, example.principle);
        await shelf.expect([model]);
        const waitMs = triesLately.waitMs(caller.id);
        if (waitMs > 0) {
          const retryAfterSeconds = Math.ceil(waitMs / 1000);
          throw new HttpError(
            'too-many',
            `That were ${triesPerWindow} tries in five minutes; go on in ${retryAfterSeconds} s.`,
            { retryAfterSeconds },
          );
        }
        triesLately.count(caller.id);
        return eventStream(context, async (send, signal) => {
          try {
            await shelf.use(model, (open) => tryPrinciple(open, { constitution, ...example }, send, signal));
          } catch (error) {
            if (signal.aborted) return;
            const told = asHttpError(error);
            if (told.status === 500) onFailure(error);
            send('failed', { message: told.message });
          }
        });
      },
    }),
  ];
}
