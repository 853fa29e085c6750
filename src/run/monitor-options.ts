/** What a recipe says about the monitors of a stage. */
import { z } from 'zod';
import { monitorShape } from '../monitor/index.ts';
import { objectiveOptions } from './reward-options.ts';

/** Of stages in which nothing is sampled. */
export const dataMonitors = z
  .strictObject({
    enabled: monitorShape.enabled,
    actions: monitorShape.actions,
    window: monitorShape.window,
    raiseAfter: monitorShape.raiseAfter,
    clearAfter: monitorShape.clearAfter,
    thresholds: monitorShape.thresholds,
  })
  .meta({ id: 'dataMonitors' })
  .optional()
  .describe('What watches over the stage; see docs/monitors.md.');

export const policyMonitors = z
  .strictObject({
    ...monitorShape,
    heldOut: objectiveOptions
      .refine(
        ({ weight, atLeast, atMost }) =>
          weight === undefined && atLeast === undefined && atMost === undefined,
        { message: 'cannot have weight, atLeast or atMost: nothing is learnt from it' },
      )
      .optional()
      .describe(
        'A reward that the policy does not learn from: another reward model, a judge, a function. Best trained on other labels than the reward. Default: the gold reward of sandbox prompts, none of others.',
      ),
    heldOutEvery: z
      .number()
      .int()
      .positive()
      .default(1)
      .describe('Iterations between two looks of the held-out reward.'),
    heldOutResponses: z
      .number()
      .int()
      .positive()
      .nullable()
      .default(null)
      .describe(
        'Responses it scores each time, the first of the batch; null = all. For judges that cost money.',
      ),
    canaryPrompts: z
      .number()
      .int()
      .min(0)
      .optional()
      .describe(
        'Prompts with which texts that answer nothing are tried on the reward before the first update; 0 = none. Default: 32, where a judge is asked 0.',
      ),
  })
  .meta({ id: 'monitors' }) // once in the schema for editors, however many stages use it
  .optional()
  .describe('What watches over the stage, and what its alarms do; see docs/monitors.md.');
export type PolicyMonitors = NonNullable<z.infer<typeof policyMonitors>>;
export type DataMonitors = NonNullable<z.infer<typeof dataMonitors>>;
