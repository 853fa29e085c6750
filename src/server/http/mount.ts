/** Puts routes on a Hono app, with the checks that all of them share. */
import type { Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { z } from 'zod';
import type { Accounts } from '../accounts/accounts.ts';
import type { Caller } from '../accounts/person.ts';
import { HttpError } from './http-error.ts';
import { personHeader } from './person-header.ts';
import type { Access, Route } from './route.ts';
import { checkOrigin } from './security.ts';

export interface MountOptions {
  readonly accounts: Accounts;
  /** Names and ports by which the server is known. */
  readonly hosts: readonly string[];
  /** Where a request comes from. */
  readonly addressOf: (context: Context) => string;
}

const defaultMostBytes = 2 ** 20;

export function mount(app: Hono, routes: readonly Route[], options: MountOptions): void {
  for (const route of routes) {
    const path = route.path.replace(/\{(\w+)\}/g, ':$1');
    const maxSize = route.mostBytes ?? defaultMostBytes;
    const limit = bodyLimit({
      maxSize,
      onError: () => {
        throw new HttpError('too-large', `The request is larger than ${maxSize} bytes.`);
      },
    });
    app.on(route.method.toUpperCase(), path, limit, async (context) => {
      const caller = await admit(context, route.access, route.method, options);
      const call = {
        params: check(route.params, context.req.param(), 'the address'),
        query: check(route.query, context.req.query(), 'the query'),
        body: route.body === undefined ? undefined : check(route.body, await jsonOf(context), 'the body'),
        caller: caller as Caller,
        context,
        address: options.addressOf(context),
      };
      const answer = await route.handle(call);
      return answer instanceof Response
        ? answer
        : context.json((answer === undefined ? {} : answer) as object);
    });
  }
}

/** Who asks, if they may. */
async function admit(
  context: Context,
  access: Access,
  method: Route['method'],
  { accounts, hosts }: MountOptions,
): Promise<Caller | null> {
  const { headers } = context.req.raw;
  // Also before there is a session: signing somebody in to another's account is an attack too.
  if (method !== 'get' && !headers.has('authorization')) checkOrigin(context, hosts);
  if (access === 'anyone') return null;
  const caller = await accounts.callerOf(headers);
  if (!caller) throw new HttpError('not-signed-in', 'Sign in, or send an API token that is valid.');
  // A page that was opened before somebody else signed in in the same browser.
  if ((headers.get(personHeader) ?? caller.id) !== caller.id) {
    throw new HttpError(
      'not-signed-in',
      'Somebody else has signed in in this browser since this page was opened; load it anew.',
    );
  }
  if (access !== 'account' && !caller.permissions.has(access)) {
    throw new HttpError('not-allowed', `This needs the permission "${access}", which you do not have.`);
  }
  return caller;
}

function check(schema: z.ZodType | undefined, value: unknown, what: string): unknown {
  if (schema === undefined) return {};
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new HttpError(
    'invalid',
    `Something in ${what} is not as it should be:\n${z.prettifyError(parsed.error)}`,
    {
      issues: parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message })),
    },
  );
}

async function jsonOf(context: Context): Promise<unknown> {
  // Forms of other sites may send other types without being asked; this one they may not.
  if (!/^application\/json\b/i.test(context.req.header('content-type') ?? '')) {
    throw new HttpError('invalid', 'Send JSON, with the header content-type: application/json.');
  }
  try {
    return await context.req.json();
  } catch (error) {
    if (error instanceof HttpError) throw error;
    throw new HttpError('invalid', 'The body of the request is not valid JSON.');
  }
}
