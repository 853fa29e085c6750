/** What went wrong with a call, as one kind of error that says whether trying again may help. */
import { TenetError } from '../../base/index.ts';
import { redact } from './redact.ts';

/** In the `details` of a TenetError('provider'). */
export interface FailureDetails {
  /** `LanguageModel.id`. */
  readonly model: string;
  /** HTTP status, where an answer came at all. */
  readonly status?: number;
  /** True: the same request may succeed later. */
  readonly retryable: boolean;
  /** Milliseconds that the provider asks to wait for. */
  readonly retryAfterMs?: number;
  /** True: no request can succeed, because the key, the account or the model is wrong. */
  readonly hopeless?: boolean;
}

/** The parts of the AI SDK's errors that matter here; they differ by class, and classes by version. */
interface SdkError {
  readonly name?: string;
  readonly message?: string;
  readonly statusCode?: number;
  readonly responseHeaders?: Readonly<Record<string, string>>;
  readonly responseBody?: string;
  readonly cause?: unknown;
  readonly code?: string;
  readonly type?: string;
}

export interface ErrorContext {
  readonly model: string;
  /** Where requests go, without a path: for "cannot be reached". */
  readonly host: string;
  /** The variable that holds the key. */
  readonly keyName: string;
  readonly secrets: readonly string[];
}

/** The failure of a call as a TenetError('provider'); TenetErrors pass as they are. */
export function providerError(error: unknown, context: ErrorContext): TenetError {
  const own = chain(error as SdkError).find((one) => TenetError.is(one));
  if (TenetError.is(own)) return own;
  const sdk = (typeof error === 'object' && error !== null ? error : { message: String(error) }) as SdkError;
  const { what, ...details } = diagnose(sdk, context);
  return failure(redact(what, context.secrets), { model: context.model, ...details });
}

/** A TenetError('provider') with details of this form. */
export function failure(what: string, details: FailureDetails): TenetError {
  return new TenetError('provider', `${details.model} ${what}`, { details: { ...details } });
}

/** What an error of a model says about trying again; null for errors of another kind. */
export function failureDetails(error: unknown): FailureDetails | null {
  return TenetError.is(error) && error.code === 'provider' && 'retryable' in error.details
    ? (error.details as unknown as FailureDetails)
    : null;
}

/** True: the provider refused the request for a reason whose text matches; then another request may be accepted. */
export function refusedFor(error: unknown, reason: RegExp): boolean {
  const details = failureDetails(error);
  return (
    details !== null &&
    (details.status === 400 || details.status === 422) &&
    reason.test((error as Error).message)
  );
}

type Diagnosis = Omit<FailureDetails, 'model'> & { readonly what: string };

function diagnose(error: SdkError, { host, keyName }: ErrorContext): Diagnosis {
  const status = error.statusCode;
  const said = (error.message ?? '').replace(/\s+/g, ' ').trim().slice(0, 300) || 'no reason given';
  if (status === undefined || connectionCode(error)) return diagnoseConnection(error, said, host);
  const retryAfterMs = retryAfter(error.responseHeaders ?? {});
  const base = { status, ...(retryAfterMs !== undefined && { retryAfterMs }) };
  if (status < 300) {
    return {
      ...base,
      what: `sent an answer that cannot be read (${said}): ${excerpt(error)}`,
      retryable: true,
    };
  }
  if (status === 401 || status === 403) {
    return {
      ...base,
      what: `refused the key in ${keyName} (${status}): ${said}`,
      retryable: false,
      hopeless: true,
    };
  }
  if (status === 404) {
    return { ...base, what: `was not found at ${host} (404): ${said}`, retryable: false, hopeless: true };
  }
  if (status === 429 || status === 402) {
    if (
      status === 402 ||
      /insufficient_quota|billing|credit balance|exceeded your current quota/i.test(
        `${said} ${error.responseBody}`,
      )
    ) {
      return { ...base, what: `has no credit left (${status}): ${said}`, retryable: false, hopeless: true };
    }
    return { ...base, what: `is over its rate limit (429): ${said}`, retryable: true };
  }
  if (status >= 500 || status === 408 || status === 409 || status === 425) {
    return { ...base, what: `failed (${status}): ${said}`, retryable: true };
  }
  return { ...base, what: `refused the request (${status}): ${said}`, retryable: false };
}

/** No status: the connection failed, or the error came in the middle of a stream. */
function diagnoseConnection(error: SdkError, said: string, host: string): Diagnosis {
  const code = connectionCode(error);
  if (code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return {
      what: `cannot be reached at ${host} (${code}); is the server running, and the address right?`,
      retryable: true,
    };
  }
  if (
    code !== undefined ||
    /terminated|cannot connect|fetch failed|other side closed|premature/i.test(said)
  ) {
    return { what: `broke off the connection (${code ?? said})`, retryable: true };
  }
  if (/JSONParse|TypeValidation|InvalidResponse|EmptyResponse|NoContent/.test(error.name ?? '')) {
    return { what: `sent an answer that cannot be read: ${said}`, retryable: true };
  }
  if (/invalid_request|invalid_prompt/.test(`${error.type} ${error.code}`)) {
    return { what: `refused the request: ${said}`, retryable: false };
  }
  return { what: `failed in the middle of an answer: ${said}`, retryable: true };
}

/** What Node says of a broken connection, such as ECONNRESET. */
function connectionCode(error: SdkError): string | undefined {
  const codes = chain(error).map(({ code }) => code);
  return codes.find((code) => typeof code === 'string' && /^(E[A-Z]+|UND_ERR_[A-Z_]+)$/.test(code));
}

function chain(error: SdkError): SdkError[] {
  const errors: SdkError[] = [];
  for (
    let one: unknown = error;
    one && typeof one === 'object' && errors.length < 8;
    one = (one as SdkError).cause
  ) {
    errors.push(one as SdkError);
  }
  return errors;
}

function excerpt({ responseBody = '' }: SdkError): string {
  return responseBody.length > 80 ? `${responseBody.slice(0, 80)}…` : responseBody || '(empty)';
}

/** Milliseconds to wait: `retry-after-ms`, or `retry-after` in seconds or as a date (RFC 9110, section 10.2.3). */
export function retryAfter(
  headers: Readonly<Record<string, string>>,
  now: number = Date.now(),
): number | undefined {
  const milliseconds = Number.parseFloat(headers['retry-after-ms'] ?? '');
  if (milliseconds >= 0) return milliseconds;
  const value = headers['retry-after']?.trim() ?? '';
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
