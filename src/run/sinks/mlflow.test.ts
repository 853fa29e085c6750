/** Against a local server that speaks the part of MLflow's REST API that is used, faults included. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { StageUpdate } from '../progress-display.ts';
import { type MlflowOptions, MlflowSink, paramsOf } from './mlflow.ts';

interface Run {
  readonly name: string;
  status: string;
  end?: number;
  readonly params: Record<string, string>;
  readonly metrics: { readonly key: string; readonly value: number; readonly step: number }[];
}

/** As MLflow answers: errors by code, batches refused beyond its limits. */
class FakeMlflow {
  readonly experiments = new Map<string, string>();
  readonly runs = new Map<string, Run>();
  /** Answers to give instead, one per request. */
  readonly faults: (number | 'cut')[] = [];
  authorization: string | undefined;
  private readonly server: Server = createServer((request, response) => {
    let text = '';
    request.on('data', (part) => {
      text += part;
    });
    request.on('end', () => {
      this.authorization = request.headers.authorization;
      const fault = this.faults.shift();
      if (fault === 'cut') return request.socket.destroy();
      const url = new URL(request.url!, 'http://localhost');
      const [status, body] =
        fault === undefined ? this.answer(url, text ? JSON.parse(text) : {}) : [fault, { message: 'No.' }];
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
    });
  });

  async start(): Promise<string> {
    await new Promise<void>((listening) => this.server.listen(0, '127.0.0.1', listening));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((closed) => this.server.close(closed));
  }

  get only(): Run {
    expect(this.runs.size).toBe(1);
    return [...this.runs.values()][0];
  }

  private answer({ pathname, searchParams }: URL, body: Record<string, never>): [number, object] {
    const missing: [number, object] = [
      404,
      { error_code: 'RESOURCE_DOES_NOT_EXIST', message: 'Nothing here.' },
    ];
    const run = this.runs.get(body.run_id);
    switch (pathname.replace('/api/2.0/mlflow/', '')) {
      case 'experiments/get-by-name': {
        const id = this.experiments.get(searchParams.get('experiment_name')!);
        return id === undefined ? missing : [200, { experiment: { experiment_id: id } }];
      }
      case 'experiments/create':
        this.experiments.set(body.name, String(this.experiments.size + 1));
        return [200, { experiment_id: this.experiments.get(body.name) }];
      case 'runs/create': {
        const id = `run${this.runs.size}`;
        this.runs.set(id, { name: body.run_name, status: 'RUNNING', params: {}, metrics: [] });
        return [200, { run: { info: { run_id: id } } }];
      }
      case 'runs/update':
        if (!run) return missing;
        run.status = body.status;
        run.end = body.end_time;
        return [200, {}];
      case 'runs/log-batch': {
        const { metrics = [], params = [] } = body as { metrics?: Run['metrics']; params?: never[] };
        if (!run) return missing;
        if (metrics.length > 1000 || params.length > 100)
          return [400, { error_code: 'INVALID_PARAMETER_VALUE', message: 'A batch is too large.' }];
        run.metrics.push(...metrics);
        for (const { key, value } of params as { key: string; value: string }[]) run.params[key] = value;
        return [200, {}];
      }
      default:
        return [404, { message: pathname }];
    }
  }
}

let folder: string;
let server: FakeMlflow;
let url: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-mlflow-'));
  server = new FakeMlflow();
  url = await server.start();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await server.stop();
  await rm(folder, { recursive: true });
});

const recipe = {
  seed: 3,
  stages: [
    { type: 'sft', data: { path: '/data/d.jsonl' }, learningRate: 0.001 },
    { type: 'ppo', name: 'rlhf', klCoef: 0.1, rewards: [{ name: 'length' }] },
  ],
};

function open(options: Partial<MlflowOptions> = {}): Promise<MlflowSink> {
  return MlflowSink.open({ url, runName: 'my-run', runFolder: folder, recipe, retryDelayMs: 1, ...options });
}
const stage = (status: StageUpdate['status'], index = 0): StageUpdate => ({
  ...{ stage: ['sft', 'rlhf'][index], index, count: 2, status },
});
const event = (step: number, metrics: Record<string, number | null>) => ({
  ...{ stage: 'sft', step, time: 1_700_000_000_000 + step, metrics },
});

