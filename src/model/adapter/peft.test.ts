import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { loadModelFolder } from '../load-model.ts';
import { largestDifference } from '../testing/largest-difference.ts';
import { LossGraph, norm } from '../testing/loss-graph.ts';
import { modelsFolder, referenceFolder } from '../testing/reference-model.ts';
import { tokenRows } from '../testing/token-rows.ts';
import { type AdaptedParameters, adaptParameters } from './adapted-parameters.ts';
import type { AdapterSettings } from './adapter-settings.ts';

/** What peft 0.21.0 on transformers 5.18.0 and torch 2.13.0 computed; scripts/make-peft-golden.py says how. */
interface Golden {
  readonly cases: readonly {
    readonly model: string;
    readonly options: {
      readonly r: number;
      readonly lora_alpha: number;
      readonly target_modules: AdapterSettings['targetModules'];
      readonly use_rslora?: boolean;
      readonly use_dora?: boolean;
    };
    readonly loss: number;
    /** [2, 11] */
    readonly logprobs: readonly (readonly number[])[];
    readonly gradient_norms: Readonly<Record<string, number>>;
  }[];
}
const golden = JSON.parse(readFileSync(new URL('./peft.golden.json', import.meta.url), 'utf8')) as Golden;

/** Fills every tensor by the rule of the script. */
function fill(adapted: AdaptedParameters): void {
  [...adapted.names].sort().forEach((name, offset) => {
    const view = adapted.view(name);
    for (let i = 0; i < view.length; i++) {
      const wave = Math.sin(i + 1 + offset);
      view[i] = name.includes('magnitude') ? view[i] * (1 + 0.2 * wave) : 0.3 * wave;
    }
  });
}

describe.skipIf(modelsFolder === null)('adapters agree with peft', () => {
  it.each(golden.cases)('$model, $options', async ({ model, options, ...expected }) => {
    const { config, parameters } = await loadModelFolder(referenceFolder(model));
    const settings: AdapterSettings = {
      type: options.use_dora ? 'dora' : 'lora',
      ...{ rank: options.r, alpha: options.lora_alpha, dropout: 0 },
      rsLora: options.use_rslora ?? false,
      targetModules: options.target_modules,
    };
    const adapted = adaptParameters(config, parameters, settings, { random: new Random(1) });
    fill(adapted);
    const graph = await LossGraph.create(config, adapted);
    const rows = [0, 1].map((row) =>
      Array.from({ length: 12 }, (_, t) => (7 * t + 3 * row) % config.vocabSize),
    );
    const { loss, logProbs, gradients } = await graph.run(tokenRows(rows.map((row) => [row])));
    await graph.release();
    expect(largestDifference(logProbs, expected.logprobs.flat())).toBeLessThan(2e-5);
    expect(loss).toBeCloseTo(expected.loss, 5);
    expect(Object.keys(expected.gradient_norms).sort()).toEqual([...adapted.names].sort());
    for (const [name, value] of Object.entries(expected.gradient_norms)) {
      expect(norm(gradients.get(name)!) / value, name).toBeCloseTo(1, 3);
    }
  });
});
