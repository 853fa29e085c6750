/** Monitors in real runs: alarms in files and report, what they do to a stage, and that resuming changes nothing. */
import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { loadModelFolder } from '../src/model/index.ts';
import { readEvents, readManifest, readWarnings, type WarningRecord } from '../src/run/index.ts';
import type { PipelineOptions } from '../src/run/pipeline.ts';
import { runTiny } from './fixtures/tiny-run.ts';

const folder = mkdtempSync(join(tmpdir(), 'tenet-monitor-'));
const base = join(folder, 'base');
beforeAll(() => runTiny(base));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The tiny recipe's PPO alone, from what it has made; responses never end, so "truncation" finds something from 2 on. */
function runPpo(
  name: string,
  monitors: object,
  options: Partial<PipelineOptions> & { readonly episodes?: number } = {},
): Promise<unknown> {
  const { episodes = 32, ...others } = options;
  const stage = {
    ...{ type: 'ppo', rewardModelPath: join(base, 'stages/04-reward/model'), allowWeakReward: true },
    ...{ prompts: { sandbox: 'prompts', limit: 40 }, totalEpisodes: episodes, batchSize: 8, numPpoEpochs: 2 },
    ...{ learningRate: 0.001, responseLength: 12, missingEosPenalty: 1, saveSteps: 1, monitors },
  };
  const model = { path: join(base, 'stages/02-sft/model') };
  const text = stringify({ name: 'tiny', seed: 3, threads: 1, model, stages: [stage] });
  return runTiny(join(folder, name), { text, ...others });
}

interface Record {
  readonly alarms: number;
  readonly stoppedAt?: number;
  readonly stoppedBy?: string;
  readonly keptStep?: number;
  readonly bestStep?: number;
}

async function ppoOf(name: string): Promise<{ readonly iterations: number; readonly monitor: Record }> {
  const { stages } = await readManifest(join(folder, name));
  return stages.find((stage) => stage.name === 'ppo')?.results as { iterations: number; monitor: Record };
}

async function alarmsOf(name: string): Promise<readonly Omit<WarningRecord, 'time'>[]> {
  return (await readWarnings(join(folder, name))).map(({ time: _, ...warning }) => warning);
}

/** What of a run must not depend on when it was stopped. */
async function outcomeOf(name: string): Promise<object> {
  const events = await readEvents(join(folder, name));
  const { stages } = await readManifest(join(folder, name));
  return {
    results: stages.map(({ results }) => results),
    alarms: await alarmsOf(name),
    events: events.map(({ step, metrics }) => [
      step,
      Object.fromEntries(Object.entries(metrics).filter(([metric]) => !metric.startsWith('time/'))),
    ]),
  };
}

/** Asks a run to stop after some iterations, and resumes it. */
async function interrupt(name: string, monitors: object, stopAfter: number): Promise<void> {
  const controller = new AbortController();
  const display: PipelineOptions['display'] = {
    ...{ stage() {}, event() {}, sample() {}, warn() {}, close() {} },
    progress({ stage, done }) {
      if (stage === 'ppo' && done === stopAfter) controller.abort();
    },
  };
  const stopping = runPpo(name, monitors, { episodes: 48, signal: controller.signal, display });
  await expect(stopping).rejects.toThrow('Stopped after');
  await runPpo(name, monitors, { episodes: 48, resume: true });
}

describe('a run with an alarm', () => {
  it('goes on, and says so with step, cause and remedy, once', async () => {
    const alarms = (await alarmsOf('base')).filter(({ detector }) => detector !== undefined);
    expect(alarms.map(({ stage, detector, step, action }) => ({ stage, detector, step, action }))).toEqual([
      { stage: 'ppo', detector: 'truncation', step: 2, action: 'warn' },
    ]);
    expect(alarms[0].cause).toContain('end token');
    expect(alarms[0].remedy).toContain('missingEosPenalty');
    const { iterations, monitor } = await ppoOf('base');
    expect(iterations).toBe(4);
    expect(monitor.alarms).toBe(1);
    expect(monitor.stoppedAt).toBeUndefined();
    expect(await readFile(join(base, 'report.html'), 'utf8')).toContain(alarms[0].remedy);
  });

  it('records what the responses are like', async () => {
    const events = (await readEvents(base)).filter(({ stage }) => stage === 'ppo');
    expect(events).toHaveLength(4);
    for (const { metrics } of events) {
      expect(metrics['monitor/held_out']).toBeCloseTo(Number(metrics['probe/gold']), 6);
      expect(metrics['monitor/words']).toBeGreaterThan(0);
    }
  });
});

it('stop: the stage ends before the next update', async () => {
  await runPpo('stopped', { actions: { truncation: 'stop' } });
  const { iterations, monitor } = await ppoOf('stopped');
  expect(iterations).toBe(1); // what iteration 2 sampled was not learnt from
  expect(monitor).toMatchObject({ stoppedAt: 2, stoppedBy: 'truncation' });
  expect((await readManifest(join(folder, 'stopped'))).status).toBe('finished');
});

/** Held out is a letter, which the policy does not learn: its best value stands anywhere. */
const letter = { name: 'letter', rule: { type: 'pattern', pattern: 'o' } };
const rollback = { window: 1, raiseAfter: 5, heldOut: letter, actions: { truncation: 'rollback' } };

