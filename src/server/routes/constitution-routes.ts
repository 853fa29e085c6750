/** Constitutions: reading, checking as one types, saving, how their principles fared. */
import { z } from 'zod';
import { principleStats } from '../../constitution/index.ts';
import type { Store } from '../../store/index.ts';
import { type ConstitutionsFolder, checkText, diffTexts } from '../constitutions-folder.ts';
import { HttpError } from '../http/http-error.ts';
import { type Route, route } from '../http/route.ts';
import {
  checkBody,
  checkedSchema,
  constitutionName,
  fileSchema,
  saveBody,
  statsSchema,
} from '../schemas/constitution-schemas.ts';

export function constitutionRoutes(store: Store, folder: ConstitutionsFolder): Route[] {
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
  ];
}