describe('MlflowSink', () => {
  it('sends options, metrics and how the run ended', async () => {
    const sink = await open();
    sink.stage(stage('running'));
    sink.event(event(1, { loss: 2.5, 'reward (gold)': 0.25, accuracy: null, broken: Number.NaN }));
    sink.event(event(2, { loss: 2.25 }));
    sink.stage(stage('finished', 0));
    sink.stage(stage('finished', 1));
    await sink.settle();
    const { name, status, end, params, metrics } = server.only;
    expect({ name, status }).toEqual({ name: 'my-run', status: 'FINISHED' });
    expect(end).toBeGreaterThan(0);
    expect([...server.experiments.keys()]).toEqual(['tenet']);
    expect(metrics).toEqual([
      { key: 'sft/loss', value: 2.5, step: 1, timestamp: 1_700_000_000_001 },
      { key: 'sft/reward _gold_', value: 0.25, step: 1, timestamp: 1_700_000_000_001 },
      { key: 'sft/loss', value: 2.25, step: 2, timestamp: 1_700_000_000_002 },
    ]);
    expect(params).toMatchObject({ seed: '3', 'sft.data.path': '/data/d.jsonl', 'rlhf.klCoef': '0.1' });
  });

  it('goes on with its MLflow run when the run is resumed, and begins another when it is not', async () => {
    const first = await open();
    first.stage(stage('running'));
    first.event(event(1, { loss: 2 }));
    first.stage(stage('interrupted'));
    await first.settle();
    expect(server.only.status).toBe('KILLED');
    const second = await open({ resume: true });
    second.stage(stage('running'));
    second.event(event(2, { loss: 1 }));
    second.stage(stage('failed'));
    await second.settle();
    expect(server.only.metrics.map(({ step }) => step)).toEqual([1, 2]);
    expect(server.only.status).toBe('FAILED');
    const third = await open();
    third.stage(stage('running'));
    await third.settle();
    expect(server.runs.size).toBe(2);
  });

  it('leaves the folder and the server alone when no stage begins', async () => {
    const sink = await open();
    await sink.settle();
    expect(server.runs.size).toBe(0);
    await expect(readFile(join(folder, 'mlflow.json'))).rejects.toThrow(/ENOENT/);
  });

  it('sends more than a batch holds, once each, through faults that pass', async () => {
    const sink = await open();
    sink.stage(stage('running'));
    for (let step = 0; step < 2500; step++) sink.event(event(step, { loss: step }));
    server.faults.push(503, 'cut', 429);
    await sink.settle();
    expect(server.only.metrics.map(({ value }) => value)).toEqual(Array.from({ length: 2500 }, (_, i) => i));
  });

  it('never fails a run: says what has not arrived', async () => {
    const trouble: string[] = [];
    const sink = await open({ attempts: 2, onTrouble: (message) => trouble.push(message) });
    sink.stage(stage('running'));
    sink.event(event(1, { loss: 2 }));
    server.faults.push(500, 500);
    await sink.settle();
    expect(trouble).toEqual([
      `MLflow at ${url}: it answers 500: No. 1 values have not arrived there; events.jsonl has everything.`,
    ]);
  });

  it('says at once that there is no server, and which setting a refusal asks for', async () => {
    server.faults.push(401);
    await expect(open()).rejects.toThrow(/it refuses \(401\); set MLFLOW_TRACKING_TOKEN/);
    await expect(open({ url: 'localhost:5000' })).rejects.toThrow(
      /"localhost:5000" is no address of an MLflow/,
    );
    await server.stop();
    await expect(open({ attempts: 2 })).rejects.toThrow(
      /it cannot be reached \(ECONNREFUSED\). Is it running\?/,
    );
    await server.start();
  });

  it('shows who it is, and never prints it', async () => {
    await open({ url: url.replace('http://', 'http://me:s3cret@') });
    expect(server.authorization).toBe(`Basic ${Buffer.from('me:s3cret').toString('base64')}`);
    vi.stubEnv('MLFLOW_TRACKING_TOKEN', 't0ken');
    server.faults.push(400);
    const error = await open({ url: url.replace('http://', 'http://me:s3cret@') }).catch(String);
    expect(server.authorization).toBe('Bearer t0ken');
    expect(error).not.toMatch(/s3cret|t0ken/);
  });
});

it('names every option of a recipe', () => {
  expect(Object.fromEntries(paramsOf(recipe).map(({ key, value }) => [key, value]))).toEqual({
    ...{ seed: '3', 'sft.type': 'sft', 'sft.data.path': '/data/d.jsonl', 'sft.learningRate': '0.001' },
    ...{ 'rlhf.type': 'ppo', 'rlhf.klCoef': '0.1', 'rlhf.rewards': '[{"name":"length"}]' },
  });
});
