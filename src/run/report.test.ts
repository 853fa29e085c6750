import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostileText, writeExampleRun } from '../../tests/fixtures/example-run.ts';
import { html, scriptJson } from '../base/index.ts';
import { writeEvaluation, writeReport } from './index.ts';
import { chartsOf, groupTitle, summarise, thin } from './report/charts.ts';
import { comparisonsOf } from './report/samples-section.ts';

let folder: string;
let page: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-report-'));
  await writeExampleRun(join(folder, 'whole'));
  page = await readFile(await writeReport(join(folder, 'whole')), 'utf8');
});
afterAll(() => rm(folder, { recursive: true }));

describe('writeReport', () => {
  it('needs nothing from outside: no address is loaded, no file named', () => {
    expect(page).not.toMatch(/<(link|img|iframe|object|embed)\b/);
    expect(page).not.toMatch(/\bsrc=["']?https?:/);
    expect(page.match(/<script/g)).toHaveLength(2); // chart data and ours; hostile text adds none
  });

  it('shows what strangers wrote as text only', () => {
    expect(page).not.toContain(hostileText);
    expect(page).not.toContain('<img src=x');
    expect(page).not.toContain('<b>not bold');
    expect(page).toContain('&lt;img src=x onerror=&quot;');
    expect(page).not.toContain('\u0000');
    expect(page).toContain('\u2400');
  });

  it('carries the licence of the chart library', () => {
    expect(page).toContain('The MIT License (MIT)');
    expect(page).toContain('Leon Sorokin');
  });

  it('says what went in, how it ended and what was unusual', () => {
    expect(page).toMatch(/All 3 stages finished in 5 min 24 s; in ppo, reward went from \S+ to \S+\./);
    expect(page).toContain('5,213,184 parameters');
    expect(page).toContain('1,600 rows');
    expect(page).toContain('3 bad rows skipped');
    expect(page).toContain('12 principles');
    expect(page).toContain('31 of 1,600 comparisons are longer than maxLength 512');
    expect(page).toContain('0.780</strong> <span class="interval">0.745 to 0.814</span>');
  });

  it('reports a failed run, and lines that cannot be read', async () => {
    const path = join(folder, 'failed');
    await expect(writeExampleRun(path, { fail: true })).rejects.toThrow('NaN at step 200');
    await writeFile(join(path, 'samples.jsonl'), 'not json\n{"cut', { flag: 'a' });
    const failed = await readFile(await writeReport(path), 'utf8');
    expect(failed).toContain('Failed in stage ppo at step 200: the loss became NaN');
    expect(failed).toMatch(/samples\.jsonl has unreadable lines, which this report leaves out: 17\./);
  });

  it('refuses a folder that is no run, by name', async () => {
    await expect(writeReport(folder)).rejects.toThrow(
      `${folder} is not a run folder: it has no manifest.json`,
    );
  });
});

describe('writeEvaluation', () => {
  it('refuses rows that do not fit the columns and intervals that are none', async () => {
    const table = (cells: { value: number; low?: number; high?: number }[]) => ({
      tables: [{ title: 't', columns: [{ name: 'a' }], rows: [{ name: 'r', cells }] }],
    });
    await expect(writeEvaluation(folder, table([]))).rejects.toThrow('one cell per column');
    await expect(writeEvaluation(folder, table([{ value: 1, low: 0 }]))).rejects.toThrow('both low and high');
    await expect(writeEvaluation(folder, table([{ value: 1, low: 2, high: 0 }]))).rejects.toThrow(
      'low must not',
    );
    await expect(writeEvaluation(folder, table([{ value: Number.NaN }]))).rejects.toThrow(
      'evaluation tables',
    );
  });
});

describe('html', () => {
  it('escapes values, keeps HTML, drops nothing values', () => {
    expect(html`<p title="${'"<&>\''}">${html`<b>${1}</b>`}${null}${false}${['a', '<']}</p>`.text).toBe(
      '<p title="&quot;&lt;&amp;&gt;&#39;"><b>1</b>a&lt;</p>',
    );
  });

  it('keeps JSON in a script from ending the script, and readable as JSON', () => {
    const { text } = scriptJson({ name: '</script><!--' });
    expect(text).not.toContain('<');
    expect(JSON.parse(text)).toEqual({ name: '</script><!--' });
  });
});

describe('charts', () => {
  const event = (step: number, metrics: Record<string, number | null>) => ({
    stage: 'ppo',
    step,
    time: 0,
    metrics,
  });

  it('groups metrics by the words of their names, rewards first', () => {
    const names = [
      'lr',
      'policy/clipFraction',
      'val/clipfrac_avg',
      'objective/kl',
      'klCoef',
      'valueLoss',
      'loss',
    ];
    const metrics = Object.fromEntries([...names, 'reward', 'mystery'].map((name) => [name, 1]));
    expect(
      chartsOf([event(1, metrics)]).map(({ title, series }) => [title, series.map((s) => s.name)]),
    ).toEqual([
      ['Reward', ['reward']],
      ['Loss', ['loss']],
      ['KL divergence (nats)', ['objective/kl']],
      ['Clip fraction', ['policy/clipFraction', 'val/clipfrac_avg']],
      ['Value loss', ['valueLoss']],
      ['KL coefficient', ['klCoef']],
      ['Learning rate', ['lr']],
      ['mystery', ['mystery']],
    ]);
  });

  it('knows the names that PPO gives its metrics', () => {
    const titles: Record<string, string | undefined> = {
      'objective/scores': 'Reward',
      'objective/rlhf_reward': 'Reward',
      'objective/non_score_reward': 'KL part of the reward',
      'objective/kl': 'KL divergence (nats)',
      'policy/approxkl_avg': 'KL divergence (nats)',
      'policy/clipfrac_avg': 'Clip fraction',
      'val/clipfrac_avg': 'Clip fraction',
      'loss/policy_avg': 'Policy loss',
      'loss/value_avg': 'Value loss',
      'val/explained_variance': 'Explained variance',
      'completions/mean_length': 'Response length (tokens)',
      'completions/clipped_ratio': 'Share of responses cut off',
      kl_coef: 'KL coefficient',
      'time/generate': 'Time (ms)',
      grad_norm: 'Gradient norm',
      gradientNorm: 'Gradient norm',
      learning_rate: 'Learning rate',
      mean_token_accuracy: 'Accuracy',
      'sampling/sampling_logp_difference/mean': 'Sampler against trainer',
      'time/score': 'Time (ms)',
    };
    for (const [name, title] of Object.entries(titles))
      expect([name, groupTitle(name)]).toEqual([name, title]);
    expect(chartsOf([event(1, { episode: 8, num_tokens: 99 })])).toEqual([]);
  });

  it('knows the names that methods with groups and with pairs give theirs', () => {
    const titles: Record<string, string> = {
      reward_std: 'Spread of rewards',
      'rewards/reward/std': 'Spread of rewards',
      'rewards/chosen': 'Reward',
      'rewards/margins': 'Margin',
      frac_reward_zero_std: 'Share of prompts that teach nothing',
      undecided_ratio: 'Share of prompts that teach nothing',
      'sampling/sampling_logp_difference/max': 'Sampler against trainer',
      'sampling/importance_sampling_ratio/mean': 'Sampler against trainer',
      'logps/rejected': 'Log-probability of responses (nats)',
      'logits/chosen': 'Logits',
      kl_bound: 'KL divergence (nats)',
      step_time: 'Speed',
    };
    for (const [name, title] of Object.entries(titles))
      expect([name, groupTitle(name)]).toEqual([name, title]);
  });

  it('gives metrics of very different size charts of their own', () => {
    const charts = chartsOf([event(1, { reward: 0.5, goldReward: 0.7, rewardSum: 900 })]);
    expect(charts.map(({ series }) => series.map((s) => s.name))).toEqual([
      ['reward', 'goldReward'],
      ['rewardSum'],
    ]);
  });

  it('summarises what can be counted and says how much cannot', () => {
    const series = { name: 'kl', steps: [1, 2, 3, 4], values: [null, 3, -1, 2] };
    expect(summarise(series)).toEqual({ first: 3, last: 2, min: -1, max: 3, notFinite: 1 });
    expect(summarise({ name: 'kl', steps: [1], values: [null] })).toMatchObject({ first: null, min: null });
  });

  it('thins a long series without losing its extremes or its end', () => {
    const steps = Array.from({ length: 10_000 }, (_, i) => i);
    const values = steps.map((i) => (i === 4321 ? 99 : i === 8765 ? -99 : Math.sin(i)));
    const thinned = thin({ name: 'x', steps, values }, 1000);
    expect(thinned.steps.length).toBeLessThanOrEqual(1001);
    expect(thinned.steps).toEqual([...thinned.steps].sort((a, b) => a - b));
    expect(thinned.values).toContain(99);
    expect(thinned.values).toContain(-99);
    expect(thinned.steps.at(-1)).toBe(9999);
    expect(thin({ name: 'x', steps: [1, 2], values: [1, 2] }, 1000).steps).toEqual([1, 2]);
  });
});

describe('comparisonsOf', () => {
  const stage = (name: string) => ({ name, folder: '', status: 'finished' as const, attempts: 1 });
  const sample = (prompt: string, stageName: string, step: number) => ({
    stage: stageName,
    step,
    attempt: 1,
    prompt,
    response: `${stageName}${step}`,
    scores: {},
  });

  it('shows the first answer and the last of each stage, compared prompts first', () => {
    const samples = [
      sample('alone', 'sft', 0),
      sample('p', 'ppo', 20),
      sample('p', 'sft', 0),
      sample('p', 'sft', 5),
      sample('p', 'sft', 9),
      sample('p', 'ppo', 10),
    ];
    const shown = comparisonsOf(samples, [stage('sft'), stage('ppo')]);
    expect(
      shown.map(({ prompt, versions }) => [prompt, versions.map((v) => [v.label, v.sample.response])]),
    ).toEqual([
      [
        'p',
        [
          ['Before sft', 'sft0'],
          ['sft, step 9', 'sft9'],
          ['ppo, step 20', 'ppo20'],
        ],
      ],
      ['alone', [['Before sft', 'sft0']]],
    ]);
  });
});
