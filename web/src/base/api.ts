/** Talks to the server. The types are those of the schemas that the server checks with. */
import type { z } from 'zod';
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

export async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      ...(body === undefined
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
  } catch {
    throw new OfflineError();
  }
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  const answer = isJson ? await response.json() : {};
  if (response.ok) return answer as T;
  throw new ApiError(response.status, answer.error ?? {});
}

export const get = <T>(path: string): Promise<T> => ask<T>('GET', path);
export const post = <T>(path: string, body: unknown = {}): Promise<T> => ask<T>('POST', path, body);
