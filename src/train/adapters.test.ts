import { describe, expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import type { TokenExample } from '../data/index.ts';
import {
  type AdaptedParameters,
  type AdapterSettings,
  adaptParameters,
  type DecoderConfig,
  type ParameterStore,
  scalarHeadSpec,
} from '../model/index.ts';
import { largestDifference } from '../model/testing/largest-difference.ts';
import { tinyModel } from '../model/testing/tiny-model.ts';
import { trainDpo } from './dpo.ts';
import { dpoOptions } from './dpo-options.ts';
import { valueHeadName } from './ppo.ts';
import { trainRloo } from './rloo.ts';
import { rlooOptions } from './rloo-options.ts';
import { trainSft } from './sft.ts';
import { sftOptions } from './sft-options.ts';
import { curve, type RecordedContext, recordContext, temporaryFolder } from './testing/context.ts';
import { pairOptions, policy, tastePairs } from './testing/pair-toy.ts';
import { runToy, toyOptions } from './testing/policy-toy.ts';
import { models, trainToy } from './testing/ppo-toy.ts';

const settings: AdapterSettings = {
  ...{ type: 'lora', rank: 4, alpha: 8, rsLora: false, dropout: 0, targetModules: 'all-linear' },
};

function adapt(
  { config, parameters }: { readonly config: DecoderConfig; readonly parameters: ParameterStore },
  some: Partial<AdapterSettings> = {},
): AdaptedParameters {
  return adaptParameters(config, parameters, { ...settings, ...some }, { random: new Random(9) });
}

describe('training an adapter', () => {
  const end = 28;
  const examples: TokenExample[] = Array.from({ length: 20 }, (_, i) => {
    const ids = [20 + (i % 8), i % 10, (i % 10) + 1, (i % 10) + 2, end];
    return { ids: Int32Array.from(ids), counted: Uint8Array.from([0, 0, 1, 1, 1]) };
  });

  async function fineTune(context: RecordedContext, some: Partial<AdapterSettings> = {}) {
    const model = tinyModel();
    const before = model.parameters.hash();
    const parameters = adapt(model, some);
    const options = { threads: 1, loggingSteps: 1, learningRate: 0.03, maxSteps: 20, batchSize: 10 };
    const inputs = { config: model.config, parameters, examples, heldOut: examples, stopIds: [end] };
    const result = await trainSft(sftOptions.parse({ ...options, saveSteps: 50 }), inputs, context);
    expect(model.parameters.hash()).toBe(before);
    return { parameters, result };
  }

  it('teaches what full training does, and leaves the base as it is', async () => {
    const context = recordContext();
    await fineTune(context);
    const losses = curve(context, 'loss');
    expect(losses[0]).toBeGreaterThan(3);
    expect(losses.at(-1)).toBeLessThan(1.5);
  });

  it('continues after an interruption with the same bits, dropout included', async () => {
    const whole = await fineTune(recordContext(), { dropout: 0.3, type: 'dora' });
    const folder = temporaryFolder();
    const stopped = fineTune(recordContext({ folder, stopAfter: 7 }), { dropout: 0.3, type: 'dora' });
    await expect(stopped).rejects.toMatchObject({ code: 'interrupted' });
    const resumed = await fineTune(recordContext({ folder, resume: true }), { dropout: 0.3, type: 'dora' });
    expect(resumed.parameters.values).toEqual(whole.parameters.values);
    const without = await fineTune(recordContext(), { type: 'dora' });
    expect(without.parameters.values).not.toEqual(whole.parameters.values);
  });

  it('of DPO starts at its reference, which is the base', async () => {
    const model = policy();
    const parameters = adapt(model);
    const context = recordContext();
    for (const precomputeRefLogProbs of [true, false]) {
      const options = dpoOptions.parse({
        ...pairOptions,
        maxSteps: 6,
        learningRate: 0.02,
        precomputeRefLogProbs,
      });
      const inputs = {
        config: model.config,
        parameters: parameters.clone(),
        pairs: tastePairs(24),
        heldOut: [],
      };
      await trainDpo(options, inputs, context);
    }
    const losses = curve(context, 'loss');
    expect(losses[0]).toBeCloseTo(Math.LN2, 5);
    expect(losses[5]).toBeLessThan(0.6);
    // The reference computed before the first step, or kept beside the policy: the same curve.
    losses.slice(0, 6).forEach((loss, i) => void expect(losses[6 + i]).toBeCloseTo(loss, 4));
  });

  it('refuses a reference that moves part of the way, since factors cannot be mixed', async () => {
    const model = policy();
    const inputs = { config: model.config, parameters: adapt(model), pairs: tastePairs(4), heldOut: [] };
    const options = dpoOptions.parse({ ...pairOptions, precomputeRefLogProbs: false, syncRefModel: true });
    await expect(trainDpo(options, inputs, recordContext())).rejects.toThrow(
      'DPO: the reference cannot move part of the way (refModelMixupAlpha 0.6) where an adapter is trained',
    );
  });

  it('samples with the adapter merged, and computes the same probabilities in training', async () => {
    const { config, policy: parameters } = models('separate');
    const adapted = adapt({ config, parameters });
    const { context } = await runToy(
      trainRloo,
      rlooOptions.parse({ ...toyOptions, totalEpisodes: 4 * 16, learningRate: 0.03, beta: 0.01 }),
      { policy: adapted, reference: adapted.clone() },
    );
    const gaps = curve(context, 'sampling/sampling_logp_difference/max');
    expect(gaps.length).toBe(4);
    expect(Math.max(...gaps)).toBeLessThan(1e-4);
    expect(curve(context, 'reward').at(-1)).toBeGreaterThan(curve(context, 'reward')[0]);
    expect(adapted.base).toBe(parameters);
  });

  it('of PPO keeps policy, reference and value function on one base, and resumes with the same bits', async () => {
    const run = async (context: RecordedContext, gradientCheckpointing = false) => {
      const { config, policy: base } = models('separate');
      const before = base.hash();
      const adapted = adapt({ config, parameters: base });
      const head = scalarHeadSpec(config, { name: valueHeadName, initialisation: { kind: 'zeros' } });
      const value = adaptParameters(config, base, settings, { random: new Random(2), extra: [head] });
      await trainToy(
        { valueModel: 'separate', totalEpisodes: 2 * 16, learningRate: 0.03, gradientCheckpointing },
        { policy: adapted, reference: adapted.clone(), value },
        context,
      );
      expect(base.hash()).toBe(before);
      return { adapted, value, context };
    };
    const whole = await run(recordContext());
    expect(Math.max(...curve(whole.context, 'sampling/sampling_logp_difference/max'))).toBeLessThan(1e-4);
    const folder = temporaryFolder();
    await expect(run(recordContext({ folder, stopAfter: 1 }))).rejects.toMatchObject({ code: 'interrupted' });
    const resumed = await run(recordContext({ folder, resume: true }));
    expect(resumed.adapted.values).toEqual(whole.adapted.values);
    expect(resumed.value.values).toEqual(whole.value.values);
    const { config, policy: base } = models('separate');
    const fresh = adapt({ config, parameters: base });
    // Computing activations twice changes rounding alone.
    const twice = await run(recordContext(), true);
    expect(largestDifference(twice.adapted.values, whole.adapted.values)).toBeLessThan(2e-3);
    expect(largestDifference(twice.adapted.values, fresh.values)).toBeGreaterThan(0.02);
  });
});
