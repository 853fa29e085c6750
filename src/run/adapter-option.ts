/** The `adapter` option of the stages that train: what is trained instead of all weights. */
import { z } from 'zod';

const shape = {
  type: z
    .enum(['lora', 'dora'])
    .default('lora')
    .describe(
      'lora: thin matrices beside the frozen ones (Hu et al. 2022); dora: the same, with the lengths of the weights learnt apart (Liu et al. 2024).',
    ),
  rank: z
    .number()
    .int()
    .positive()
    .default(16)
    .describe('Columns of the thin matrices. Higher can learn more and takes more memory (TRL: 16).'),
  alpha: z
    .number()
    .positive()
    .default(32)
    .describe('The change is scaled by alpha / rank, so alpha works like a learning rate (TRL: 32).'),
  rsLora: z
    .boolean()
    .default(false)
    .describe(
      'True: scaled by alpha / √rank, which keeps high ranks learning (rsLoRA, Kalajdzievski 2023; TRL: false).',
    ),
  targetModules: z
    .union([z.literal('all-linear'), z.array(z.string()).min(1)])
    .default('all-linear')
    .describe(
      'Linear layers to adapt, such as [q_proj, v_proj]; all-linear = every one but the output projection (QLoRA; peft adapts two or three of the attention).',
    ),
};

const about =
  'Train an adapter and keep the weights frozen: no gradients and no optimizer state for them, and the reference model is the same weights with the adapter as it was. Learning rates are about ten times those of full training. Default: train all weights.';

export const adapterOption = z.strictObject(shape).optional().describe(about);

/** For fine-tuning, where nothing compares probabilities from one step to the next. */
export const adapterWithDropout = z
  .strictObject({
    ...shape,
    dropout: z
      .number()
      .min(0)
      .lt(1)
      .default(0)
      .describe(
        'Share of what the adapter reads that is left out at random while training (peft: 0, TRL: 0.05). Only here: methods that compare probabilities go without, as in TRL.',
      ),
  })
  .optional()
  .describe(about);

export type AdapterOptions = NonNullable<z.infer<typeof adapterOption>> & { readonly dropout?: number };
