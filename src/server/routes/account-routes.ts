/** Signing in, invitations, people, tokens. */
import { z } from 'zod';
import type { Accounts } from '../accounts/accounts.ts';
import { oidcCallbackPath } from '../accounts/oidc.ts';
import type { OidcSignIn } from '../accounts/oidc-sign-in.ts';
import { longestPassword } from '../accounts/password-rules.ts';
import { permissions, permissionTexts } from '../accounts/permissions.ts';
import type { Caller } from '../accounts/person.ts';
import { HttpError } from '../http/http-error.ts';
import { type Route, route } from '../http/route.ts';
import {
  audiences,
  done,
  email,
  group,
  id,
  invitationSchema,
  meSchema,
  password,
  permission,
  personSchema,
  role,
  tokenSchema,
} from '../schemas/account-schemas.ts';

export function accountRoutes(accounts: Accounts, { baseUrl }: { readonly baseUrl: string }): Route[] {
  const withCookies = (headers: Headers): Response => {
    headers.set('content-type', 'application/json');
    return new Response('{}', { headers });
  };
  return [
    route({
      method: 'post',
      path: '/api/session',
      summary: 'Sign in',
      tag: 'Account',
      access: 'anyone',
      body: z.object({ email: z.string().max(200), password: z.string().max(longestPassword) }),
      answer: done,
      handle: async ({ body, address }) =>
        withCookies(await accounts.signIn(body.email.trim(), body.password, address)),
    }),
    route({
      method: 'get',
      path: '/api/session',
      summary: 'Who is signed in; null for nobody',
      tag: 'Account',
      access: 'anyone',
      answer: z.object({
        me: meSchema.nullable(),
        oidc: z.string().nullable().describe('name of the provider that people may sign in with too'),
      }),
      handle: async ({ context }) => {
        const caller = await accounts.callerOf(context.req.raw.headers);
        return { me: caller && describe(caller), oidc: accounts.oidc?.options.name ?? null };
      },
    }),
    route({
      method: 'post',
      path: '/api/session/oidc',
      summary:
        'Begin signing in with the provider of OpenID Connect; the answer says where to send the browser',
      tag: 'Account',
      access: 'anyone',
      body: z.object({
        invitation: z.string().max(100).optional().describe('of somebody who has no account yet'),
      }),
      answer: z.object({ url: z.string() }),
      handle: async ({ body }) => {
        const { url, headers } = await oidcOf(accounts).start(body.invitation);
        headers.set('content-type', 'application/json');
        return new Response(JSON.stringify({ url }), { headers });
      },
    }),
    route({
      method: 'get',
      path: oidcCallbackPath,
      summary: 'Where the provider sends people back; leads to the app',
      tag: 'Account',
      access: 'anyone',
      query: z.object({
        ...{ code: z.string().max(4000).optional(), state: z.string().max(4000).optional() },
        ...{ error: z.string().max(200).optional(), iss: z.string().max(2000).optional() },
      }),
      produces: 'text/html',
      handle: async ({ query, context }) => {
        const { headers, problem } = await oidcOf(accounts).finish(query, context.req.raw.headers);
        headers.set('location', problem === null ? '/' : `/?sign-in=${problem}`);
        return new Response(null, { status: 302, headers });
      },
    }),
    route({
      method: 'delete',
      path: '/api/session',
      summary: 'Sign out',
      tag: 'Account',
      access: 'anyone',
      answer: done,
      handle: async ({ context }) => withCookies(await accounts.signOut(context.req.raw.headers)),
    }),
    route({
      method: 'get',
      path: '/api/me',
      summary: 'Who I am and what I may do',
      tag: 'Account',
      access: 'account',
      answer: meSchema,
      handle: async ({ caller }) => describe(caller),
    }),
    route({
      method: 'post',
      path: '/api/invitations/open',
      summary: 'What an invitation offers',
      tag: 'Account',
      access: 'anyone',
      body: z.object({ token: z.string().max(100) }),
      answer: z.object({ role, note: z.string().nullable() }),
      handle: async ({ body }) => {
        const { role, note } = await accounts.invitations.open(body.token);
        return { role, note };
      },
    }),
    route({
      method: 'post',
      path: '/api/invitations/accept',
      summary: 'Make the account that an invitation is for',
      tag: 'Account',
      access: 'anyone',
      body: z.object({
        token: z.string().max(100),
        name: z.string().trim().min(1, 'must not be empty').max(80),
        email,
        password,
      }),
      answer: done,
      handle: async ({ body: { token, ...person } }) => withCookies(await accounts.accept(token, person)),
    }),
    route({
      method: 'get',
      path: '/api/invitations',
      summary: 'Invitations, newest first',
      tag: 'People',
      access: 'accounts',
      answer: z.object({ invitations: z.array(invitationSchema) }),
      handle: async () => ({ invitations: await accounts.invitations.list() }),
    }),
    route({
      method: 'post',
      path: '/api/invitations',
      summary: 'Invite somebody; the link is told once',
      tag: 'People',
      access: 'accounts',
      body: z.object({
        role,
        group: group.optional(),
        audiences: audiences.optional(),
        note: z.string().trim().max(200).optional(),
      }),
      answer: z.object({ link: z.string(), invitation: invitationSchema }),
      handle: async ({ body, caller }) => {
        const { token, invitation } = await accounts.invite({ ...body, createdBy: caller.id });
        return { link: invitationLink(baseUrl, token), invitation };
      },
    }),
    route({
      method: 'delete',
      path: '/api/invitations/{id}',
      summary: 'Withdraw an invitation',
      tag: 'People',
      access: 'accounts',
      params: id,
      answer: done,
      handle: async ({ params }) => {
        await accounts.invitations.withdraw(params.id);
        return {};
      },
    }),
    route({
      method: 'get',
      path: '/api/people',
      summary: 'Everybody who has an account',
      tag: 'People',
      access: 'accounts',
      answer: z.object({ people: z.array(personSchema) }),
      handle: async () => ({ people: await accounts.people() }),
    }),
    route({
      method: 'patch',
      path: '/api/people/{id}',
      summary: 'Change somebody’s role, group or audiences, or lock them out',
      tag: 'People',
      access: 'accounts',
      params: id,
      body: z.strictObject({
        role: role.optional(),
        group: group.optional(),
        audiences: audiences.optional(),
        disabled: z.boolean().optional(),
      }),
      answer: personSchema,
      handle: ({ params, body }) => accounts.change(params.id, body),
    }),
    route({
      method: 'get',
      path: '/api/tokens',
      summary: 'My API tokens, and what a token of mine could do',
      tag: 'Account',
      access: 'account',
      answer: z.object({
        tokens: z.array(tokenSchema),
        permissions: z.array(z.object({ name: permission, text: z.string() })),
      }),
      handle: async ({ caller }) => ({
        tokens: await accounts.tokens.list(caller),
        permissions: [...caller.permissions].map((name) => ({ name, text: permissionTexts[name] })),
      }),
    }),
    route({
      method: 'post',
      path: '/api/tokens',
      summary: 'Make an API token; it is told once',
      tag: 'Account',
      access: 'account',
      body: z.object({
        name: z.string().trim().min(1, 'must not be empty').max(80),
        permissions: z.array(permission).min(1, 'must have at least one').max(permissions.length),
        expiresInDays: z.number().int().min(1).max(3650).nullable().optional(),
      }),
      answer: z.object({ token: z.string(), created: tokenSchema }),
      handle: async ({ caller, body }) => {
        // Else a token that leaked could make others that outlive it.
        if (caller.by === 'token')
          throw new HttpError('not-allowed', 'Tokens are made by people who are signed in.');
        return accounts.tokens.make(caller, {
          name: body.name,
          permissions: body.permissions,
          expiresAt: body.expiresInDays ? Date.now() + body.expiresInDays * 24 * 3600 * 1000 : null,
        });
      },
    }),
    route({
      method: 'delete',
      path: '/api/tokens/{id}',
      summary: 'Revoke an API token',
      tag: 'Account',
      access: 'account',
      params: id,
      answer: done,
      handle: async ({ caller, params }) => {
        await accounts.tokens.revoke(caller, params.id);
        return {};
      },
    }),
  ];
}

function oidcOf({ oidc }: Accounts): OidcSignIn {
  if (oidc !== null) return oidc;
  throw new HttpError('not-found', 'This server has no other way to sign in than with a password.');
}

/** Behind the #, which browsers do not send and servers do not log. */
export function invitationLink(baseUrl: string, token: string): string {
  return `${baseUrl}/invitation#${token}`;
}

function describe({
  id,
  name,
  email,
  role,
  group,
  audiences,
  permissions,
}: Caller): z.infer<typeof meSchema> {
  return { id, name, email, role, group, audiences: [...audiences], permissions: [...permissions] };
}
