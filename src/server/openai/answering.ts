/** One request while it is answered: its name, its place among the others, and its end when the client goes away. */
import { randomUUID } from 'node:crypto';
import type { Context } from 'hono';
import { ApiError } from './api-error.ts';
import { eventStream } from './event-stream.ts';
import type { ServedModel } from './served-model.ts';

export class Answering {
  private readonly context: Context;
  private readonly model: ServedModel;
  private readonly id: string;
  private readonly created = Math.floor(Date.now() / 1000);

  private constructor(context: Context, model: ServedModel, id: string) {
    this.context = context;
    this.model = model;
    this.id = id;
  }

  /**
   * @param asked the model that the request names
   * @throws ApiError 404 for another model, 503 when too many requests are under way
   */
  static begin(context: Context, asked: string, model: ServedModel, prefix: string): Answering {
    if (asked !== model.id) {
      throw new ApiError(404, `The model '${asked}' does not exist; this server offers '${model.id}'.`, {
        param: 'model',
        code: 'model_not_found',
      });
    }
    if (model.engine.load >= model.mostRequests) {
      context.header('retry-after', '1');
      throw new ApiError(
        503,
        `The server is answering ${model.engine.load} requests; try again in a moment.`,
        {
          type: 'server_error',
          code: 'overloaded',
        },
      );
    }
    return new Answering(context, model, `${prefix}-${randomUUID().replaceAll('-', '')}`);
  }

  /** What every object of the answer begins with. */
  head(object: string): object {
    return {
      id: this.id,
      object,
      created: this.created,
      model: this.model.id,
      system_fingerprint: `fp_${this.model.engine.facts.hash.replace('sha256:', '').slice(0, 12)}`,
    };
  }

  /** Fires when the connection ends before the answer does. */
  get signal(): AbortSignal {
    return this.context.req.raw.signal;
  }

  /** Answers with a stream, until it ends or the client goes away. */
  stream(write: (signal: AbortSignal, send: (event: object) => void) => Promise<void>): Response {
    return eventStream(this.context, (send) => write(this.signal, send), {
      onFailure: (error) => this.model.onFailure(error),
    });
  }
}
