/** Talks to the server. The types are those of the schemas that the server checks with. */
import type { z } from 'zod';
import { personHeader } from '../../../src/server/http/person-header.ts';
import type {
  invitationSchema,
  meSchema,
  personSchema,
  tokenSchema,
} from '../../../src/server/schemas/account-schemas.ts';
import type {
  checkedSchema,
  fileSchema,
  statsSchema,
} from '../../../src/server/schemas/constitution-schemas.ts';
import type { labelSchema, taskViewSchema } from '../../../src/server/schemas/label-schemas.ts';
import type {
  conversationSchema,
  filedSchema,
  shelfModelSchema,
  votedSchema,
} from '../../../src/server/schemas/playground-schemas.ts';
import type {
  adjudicationSchema,
  agreementSchema,
  disagreementSchema,
  intervalSchema,
  qualificationResultsSchema,
  qualitySchema,
  slicesSchema,
  taskOpinionsSchema,
} from '../../../src/server/schemas/quality-schemas.ts';
import type {
  eventSchema,
  runSummarySchema,
  sampleSchema,
  samplesSchema,
} from '../../../src/server/schemas/run-schemas.ts';

export type Me = z.infer<typeof meSchema>;
export type Person = z.infer<typeof personSchema>;
export type Invitation = z.infer<typeof invitationSchema>;
export type Token = z.infer<typeof tokenSchema>;
export type TaskView = z.infer<typeof taskViewSchema>;
export type Label = z.infer<typeof labelSchema>;
export type Quality = z.infer<typeof qualitySchema>;
export type Interval = z.infer<typeof intervalSchema>;
export type Agreement = z.infer<typeof agreementSchema>;
export type Slices = z.infer<typeof slicesSchema>;
export type Disagreement = z.infer<typeof disagreementSchema>;
export type QualificationResults = z.infer<typeof qualificationResultsSchema>;
export type TaskOpinions = z.infer<typeof taskOpinionsSchema>;
export type ShelfModel = z.infer<typeof shelfModelSchema>;
export type Conversation = z.infer<typeof conversationSchema>;
export type Turn = Conversation['turns'][number];
export type Answer = Turn['answers']['A'];
export type Voted = z.infer<typeof votedSchema>;
export type Filed = z.infer<typeof filedSchema>;
export type Adjudication = z.infer<typeof adjudicationSchema>;
export type ConstitutionFile = z.infer<typeof fileSchema>;
export type CheckedConstitution = z.infer<typeof checkedSchema>;
export type PrincipleStats = z.infer<typeof statsSchema>['principles'][number];
export type RunSummary = z.infer<typeof runSummarySchema>;
export type RunEvent = z.infer<typeof eventSchema>;
export type Sample = z.infer<typeof sampleSchema>;
export type Samples = z.infer<typeof samplesSchema>;

/** What the server said no with. */
export class ApiError extends Error {
  readonly status: number;
  /** `unknown` where the answer is none of Tenet's. */
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(status: number, error: { code?: string; message?: string } & Record<string, unknown>) {
    super(error.message ?? `The server answered ${status}.`);
    this.status = status;
    this.code = error.code ?? 'unknown';
    this.details = error;
  }
}

/** The server could not be reached. */
export class OfflineError extends Error {
  constructor() {
    super('The server cannot be reached.');
  }
}

let person: string | null = null;

/**
 * Says for whom the page asks from here on. Tabs share a cookie, and when somebody else signs in in another one, the server
 * must not take what this page asks for as theirs.
 */
export function actAs(id: string | null): void {
  person = id;
}

/** The header that says so. */
export function asPerson(id: string | null = person): Readonly<Record<string, string>> {
  return id === null ? {} : { [personHeader]: id };
}

/**
 * @param by for whom; default: whoever the page was opened for
 * @throws ApiError for a refusal; OfflineError without a connection, or where something else answers in the server's stead
 */
export async function ask<T>(
  method: string,
  path: string,
  body?: unknown,
  by: string | null = person,
): Promise<T> {
  const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
  const { response, isJson, answer } = await fetched(path, {
    ...{ method, headers: { ...type, ...asPerson(by) } },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) {
    const refusal = answer as { readonly error?: Record<string, unknown> } | null;
    throw new ApiError(response.status, refusal?.error ?? {});
  }
  // A page of whatever stands before the server, such as one to sign in there.
  if (!isJson) throw new OfflineError();
  return answer as T;
}

/** Null in the place of an answer that is no JSON. */
async function fetched(
  path: string,
  init: RequestInit,
): Promise<{ readonly response: Response; readonly isJson: boolean; readonly answer: unknown }> {
  try {
    const response = await fetch(path, init);
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    return { response, isJson, answer: isJson ? await response.json() : null };
  } catch {
    throw new OfflineError(); // also for an answer that is cut off
  }
}

export const get = <T>(path: string): Promise<T> => ask<T>('GET', path);
export const post = <T>(path: string, body: unknown = {}, by?: string): Promise<T> =>
  ask<T>('POST', path, body, by);
