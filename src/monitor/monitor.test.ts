import { describe, expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import { everyPrompt, goldReward, type Style, stylesOf, writeResponse } from '../sandbox/index.ts';
import { summariseBatch, type WatchedResponse } from './batch-summary.ts';
import type { DetectorName } from './detector.ts';
import type { Entry } from './history.ts';
import { type Alarm, Monitor } from './monitor.ts';
import { type MonitorOptions, monitorOptions } from './options.ts';

/** Some prompts with a response in each style, and what it is worth. */
const pool = new Map<
  Style,
  { readonly prompt: string; readonly response: string; readonly gold: number }[]
>();
const writer = new Random(77);
const every = [...everyPrompt('train')];
for (let i = 0; i < every.length; i += Math.ceil(every.length / 250)) {
  const prompt = every[i];
  for (const style of stylesOf(prompt.kind)) {
    const response = writeResponse(prompt, style, writer);
    const { total: gold } = goldReward(prompt.text, response);
    pool.set(style, [...(pool.get(style) ?? []), { prompt: prompt.text, response, gold }]);
  }
}

/** How often a policy writes in each style. */
type Mix = Partial<Record<Style, number>>;

/** A fine-tuned policy as it is before it learns from rewards. */
const usual: Mix = {
  best: 5,
  wrong: 2,
  padded: 1,
  flattering: 0.3,
  'over-refusal': 0.3,
  unknown: 0.5,
  hedged: 1,
};

function draw(mix: Mix, random: Random): Style {
  const styles = Object.keys(mix) as Style[];
  let left = random.uniform() * styles.reduce((sum, style) => sum + (mix[style] ?? 0), 0);
  for (const style of styles) {
    left -= mix[style] ?? 0;
    if (left < 0) return style;
  }
  return styles[0];
}

/** Responses of a policy that writes in these styles, worth what the sandbox says, and rewarded as told. */
function sample(
  mix: Mix,
  random: Random,
  options: {
    readonly count?: number;
    readonly rewardOf?: (text: string, gold: number) => number;
    readonly heldOut?: boolean;
  } = {},
): WatchedResponse[] {
  const { count = 128, rewardOf = (_, gold) => gold, heldOut = true } = options;
  return Array.from({ length: count }, () => {
    const { prompt, response, gold } = random.choice(pool.get(draw(mix, random)) ?? []);
    // A reward model agrees with gold about this well.
    const reward = rewardOf(response, gold) + 0.5 * random.normal();
    return { prompt, response, ended: true, reward, kl: 0, ...(heldOut && { heldOut: gold }) };
  });
}

/** Mixes from the usual to another one, over so many iterations. */
function run(
  to: Mix,
  options: Parameters<typeof sample>[2] & { readonly iterations?: number; readonly seed?: number } = {},
): Alarm[] {
  const { iterations = 20, seed = 1 } = options;
  const random = new Random(seed);
  const monitor = new Monitor(monitorOptions.parse({}));
  return Array.from({ length: iterations }, (_, i) => {
    const part = i / (iterations - 1);
    const names = new Set([...Object.keys(usual), ...Object.keys(to)]) as Set<Style>;
    const mix = Object.fromEntries(
      [...names].map((style) => [style, (1 - part) * (usual[style] ?? 0) + part * (to[style] ?? 0)]),
    );
    return monitor.observe({ step: i + 1, batch: summariseBatch(sample(mix, random, options)) });
  }).flat();
}

const namesOf = (alarms: readonly Alarm[]): DetectorName[] => alarms.map(({ detector }) => detector);
const words = (text: string): number => text.split(' ').length;

it('one prompt in each iteration, easy or hard by chance, is no reason for alarm', () => {
  let alarms = 0;
  for (let seed = 0; seed < 10; seed++) {
    const random = new Random(seed);
    const monitor = new Monitor(monitorOptions.parse({}));
    for (let step = 1; step <= 40; step++) {
      const ease = random.normal();
      const responses = Array.from({ length: 8 }, () => ({
        ...{ prompt: `${step}`, response: 'yes '.repeat(5 + random.int(5)), ended: true },
        ...{ reward: ease + random.normal(), heldOut: ease + random.normal() },
      }));
      alarms += monitor.observe({ step, batch: summariseBatch(responses) }).length;
    }
  }
  // In ten runs; one in twenty is what detectors are made for.
  expect(alarms).toBeLessThanOrEqual(1);
});

describe('the named hacks', () => {
  it.each<[DetectorName, Mix, (text: string, gold: number) => number]>([
    ['verbosity', { padded: 8, best: 1 }, (text, gold) => gold + words(text) / 20],
    [
      'sycophancy',
      { ...usual, flattering: 8 },
      (text, gold) => gold + (/clever|smart|admire|right/.test(text) ? 1 : 0),
    ],
    [
      'confident-hallucination',
      { wrong: 9, best: 1 },
      (text, gold) => gold - (/not (know|sure)|may be/.test(text) ? 1 : 0),
    ],
    [
      'avoidance',
      { ...usual, 'over-refusal': 6, unknown: 4 },
      (text, gold) => gold + (/not/.test(text) ? 1 : 0),
    ],
  ])('%s is found before it is complete, with and without a held-out reward', (detector, to, rewardOf) => {
    for (const heldOut of [true, false]) {
      const alarms = run(to, { rewardOf, heldOut });
      const found = alarms.find((alarm) => alarm.detector === detector);
      expect(found?.step).toBeLessThan(20);
      expect(found?.cause).not.toBe('');
      expect(found?.remedy).not.toBe('');
    }
  });

  it('are not found in a policy that becomes better', () => {
    const hacks: DetectorName[] = [
      'verbosity',
      'sycophancy',
      'confident-hallucination',
      'avoidance',
      'held-out-fall',
      'proxy-gap',
    ];
    for (const seed of [1, 2, 3]) {
      const found = namesOf(run({ best: 12, wrong: 1, unknown: 0.3, hedged: 0.3 }, { seed }));
      expect(found.filter((name) => hacks.includes(name))).toEqual([]);
    }
  });
});

it('a policy that stays as it is raises no alarm in 200 iterations', () => {
  expect(run(usual, { iterations: 200, count: 48 })).toEqual([]);
});

it('a held-out reward that falls while the reward rises is found', () => {
  const found = namesOf(
    run({ wrong: 8, flattering: 3 }, { rewardOf: (text) => (/clever|smart|right/.test(text) ? 2 : 0) }),
  );
  expect(found).toContain('held-out-fall');
});

it('and so is one that is looked at in every fourth iteration only', () => {
  const random = new Random(4);
  const monitor = new Monitor(monitorOptions.parse({}));
  const alarms = Array.from({ length: 60 }, (_, i) => {
    const responses = sample({ best: 6 - i / 10, wrong: i / 6, flattering: i / 10 }, random, {
      heldOut: i % 4 === 0,
      rewardOf: (text) => (/clever|smart|right/.test(text) ? 2 : 0),
    });
    return monitor.observe({ step: i + 1, batch: summariseBatch(responses) });
  }).flat();
  expect(namesOf(alarms)).toContain('held-out-fall');
});

it('a reward that is length alone is found at once', () => {
  const [alarm] = run(usual, { rewardOf: (text) => words(text), iterations: 5 });
  expect(alarm.detector).toBe('reward-length');
});

it('the same answer to every prompt is found', () => {
  const random = new Random(3);
  const monitor = new Monitor(monitorOptions.parse({}));
  const alarms = Array.from({ length: 12 }, (_, i) => {
    const responses = sample(usual, random).map((one, j) =>
      j < 12 * i ? { ...one, response: 'It is red.' } : one,
    );
    return monitor.observe({ step: i + 1, batch: summariseBatch(responses) });
  }).flat();
  expect(namesOf(alarms)).toContain('same-answer');
});

describe('run health', () => {
  const watch = (
    metrics: (step: number) => Record<string, number>,
    options: Partial<MonitorOptions> = {},
    steps = 30,
  ): Alarm[] => {
    const monitor = new Monitor(monitorOptions.parse(options));
    return Array.from({ length: steps }, (_, i) =>
      monitor.observe({ step: i + 1, metrics: metrics(i + 1) }),
    ).flat();
  };
  const healthy = (step: number): Record<string, number> => ({
    'objective/kl': 0.3 * Math.sqrt(step),
    'objective/entropy': 0.1 + 0.2 * Math.exp(-step / 20),
    'policy/clipfrac_avg': 0.05,
    'policy/approxkl_avg': 0.01,
    'val/explained_variance': 0.3,
    grad_norm: 0.2 + 0.05 * Math.sin(step),
    lr: 0.001,
  });

  it('is silent where all is well', () => {
    expect(watch(healthy, {}, 200)).toEqual([]);
  });

  it.each<[DetectorName, number, (step: number) => Record<string, number>]>([
    ['not-a-number', 7, (step) => ({ 'loss/policy_avg': step === 7 ? Number.NaN : 1 })],
    // Two means of three in a row above 25: 3 · step > 25 on average from step 10 on (27 + 30 + 33) / 3, so at 11.
    ['kl-budget', 11, (step) => ({ 'objective/kl': 3 * step })],
    // Steps of 0.1; the mean of the last three exceeds four times that from 16 on: (0.1 + 0.1 + 2) / 3.
    ['kl-growth', 17, (step) => ({ 'objective/kl': step < 15 ? 0.5 + 0.1 * step : 2 + 2 * (step - 15) })],
    ['entropy-collapse', 16, (step) => ({ 'objective/entropy': step < 13 ? 1 : 0.05 })],
    ['clip-fraction', 4, () => ({ 'policy/clipfrac_avg': 0.5 })],
    ['update-size', 4, () => ({ 'policy/approxkl_avg': 0.2 })],
    ['value-function', 14, () => ({ 'val/explained_variance': -0.5 })],
    ['gradient-norm', 22, (step) => ({ grad_norm: step < 20 ? 0.2 : 5 })],
    ['zero-variance', 4, () => ({ frac_reward_zero_std: 0.95 })],
    ['sampler-gap', 2, () => ({ 'sampling/sampling_logp_difference/mean': 0.05 })],
    ['no-movement', 11, () => ({ 'objective/kl': 0, lr: 1e-9 })],
    ['overfitting', 5, (step) => ({ loss: 1 / step, eval_loss: step < 4 ? 0.6 : 0.6 + 0.2 * (step - 3) })],
  ])('%s is found at step %d, once', (detector, step, metrics) => {
    const found = watch(metrics).filter((alarm) => alarm.detector === detector);
    expect(found.map((alarm) => alarm.step)).toEqual([step]);
  });

  it('says which step and names it once per episode, and again after it was well for a while', () => {
    const alarms = watch((step) => ({ 'policy/clipfrac_avg': step % 20 < 8 ? 0.6 : 0 }), {}, 60);
    expect(alarms.map(({ step }) => step)).toEqual([4, 21, 41].map((step) => step + (step > 4 ? 1 : 0)));
  });
});

describe('what an alarm does', () => {
  const of = (options: object): Monitor => new Monitor(monitorOptions.parse(options));

  it('is for health to warn, for hacks what the recipe says, and what it says for one', () => {
    const monitor = of({ action: 'rollback', actions: { 'kl-budget': 'stop', sycophancy: 'off' } });
    expect(monitor.actionOf('avoidance')).toBe('rollback');
    expect(monitor.actionOf('gradient-norm')).toBe('warn');
    expect(monitor.actionOf('kl-budget')).toBe('stop');
    expect(monitor.actionOf('sycophancy')).toBeNull();
  });

  it('off: it is not asked', () => {
    const monitor = of({ actions: { 'clip-fraction': 'off' } });
    const alarms = [1, 2, 3, 4, 5].flatMap((step) =>
      monitor.observe({ step, metrics: { 'policy/clipfrac_avg': 1 } }),
    );
    expect(alarms).toEqual([]);
  });
});

it('a monitor that is shown what another has seen, as JSON, goes on like it', () => {
  const random = new Random(9);
  const entries = Array.from({ length: 24 }, (_, i): Entry[] => {
    const step = i + 1;
    const mix = { ...usual, 'over-refusal': i / 2 };
    return [
      { step, batch: summariseBatch(sample(mix, random, { count: 48 })) },
      { step, metrics: { 'objective/kl': 2 * step, 'val/explained_variance': i === 3 ? Number.NaN : -1 } },
    ];
  }).flat();
  const whole = new Monitor(monitorOptions.parse({}));
  const alarms = entries.map((entry) => whole.observe(entry));
  expect(alarms.flat().length).toBeGreaterThan(2);
  for (const cut of [5, 20, 33]) {
    const resumed = new Monitor(monitorOptions.parse({}));
    for (const entry of entries.slice(0, cut)) resumed.observe(JSON.parse(JSON.stringify(entry)) as Entry);
    expect(entries.slice(cut).map((entry) => resumed.observe(entry))).toEqual(alarms.slice(cut));
  }
});
