/**
 * Routes as values: what a request must hold, who may make it, what it is answered with. Checks, the OpenAPI document
 * and the tests of who may do what all come from them.
 */
import type { Context } from 'hono';
import type { z } from 'zod';
import type { Permission } from '../accounts/permissions.ts';
import type { Caller } from '../accounts/person.ts';

/** Who may call a route: anyone, anyone with an account, or who has a permission. */
export type Access = 'anyone' | 'account' | Permission;

type Fields = z.ZodObject<z.ZodRawShape>;

/** What a handler gets, checked. */
export interface Call<Params = unknown, Query = unknown, Body = unknown> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** Nobody only where the route is for anyone. */
  readonly caller: Caller;
  readonly context: Context;
  /** Where the request comes from, as far as the connection says. */
  readonly address: string;
}

export interface Route {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** With parameters in braces: `/api/runs/{run}`. */
  readonly path: string;
  readonly summary: string;
  readonly tag: string;
  readonly access: Access;
  readonly params?: Fields;
  readonly query?: Fields;
  readonly body?: z.ZodType;
  /** JSON; left out where the answer is something else, which `produces` names. */
  readonly answer?: z.ZodType;
  readonly produces?: 'text/event-stream' | 'text/html' | 'application/x-ndjson' | 'application/json';
  /** Most bytes of the body. Default 1 MiB. */
  readonly mostBytes?: number;
  // biome-ignore lint/suspicious/noExplicitAny: each route has its own types, which `route` checks
  readonly handle: (call: Call<any, any, any>) => Promise<unknown>;
}

/** Answers are only written out, so what is read-only will do. */
type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

interface TypedRoute<P extends Fields, Q extends Fields, B extends z.ZodType, A extends z.ZodType>
  extends Omit<Route, 'params' | 'query' | 'body' | 'answer' | 'handle'> {
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  readonly answer?: A;
  /** Returns what is answered, or a response of its own. */
  readonly handle: (
    call: Call<z.infer<P>, z.infer<Q>, z.infer<B>>,
  ) => Promise<DeepReadonly<z.input<A>> | Response>;
}

/** Writes a route with types that follow from its schemas. */
export function route<
  P extends Fields = Fields,
  Q extends Fields = Fields,
  B extends z.ZodType = z.ZodType,
  A extends z.ZodType = z.ZodType,
>(definition: TypedRoute<P, Q, B, A>): Route {
  return definition as unknown as Route;
}
