/** The few calls of MLflow's REST API (2.0) that a run needs. */
import { setTimeout as wait } from 'node:timers/promises';
import { TenetError } from '../../base/index.ts';

export interface MlflowServer {
  /** E.g. `http://localhost:5000`; may hold a user and a password. */
  readonly url: string;
  /** Goes with each request as a bearer token. Default: MLFLOW_TRACKING_TOKEN. */
  readonly token?: string;
  /** User and password where the address has none. Default: MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_PASSWORD. */
  readonly user?: string;
  readonly password?: string;
  /** How often a request is tried that finds no server, or a busy or broken one. Default 4. */
  readonly attempts?: number;
  /** Milliseconds before the second try; doubled for each further one. Default 500. */
  readonly retryDelayMs?: number;
  /** Milliseconds that a request may take. Default 20,000. */
  readonly timeoutMs?: number;
}

/** A metric's value at a step; `time` is Unix milliseconds. */
export interface MlflowMetric {
  readonly key: string;
  readonly value: number;
  readonly step: number;
  readonly timestamp: number;
}

export interface MlflowPair {
  readonly key: string;
  readonly value: string;
}

/** Most that MLflow takes in one batch. */
const batchOf = { metrics: 1000, params: 100 } as const;
/** Longest value of a parameter that every version since 1.28 takes. */
const longestParam = 500;

export class MlflowClient {
  /** Without user and password, fit to be printed. */
  readonly address: string;
  private readonly headers: Record<string, string>;
  private readonly attempts: number;
  private readonly retryDelayMs: number;
  private readonly timeoutMs: number;

  /** @throws TenetError('usage') for an address that is none */
  constructor(server: MlflowServer) {
    const url = URL.canParse(server.url) ? new URL(server.url) : null;
    if (!url || !/^https?:$/.test(url.protocol)) {
      throw new TenetError(
        'usage',
        `${JSON.stringify(server.url)} is no address of an MLflow server; give one such as http://localhost:5000`,
      );
    }
    const user = decodeURIComponent(url.username) || server.user;
    const password = decodeURIComponent(url.password) || server.password || '';
    this.headers = {
      'Content-Type': 'application/json',
      ...(server.token
        ? { Authorization: `Bearer ${server.token}` }
        : user && { Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` }),
    };
    url.username = '';
    url.password = '';
    this.address = url.href.replace(/\/+$/, '');
    this.attempts = server.attempts ?? 4;
    this.retryDelayMs = server.retryDelayMs ?? 500;
    this.timeoutMs = server.timeoutMs ?? 20_000;
  }

  /** The experiment of a name, made if there is none. */
  async experiment(name: string): Promise<string> {
    const query = `experiments/get-by-name?experiment_name=${encodeURIComponent(name)}`;
    const found = await this.call('GET', query, undefined, ['RESOURCE_DOES_NOT_EXIST']);
    if (found !== null) return (found as { experiment: { experiment_id: string } }).experiment.experiment_id;
    const made = await this.call('POST', 'experiments/create', { name }, ['RESOURCE_ALREADY_EXISTS']);
    // Somebody else was a moment faster.
    return made === null ? this.experiment(name) : (made as { experiment_id: string }).experiment_id;
  }

  async createRun(experimentId: string, name: string, tags: readonly MlflowPair[]): Promise<string> {
    const made = await this.call('POST', 'runs/create', {
      ...{ experiment_id: experimentId, run_name: name, start_time: Date.now(), tags },
    });
    return (made as { run: { info: { run_id: string } } }).run.info.run_id;
  }

  /** Sets a run's status; false when the server has no such run. */
  async updateRun(
    runId: string,
    status: 'RUNNING' | 'FINISHED' | 'FAILED' | 'KILLED',
    endTime?: number,
  ): Promise<boolean> {
    const body = { run_id: runId, status, ...(endTime !== undefined && { end_time: endTime }) };
    return (await this.call('POST', 'runs/update', body, ['RESOURCE_DOES_NOT_EXIST'])) !== null;
  }

  /** Parameters of a run; values too long for MLflow are cut, which their last character shows. */
  async logParams(runId: string, params: readonly MlflowPair[]): Promise<void> {
    const short = params.map(({ key, value }) => ({
      ...{ key, value: value.length > longestParam ? `${value.slice(0, longestParam - 1)}…` : value },
    }));
    for (let i = 0; i < short.length; i += batchOf.params) {
      const batch = short.slice(i, i + batchOf.params);
      await this.call('POST', 'runs/log-batch', { run_id: runId, params: batch });
    }
  }

  /** Values of metrics; at most 1,000 at once. */
  async logMetrics(runId: string, metrics: readonly MlflowMetric[]): Promise<void> {
    await this.call('POST', 'runs/log-batch', { run_id: runId, metrics });
  }

  /**
   * @param expected error codes to which the answer is null
   * @throws TenetError('provider') when the server refuses, or cannot be reached after several tries
   */
  private async call(
    method: 'GET' | 'POST',
    path: string,
    body?: object,
    expected: readonly string[] = [],
  ): Promise<object | null> {
    const url = `${this.address}/api/2.0/mlflow/${path}`;
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.attempt(url, method, body);
      if ('answer' in outcome) return outcome.answer;
      if (outcome.code !== undefined && expected.includes(outcome.code)) return null;
      if (!outcome.mayPass || attempt >= this.attempts)
        throw new TenetError('provider', `MLflow at ${this.address}: ${outcome.reason}`);
      await wait(this.retryDelayMs * 2 ** (attempt - 1));
    }
  }

  private async attempt(url: string, method: string, body?: object): Promise<Outcome> {
    let response: Response;
    let text: string;
    try {
      response = await fetch(url, {
        ...{ method, headers: this.headers, signal: AbortSignal.timeout(this.timeoutMs) },
        ...(body && { body: JSON.stringify(body) }),
      });
      text = await response.text();
    } catch (error) {
      const cause = (error as Error).cause as (Error & { code?: string }) | undefined;
      const reason = cause?.code ?? cause?.message ?? (error as Error).message;
      return { reason: `it cannot be reached (${reason}). Is it running?`, mayPass: true };
    }
    const json = parsed(text);
    if (response.ok && json !== null) return { answer: json };
    const { error_code: code, message } = (json ?? {}) as { error_code?: string; message?: string };
    const { status } = response;
    if (response.ok)
      return { reason: 'it answers with something else than JSON; is it MLflow?', mayPass: false };
    if (status === 401 || status === 403) {
      return {
        reason: `it refuses (${status}); set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD`,
        mayPass: false,
      };
    }
    const mayPass = status === 408 || status === 429 || status >= 500;
    const said = message ? `: ${message.split('\n')[0]}` : '';
    return { reason: `it answers ${status}${said}`, mayPass, ...(code && { code }) };
  }
}

type Outcome =
  | { readonly answer: object }
  | { readonly reason: string; readonly mayPass: boolean; readonly code?: string };

function parsed(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}
