/** Failures in the form of OpenAI's API. */

export interface WireErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string | null;
  };
}

export class WireError extends Error {
  readonly status: number;
  readonly body: WireErrorBody;

  constructor(
    status: number,
    message: string,
    { type = 'server_error', param = null, code }: { type?: string; param?: string | null; code: string },
  ) {
    super(message);
    this.name = 'WireError';
    this.status = status;
    this.body = { error: { message, type, param, code } };
  }

  response(headers: Readonly<Record<string, string>> = {}): Response {
    return Response.json(this.body, { status: this.status, headers });
  }
}

/** The guard could not say, and failures close. Without its inside, which the log has. */
export function guardUnavailable(): WireError {
  return new WireError(
    503,
    'The guard could not screen this request, so it was not answered. Try again in a moment.',
    { code: 'guard_unavailable' },
  );
}

export function badUpstream(reason: string): WireError {
  return new WireError(502, `The upstream's answer cannot be used: ${reason}.`, {
    type: 'upstream_error',
    code: 'upstream_invalid',
  });
}

export function tooLarge(answerBytes: number): WireError {
  return badUpstream(`it is larger than ${answerBytes} bytes`);
}

/** Something is no text, and the rules do not let that pass. @param place such as `messages.0.content.1.image_url` */
export function unreadable(place: string): WireError {
  return new WireError(
    400,
    `The guard reads texts only and cannot screen ${place}. Leave it out, or let it pass with otherContent: allow in the guard's policy.`,
    { type: 'invalid_request_error', param: place, code: 'unreadable_content' },
  );
}

export function brokenOff(): WireError {
  return new WireError(502, 'The upstream broke off before its answer was finished.', {
    type: 'upstream_error',
    code: 'upstream_broke_off',
  });
}
