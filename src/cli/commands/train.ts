import { join } from 'node:path';
import { Command } from 'commander';
import { TenetError } from '../../base/error.ts';
import type { StageRecipe } from '../../run/run-recipe.ts';
import { globalOptions } from '../global-options.ts';
import { overridesOf, type RunFlags, withRunFlags } from '../run-flags.ts';

/** What a method takes as flags of their own; everything else goes through --set. */
interface Method {
  readonly name: Exclude<StageRecipe['type'], 'rankings' | 'evaluate'>;
  readonly summary: string;
  readonly description: string;
  readonly needs: readonly (keyof typeof inputs)[];
  readonly example: string;
}

/** The flags that name files: where they go in the recipe, and what they are. */
const inputs = {
  model: {
    option: 'model.path',
    flag: '--model <folder>',
    about: 'model to start from, in Hugging Face layout',
  },
  data: {
    option: 'data.path',
    flag: '--data <file...>',
    about: 'data file or files; "tenet data check" says what is in one',
  },
  prompts: {
    option: 'prompts.path',
    flag: '--prompts <file...>',
    about: 'file or files of prompts; of records with responses only the prompts are used',
  },
  rewardModel: {
    option: 'rewardModelPath',
    flag: '--reward-model <folder>',
    about: 'reward model, as "tenet train reward" makes one',
  },
} as const;

const methods: readonly Method[] = [
  {
    name: 'pretrain',
    summary: 'make a tokenizer and a base model from nothing but text',
    description:
      'Learns a byte-level BPE vocabulary from the text, creates a Llama-shaped model and trains it to predict the next token.',
    needs: ['data'],
    example: 'architecture.width=320',
  },
  {
    name: 'sft',
    summary: 'fine-tune a model on demonstrations',
    description:
      'Teaches a model to continue prompts as the demonstrations do; only responses count in the loss.',
    needs: ['model', 'data'],
    example: 'learningRate=1e-4',
  },
  {
    name: 'reward',
    summary: 'train a reward model from comparisons or rankings',
    description:
      'Turns a policy into a model that scores responses as people ranked them, and measures it on held-out pairs.',
    needs: ['model', 'data'],
    example: 'centerRewardsCoefficient=0.01',
  },
  {
    name: 'dpo',
    summary: 'train a policy directly on comparisons, without a reward model',
    description:
      'Direct preference optimisation: raises the probability of preferred responses over the others, relative to where the model started.',
    needs: ['model', 'data'],
    example: 'beta=0.2',
  },
  {
    name: 'kto',
    summary: 'train a policy on single judgements, good or bad, without pairs',
    description:
      'Learns from responses that were each judged desirable or not (prompt, completion, label); preferences and rankings are taken apart.',
    needs: ['model', 'data'],
    example: 'desirableWeight=1.3',
  },
  {
    name: 'orpo',
    summary: 'fine-tune and prefer in one, from a base model, without a reference',
    description:
      'Odds ratio preference optimisation: cross-entropy on the chosen responses, and the odds of chosen against rejected.',
    needs: ['model', 'data'],
    example: 'beta=0.2',
  },
  {
    name: 'cpo',
    summary: 'train on comparisons without a reference model',
    description: 'Contrastive preference optimisation, with the losses sigmoid, hinge, ipo and simpo.',
    needs: ['model', 'data'],
    example: 'cpoAlpha=0.5',
  },
  {
    name: 'simpo',
    summary: 'the same on log-probabilities per token, with a margin',
    description:
      'SimPO: the chosen response should be likelier per token than the rejected one by a margin; no reference model.',
    needs: ['model', 'data'],
    example: 'simpoGamma=1.4',
  },
  {
    name: 'ppo',
    summary: 'optimise a policy against a reward model with PPO',
    description:
      'The policy answers prompts, the reward model scores the answers, and PPO moves the policy under a KL penalty to where it started.',
    needs: ['model', 'rewardModel', 'prompts'],
    example: 'klCoef=0.1',
  },
  {
    name: 'rloo',
    summary: 'the same without a value function: REINFORCE leave-one-out',
    description:
      'The policy answers each prompt several times; each answer is measured against the mean of the others.',
    needs: ['model', 'rewardModel', 'prompts'],
    example: 'numGenerations=4',
  },
  {
    name: 'grpo',
    summary: 'group relative policy optimisation: GRPO, DAPO, Dr. GRPO, GSPO, CISPO …',
    description:
      'The policy answers each prompt several times; each answer is measured by the mean and spread of its group.',
    needs: ['model', 'rewardModel', 'prompts'],
    example: 'lossType=dr_grpo',
  },
  {
    name: 'reinforce-plus-plus',
    summary: 'REINFORCE++, and with a group baseline',
    description:
      'PPO’s clipped loss without a value function: rewards to come are whitened over the whole batch.',
    needs: ['model', 'rewardModel', 'prompts'],
    example: 'baseline=group',
  },
  {
    name: 'online-dpo',
    summary: 'DPO on pairs that the policy writes and the reward model judges',
    description:
      'The policy answers each prompt several times; the best and the worst answer by the reward model make a pair for DPO.',
    needs: ['model', 'rewardModel', 'prompts'],
    example: 'beta=0.2',
  },
  {
    name: 'best-of-n',
    summary: 'keep the best of N answers to each prompt; trains nothing',
    description:
      'Writes the best answers as a data file that sft can learn from, and what the best of 1, 2, … N yields at which divergence from the policy.',
    needs: ['model', 'rewardModel', 'prompts'],
    example: 'numGenerations=16',
  },
  {
    name: 'raft',
    summary: 'rejection sampling: fine-tune on the best of N answers, again and again',
    description:
      'The policy answers each prompt N times and is fine-tuned on the best answers; then the better policy answers again.',
    needs: ['model', 'rewardModel', 'prompts'],
    example: 'numGenerations=16',
  },
];

