/** The OpenAPI document, from the schemas that requests are checked with. */
import { z } from 'zod';
import type { Route } from './route.ts';

const errorSchema = z.object({
  error: z.object({ code: z.string(), message: z.string() }).catchall(z.unknown()),
});

/** @see https://spec.openapis.org/oas/v3.1.0 */
export function openApiDocument(
  routes: readonly Route[],
  { version, url }: { readonly version: string; readonly url: string },
): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) (paths[route.path] ??= {})[route.method] = operationOf(route);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tenet',
      version,
      description:
        'People in the loop and runs. Programs send a token of the account page as "Authorization: Bearer tenet_…"; ' +
        'browsers a cookie.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url }],
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer' },
        session: { type: 'apiKey', in: 'cookie', name: '__Host-tenet' },
      },
      schemas: { Error: schemaOf(errorSchema, 'output') },
    },
  };
}

function operationOf(route: Route): object {
  const { method, path, summary, tag, access, answer, produces = 'application/json' } = route;
  return {
    operationId: `${method}${path.replace(/^\/api/, '').replace(/[^A-Za-z0-9]+(\w?)/g, (_, next: string) => next.toUpperCase())}`,
    summary,
    tags: [tag],
    'x-permission': access,
    security: access === 'anyone' ? [] : [{ token: [] }, { session: [] }],
    parameters: [...parametersOf(route, 'path'), ...parametersOf(route, 'query')],
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: schemaOf(route.body, 'input') } },
          },
        }),
    responses: {
      200: {
        description: 'Done.',
        content: { [produces]: { schema: answer === undefined ? {} : schemaOf(answer, 'output') } },
      },
      default: {
        description: 'What was wrong.',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
      },
    },
  };
}

function parametersOf(route: Route, place: 'path' | 'query'): object[] {
  const fields = place === 'path' ? route.params : route.query;
  if (fields === undefined) return [];
  const schema = schemaOf(fields, 'input') as {
    properties?: Record<string, { description?: string }>;
    required?: readonly string[];
  };
  return Object.entries(schema.properties ?? {}).map(([name, { description, ...property }]) => ({
    name,
    in: place,
    required: place === 'path' || (schema.required ?? []).includes(name),
    ...(description === undefined ? {} : { description }),
    schema: property,
  }));
}

/** OpenAPI 3.1 takes JSON Schema 2020-12 as it is. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return json;
}
