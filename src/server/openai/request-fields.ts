/** Fields that chat and text completions share, and what is said when one is wrong. */
import { type input, type output, type ZodType, z } from 'zod';
import { nearest } from '../../base/index.ts';
import { ApiError } from './api-error.ts';

/** Most choices of one request. */
const mostChoices = 128;

/** A field that may be left out; `null` is what many clients send for one that is. */
export function given<Type extends ZodType>(
  type: Type,
): ZodType<output<Type> | undefined, input<Type> | null | undefined> {
  return type.nullish().transform((value) => value ?? undefined) as never;
}

/** A field that may be sent as long as it asks for nothing: what is not supported is refused, not ignored. */
export function nothing(what: string, isNothing: (value: unknown) => boolean): ZodType<unknown> {
  return z
    .unknown()
    .refine((value) => value === undefined || value === null || isNothing(value), {
      message: `${what} is not supported by this server`,
    })
    .optional();
}

export function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

export const sharedFields = {
  model: z.string(),
  temperature: given(z.number().min(0).max(2)),
  top_p: given(z.number().gt(0).max(1)),
  n: given(z.int().min(1).max(mostChoices)),
  stream: given(z.boolean()),
  stream_options: given(z.object({ include_usage: given(z.boolean()) })),
  stop: given(z.union([z.string().min(1), z.array(z.string().min(1)).max(16)])),
  seed: given(z.int()),
  // Further options of sampling, named as vLLM names them.
  top_k: given(z.int().min(-1)),
  min_p: given(z.number().min(0).max(1)),
  repetition_penalty: given(z.number().gt(0)),
  frequency_penalty: nothing('frequency_penalty', (value) => value === 0),
  presence_penalty: nothing('presence_penalty', (value) => value === 0),
  logit_bias: nothing('logit_bias', isEmpty),
  // What changes no answer is taken and ignored.
  user: z.unknown().optional(),
  metadata: z.unknown().optional(),
  store: z.unknown().optional(),
  service_tier: z.unknown().optional(),
  safety_identifier: z.unknown().optional(),
  prompt_cache_key: z.unknown().optional(),
} as const;

/** What was asked of sampling and of the end, in the engine's words. */
export interface SamplingFields {
  readonly temperature?: number;
  readonly top_p?: number;
  readonly top_k?: number;
  readonly min_p?: number;
  readonly repetition_penalty?: number;
  readonly stop?: string | readonly string[];
}

/** Options of a request, with OpenAI's defaults and not the model folder's. */
export function samplingOptions(fields: SamplingFields) {
  const { stop, top_k = 0 } = fields;
  return {
    temperature: fields.temperature ?? 1,
    topP: fields.top_p ?? 1,
    topK: top_k === -1 ? 0 : top_k,
    minP: fields.min_p ?? 0,
    repetitionPenalty: fields.repetition_penalty ?? 1,
    stop: stop === undefined ? [] : typeof stop === 'string' ? [stop] : [...stop],
  };
}

/**
 * Checks a request's body.
 * @throws ApiError 400 naming the first field that is wrong
 */
export function readRequest<Schema extends z.ZodObject>(schema: Schema, body: unknown): output<Schema> {
  const checked = schema.safeParse(body);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  const param = issue.path.join('.') || null;
  if (issue.code === 'unrecognized_keys') {
    const [key] = issue.keys;
    const meant = issue.path.length === 0 ? nearest(key, Object.keys(schema.shape)) : undefined;
    const hint = meant ? ` Did you mean ${meant}?` : '';
    throw new ApiError(400, `Unrecognized request argument: ${key}.${hint}`, {
      param: key,
      code: 'unknown_parameter',
    });
  }
  const message = param
    ? `Invalid value for '${param}': ${issue.message}.`
    : `Invalid request: ${issue.message}.`;
  const isMissing = issue.code === 'invalid_type' && issue.message.includes('undefined');
  throw new ApiError(400, isMissing ? `Missing required parameter: '${param}'.` : message, {
    param,
    code: isMissing ? 'missing_required_parameter' : 'invalid_value',
  });
}