describe('rollback', () => {
  beforeAll(() => runPpo('rolled', rollback, { episodes: 48 }));

  it('keeps the policy whose held-out reward was best', async () => {
    const { monitor } = await ppoOf('rolled');
    const events = await readEvents(join(folder, 'rolled'));
    const means = events.flatMap(({ metrics }) => metrics['monitor/held_out'] ?? []);
    expect(monitor).toMatchObject({ stoppedBy: 'truncation', stoppedAt: means.length });
    const best = means.indexOf(Math.max(...means)) + 1;
    if (best === means.length || best === 1)
      throw new Error(`no best policy in between: ${means}: choose another seed`);
    expect(monitor).toMatchObject({ bestStep: best, keptStep: best });
    // A run that is stopped where the best policy was ends with the same weights.
    await runPpo(
      'best',
      { ...rollback, raiseAfter: best, actions: { truncation: 'stop' } },
      { episodes: 48 },
    );
    expect((await ppoOf('best')).monitor.stoppedAt).toBe(best);
    const [kept, stopped] = await Promise.all(
      ['rolled', 'best'].map((name) => loadModelFolder(join(folder, name, 'stages/01-ppo/model'))),
    );
    expect(kept.parameters.hash()).toBe(stopped.parameters.hash());
  });

  it('leaves no weights behind', async () => {
    const files = await readdir(join(folder, 'rolled/stages/01-ppo'));
    expect(files.filter((name) => name.startsWith('best-'))).toEqual([]);
  });

  it.each([1, 4])('comes to the same after an interruption in iteration %d', async (stopAfter) => {
    await interrupt(`resumed-${stopAfter}`, rollback, stopAfter);
    expect(await outcomeOf(`resumed-${stopAfter}`)).toEqual(await outcomeOf('rolled'));
  });
});

it('an alarm about the metrics of the last iteration goes back too, interrupted or not', async () => {
  // Every update moves the policy: found at 1 to 6, of six iterations.
  const monitors = {
    ...{ window: 1, raiseAfter: 6, heldOut: letter, thresholds: { updateKl: 1e-12 } },
    actions: { truncation: 'off', 'update-size': 'rollback' },
  };
  await runPpo('last', monitors, { episodes: 48 });
  const { monitor, ...results } = await ppoOf('last');
  expect(monitor).toMatchObject({ stoppedAt: 7, stoppedBy: 'update-size', keptStep: monitor.bestStep });
  expect(results).toMatchObject({ iterations: 6, score: null });
  await runPpo(
    'best-of-last',
    { ...rollback, raiseAfter: monitor.bestStep, actions: { truncation: 'stop' } },
    { episodes: 48 },
  );
  const hashes = await Promise.all(
    ['last', 'best-of-last'].map(async (name) =>
      (await loadModelFolder(join(folder, name, 'stages/01-ppo/model'))).parameters.hash(),
    ),
  );
  expect(hashes[0]).toBe(hashes[1]);
  await interrupt('last-resumed', monitors, 5);
  expect(await outcomeOf('last-resumed')).toEqual(await outcomeOf('last'));
});

it('an alarm about metrics ends the stage also when it is interrupted before that could be done', async () => {
  // KL is 0 in iteration 1 and more from then on: found at 2 and 3, so iteration 4 does not begin.
  const monitors = { thresholds: { klBudget: 1e-6 }, actions: { 'kl-budget': 'stop' } };
  await runPpo('budget', monitors, { episodes: 48 });
  expect((await ppoOf('budget')).monitor).toMatchObject({ stoppedAt: 4, stoppedBy: 'kl-budget' });
  await interrupt('budget-resumed', monitors, 3);
  expect(await outcomeOf('budget-resumed')).toEqual(await outcomeOf('budget'));
});

/** The reference are the three first iterations of eight responses, each to a prompt of its own. */
describe('latent outliers', () => {
  const monitors = { thresholds: { outliers: 0.05 }, raiseAfter: 1, actions: { truncation: 'off' } };

  it('are measured from the iteration on that no longer stands for the reference', async () => {
    await runPpo('latent', monitors, { episodes: 48 });
    const events = (await readEvents(join(folder, 'latent'))).filter(({ stage }) => stage === 'ppo');
    const measured = events.map(({ metrics }) => metrics['monitor/outliers']);
    expect(measured.slice(0, 3)).toEqual([undefined, undefined, undefined]);
    for (const share of measured.slice(3)) {
      expect(share).toBeGreaterThanOrEqual(0);
      expect(share).toBeLessThanOrEqual(1);
    }
    expect(measured).toHaveLength(6);
  });

  it('are the same after an interruption while they are collected, and later', async () => {
    for (const stopAfter of [2, 4]) {
      await interrupt(`latent-${stopAfter}`, monitors, stopAfter);
      expect(await outcomeOf(`latent-${stopAfter}`)).toEqual(await outcomeOf('latent'));
    }
  });

  it('are not looked for where the detector is off', async () => {
    await runPpo('latent-off', { actions: { 'latent-outliers': 'off' } });
    const events = await readEvents(join(folder, 'latent-off'));
    expect(events.some(({ metrics }) => 'monitor/outliers' in metrics)).toBe(false);
  });
});

it('enabled: false watches nothing', async () => {
  await runPpo('off', { enabled: false });
  expect((await ppoOf('off')).monitor).toBeUndefined();
  expect((await alarmsOf('off')).some(({ detector }) => detector !== undefined)).toBe(false);
});