type InputFlags = Partial<Record<keyof typeof inputs, string | readonly string[]>>;

/** `tenet train <method>`: one stage by itself, as a recipe of one stage made from flags. */
export function trainCommand(): Command {
  const command = new Command('train')
    .summary('one stage by itself: pretrain, sft, reward, dpo, grpo, ppo and others')
    .description(
      'Runs one method without writing a recipe. The run folder holds the recipe that it amounts to, the model and a report. ' +
        'For several stages in a row write a recipe: tenet run.',
    );
  for (const method of methods) command.addCommand(methodCommand(method));
  return command;
}

function methodCommand(method: Method): Command {
  const { name } = method;
  const command = new Command(name).summary(method.summary).description(method.description);
  for (const need of method.needs) command.option(inputs[need].flag, inputs[need].about);
  withRunFlags(command, { output: `runs/${name}`, example: method.example });
  return command
    .action(async (flags: RunFlags & InputFlags, self: Command) => {
      requireInputs(method, flags);
      const { json } = globalOptions(self);
      const [{ parseRecipe }, { recipeSchema, stageSchema }, { runRecipe, stageShortcuts }] =
        await Promise.all([
          import('../../run/recipe.ts'),
          import('../../run/run-recipe.ts'),
          import('../run-recipe-file.ts'),
        ]);
      const stage = stageSchema.options.find(({ shape }) => shape.type.value === name);
      const recipe = parseRecipe(`stages: [{ type: ${name} }]`, {
        schema: recipeSchema,
        file: `tenet train ${name}`,
        folder: '.',
        set: [...fileOverrides(method, flags), ...overridesOf(flags)],
        // The stage's options need no prefix here.
        shortcuts: (value) => ({
          ...Object.fromEntries(Object.keys(stage?.shape ?? {}).map((key) => [key, ['stages', 0, key]])),
          ...stageShortcuts(value),
        }),
      });
      const runFolder = flags.output ?? recipe.value.output ?? join('runs', name);
      await runRecipe({ recipe, name: recipe.value.name ?? name, runFolder, flags, json });
    })
    .addHelpText('after', () => optionsText.get(name) ?? '');
}

function fileOverrides({ needs }: Method, flags: InputFlags): string[] {
  return needs.flatMap((need) => {
    const value = flags[need];
    if (value === undefined) return [];
    const plain = Array.isArray(value) && value.length === 1 ? value[0] : value;
    return [`${inputs[need].option}=${JSON.stringify(plain)}`];
  });
}

/** Names everything that is missing at once; what --set gives need not be given again. */
function requireInputs({ name, needs }: Method, flags: RunFlags & InputFlags): void {
  const missing = needs.filter((need) => {
    const [word] = inputs[need].option.split('.');
    const isSet = (option: string): boolean => flags.set?.some((given) => given.startsWith(option)) ?? false;
    // A judge's scores under a constitution, or a list of objectives, stand in for a reward model.
    const isReplaced = need === 'rewardModel' && (isSet('judge') || isSet('rewards'));
    return flags[need] === undefined && !isSet(word) && !isReplaced;
  });
  if (missing.length === 0) return;
  const width = Math.max(...missing.map((need) => inputs[need].flag.length));
  const list = missing.map((need) => `  ${inputs[need].flag.padEnd(width)}  ${inputs[need].about}`);
  throw new TenetError('usage', `tenet train ${name} lacks:\n${list.join('\n')}`);
}

/** Options that make sense among several stages only, or that flags give. */
const amongStages: readonly string[] = ['type', 'name', 'model', 'rewardModel', 'rewardModelPath'];

/** Options with so many of their own that their descriptions say where to find them. */
const folded: readonly string[] = ['rewards', 'rewardMix', 'monitors.heldOut'];

/** Help on the options of each method, by its name; filled by `loadTrainHelp`. */
const optionsText = new Map<string, string>();

/**
 * Writes the methods' help from the schema that checks them. Commander wants help text at once and the schema
 * is too heavy to be loaded at every start, so this comes first when help on `train` is asked for.
 */
export async function loadTrainHelp(): Promise<void> {
  const [{ optionsHelp }, { stageSchema }, { z }] = await Promise.all([
    import('../../run/describe-options.ts'),
    import('../../run/run-recipe.ts'),
    import('zod'),
  ]);
  const width = Math.min(process.stdout.columns ?? 100, 110);
  for (const stage of stageSchema.options) {
    const own = Object.entries(stage.shape).filter(([key]) => !amongStages.includes(key));
    const help = optionsHelp(z.strictObject(Object.fromEntries(own)), width, folded);
    optionsText.set(stage.shape.type.value, `\nOptions of the method, for --set:\n${help}`);
  }
}
