/** Starts and stops the server. */
import { stat } from 'node:fs/promises';
import { TenetError } from '../../base/index.ts';
import { type EngineOptions, LocalEngine } from '../../llm/index.ts';
import { closeServer, isOwnAddress, listen, originOf } from '../http/listener.ts';
import { ApiError } from './api-error.ts';
import { openAiApp } from './app.ts';
import type { ServedModel } from './served-model.ts';

export interface ServeOptions {
  /** A model folder. */
  readonly folder: string;
  /** What requests call the model. */
  readonly name: string;
  /** Default 127.0.0.1: this machine alone. */
  readonly host?: string;
  /** 0 takes any free one. Default 8000. */
  readonly port?: number;
  /** Requests must bring it. Needed for any host but this machine's own. */
  readonly apiKey?: string;
  readonly engine?: EngineOptions;
  /** Requests under way at once, beyond which new ones are turned away. Default 512. */
  readonly mostRequests?: number;
  /** Told of failures that are the server's own. */
  readonly onFailure?: (error: unknown) => void;
}

export interface RunningServer {
  /** To be given to clients as base URL. */
  readonly url: string;
  /** Takes no more requests, lets those under way finish for a while, and frees the model. */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

const defaultMostRequests = 512;
const defaultGraceMs = 10_000;

/**
 * @throws TenetError('usage') for a public host without a key, or a port that cannot be had; TenetError('model') when
 *   the folder holds no language model that can be asked
 */
export function serveOpenAi(options: ServeOptions): Promise<RunningServer> {
  return serveModel(options, async (model) => ({
    app: openAiApp(model, { apiKey: options.apiKey }),
    close: async () => {},
  }));
}

/** What answers requests to a model. */
export interface ModelApp {
  readonly app: { fetch(request: Request, environment: object): Response | Promise<Response> };
  /** Frees what it holds besides the model. */
  close(): Promise<void>;
}

/**
 * Loads a model and serves it.
 * @param build makes what answers requests, once the model is there
 * @throws as `serveOpenAi` does, and what `build` throws
 */
export async function serveModel(
  options: ServeOptions,
  build: (model: ServedModel) => Promise<ModelApp>,
): Promise<RunningServer> {
  const { folder, name, host = '127.0.0.1', port = 8000, apiKey, onFailure = () => {} } = options;
  if (!apiKey && !isOwnAddress(host)) {
    throw new TenetError(
      'usage',
      `${host} can be reached by others, so the server needs a key: set TENET_SERVE_API_KEY, or serve on 127.0.0.1.`,
    );
  }
  // The port is taken first: a large model need not be loaded to learn that it cannot be had.
  let built: ModelApp | undefined;
  const server = await listen(
    (request, environment) => built?.app.fetch(request, environment) ?? loading(),
    host,
    port,
  );
  let engine: LocalEngine | undefined;
  try {
    engine = await LocalEngine.load(folder, options.engine);
    const created = Math.floor((await stat(folder)).mtimeMs / 1000);
    const mostRequests = options.mostRequests ?? defaultMostRequests;
    built = await build({ id: name, engine, created, mostRequests, onFailure });
  } catch (error) {
    server.close();
    await engine?.close();
    throw error;
  }
  const [{ close: closeApp }, loaded] = [built, engine];
  return {
    url: `${originOf(server, host)}/v1`,
    close: async ({ graceMs = defaultGraceMs } = {}) => {
      await closeServer(server, graceMs);
      await closeApp();
      await loaded.close();
    },
  };
}

/** What is answered while the model is being loaded. */
function loading(): Response {
  const { body, status } = new ApiError(503, 'The model is being loaded; try again in a moment.', {
    type: 'server_error',
    code: 'loading',
  });
  return Response.json(body, { status, headers: { 'retry-after': '1' } });
}
