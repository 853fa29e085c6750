/** The stages of a recipe that learn from given judgements. */
import { z } from 'zod';
import {
  cpoOptions,
  dpoOptions,
  dpoRules,
  ktoOptions,
  orpoOptions,
  simpoOptions,
  withRules,
} from '../train/index.ts';
import { adapterOption } from './adapter-option.ts';
import { dataSource, heldOut, inherited, stageName, startModel } from './stage-parts.ts';

export const comparisons = dataSource
  .optional()
  .describe(
    'Preferences or K-way rankings. Default: what the newest rankings or compare stage before it made, or critique stage with pairs.',
  );

const common = {
  name: stageName,
  model: startModel,
  data: comparisons,
  heldOut,
  adapter: adapterOption,
  ...inherited,
};

export const dpoStage = withRules(dpoOptions.extend({ type: z.literal('dpo'), ...common }), dpoRules);

export const ktoStage = ktoOptions.extend({
  type: z.literal('kto'),
  ...common,
  data: dataSource
    .optional()
    .describe(
      'Judged responses (prompt, completion, label); or preferences and rankings, each response of which counts as desirable if it beats more of the others than beat it. Default: what the rankings stage before it collected.',
    ),
});

export const orpoStage = orpoOptions.extend({ type: z.literal('orpo'), ...common });

export const cpoStage = cpoOptions.extend({ type: z.literal('cpo'), ...common });

export const simpoStage = simpoOptions.extend({ type: z.literal('simpo'), ...common });
