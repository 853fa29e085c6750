/** Finds before a run begins what would otherwise fail after hours: stages whose inputs nothing before them makes. */
import { existsSync } from 'node:fs';
import { TenetError } from '../base/index.ts';
import { learnsFromComparisons, type RunRecipe, type StageRecipe } from './run-recipe.ts';

/** What the recipe's stages so far have made. */
interface Made {
  /** All stages. */
  readonly names: readonly string[];
  /** Those with a language model, `base` among them where the recipe has one. */
  readonly policies: readonly string[];
  readonly rewardModels: readonly string[];
  readonly judged: readonly string[];
  readonly comparisons: boolean;
  readonly demonstrations: boolean;
}

/** Stages that end with a language model. */
const makesPolicy: ReadonlySet<StageRecipe['type']> = new Set([
  ...(['pretrain', 'sft', 'dpo', 'kto', 'orpo', 'cpo', 'simpo', 'ppo'] as const),
  ...(['rloo', 'grpo', 'reinforce-plus-plus', 'online-dpo', 'raft'] as const),
]);

/** @throws TenetError('usage') naming everything that a stage lacks */
export function checkOrder(recipe: RunRecipe, names: readonly string[]): void {
  const problems: string[] = [];
  let made: Made = {
    ...{ names: [], rewardModels: [], judged: [], comparisons: false, demonstrations: false },
    policies: recipe.model ? ['base'] : [],
  };
  recipe.stages.forEach((stage, i) => {
    const found = [
      ...modelProblems(stage, made),
      ...rewardProblems(stage, made),
      ...dataProblems(stage, made),
    ];
    problems.push(...found.map((problem) => `stages[${i}] (${names[i]})${problem}`));
    made = madeAfter(stage, names[i], made);
  });
  if (problems.length === 0) return;
  throw new TenetError(
    'usage',
    `The recipe cannot run:\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
  );
}

function madeAfter({ type, ...options }: StageRecipe, name: string, made: Made): Made {
  const hasPolicy = type === 'pretrain' || made.policies.length > 0; // else it has failed itself
  const makesPairs = 'pairs' in options && type === 'critique' && options.pairs;
  return {
    names: [...made.names, name],
    policies: hasPolicy && makesPolicy.has(type) ? [...made.policies, name] : made.policies,
    rewardModels: type === 'reward' ? [...made.rewardModels, name] : made.rewardModels,
    judged: type === 'compare' ? [...made.judged, name] : made.judged,
    comparisons: made.comparisons || type === 'rankings' || type === 'compare' || makesPairs,
    demonstrations: made.demonstrations || type === 'best-of-n' || type === 'critique',
  };
}

/** The model that a stage starts from, and those that criticise and judge. */
function modelProblems(stage: StageRecipe, { names, policies }: Made): string[] {
  const problems: string[] = [];
  const needsModel = stage.type === 'guard' ? stage.model !== undefined : stage.type !== 'pretrain';
  if (needsModel && policies.length === 0) {
    problems.push(
      ' has no model to start from: give the recipe model: { path: … }, or put a pretrain stage first',
    );
  }
  const start = 'model' in stage ? stage.model : undefined;
  if (start !== undefined && !policies.includes(start)) {
    problems.push(
      names.includes(start)
        ? `: model "${start}" is a stage that makes no language model; those that do: ${listOf(policies)}`
        : `: model "${start}" is not the name of an earlier stage (${listOf(names)})`,
    );
  }
  const stages = policies.filter((name) => names.includes(name)); // the base model has no such name
  for (const [option, asked] of askedModels(stage)) {
    if (asked === undefined || asked.includes(':') || stages.includes(asked) || existsSync(asked)) continue;
    problems.push(
      `: ${option} "${asked}" is neither an earlier stage with a language model (${listOf(stages)}) nor a model ` +
        'such as openai:gpt-4.1-mini or local:<folder>',
    );
  }
  return problems;
}

/** Models that a stage asks besides, by the option that names them. */
function askedModels(stage: StageRecipe): (readonly [option: string, model: string | undefined])[] {
  if (stage.type === 'critique') return [['critic', stage.critic]];
  if (stage.type === 'compare') return [['judge', stage.judge]];
  if (stage.type === 'guard') return [['generate.model', stage.generate?.model]];
  if (!('allowWeakReward' in stage)) return [];
  return [
    ...('judge' in stage ? [['judge.model', stage.judge?.model] as const] : []),
    ...(stage.rewards ?? []).map(
      ({ name, judge }) => [`judge.model of objective "${name}",`, judge?.model] as const,
    ),
  ];
}

/** Where the rewards of a stage come from, and what watches over them. */
function rewardProblems(stage: StageRecipe, made: Made): string[] {
  const { rewardModels } = made;
  const problems: string[] = [];
  const unknown = (wanted: string | readonly string[] = []): string[] =>
    [wanted].flat().filter((name) => !rewardModels.includes(name));
  if ('allowWeakReward' in stage && stage.rewards) {
    for (const { name, rewardModel } of stage.rewards) {
      for (const wanted of unknown(rewardModel)) {
        problems.push(
          `: rewardModel "${wanted}" of objective "${name}" is not the name of an earlier reward stage (${listOf(rewardModels)})`,
        );
      }
    }
    const learned = stage.rewardMix?.learnedWeights;
    if (learned && !learned.data && !made.comparisons) {
      problems.push(
        ' has no comparisons to learn weights from: give rewardMix.learnedWeights data: { path: … }, or put a rankings or compare stage before it',
      );
    }
  } else if ('allowWeakReward' in stage && !('judge' in stage && stage.judge)) {
    const { rewardModel, rewardModelPath } = stage;
    if (unknown(rewardModel).length > 0) {
      problems.push(
        `: rewardModel "${rewardModel}" is not the name of an earlier reward stage (${listOf(rewardModels)})`,
      );
    } else if (rewardModels.length === 0 && rewardModelPath === undefined) {
      problems.push(' has no reward model: put a reward stage before it, or give rewardModelPath');
    }
  }
  if ('prompts' in stage && 'monitors' in stage && stage.monitors) {
    const { action, actions, heldOut } = stage.monitors;
    for (const wanted of unknown(heldOut?.rewardModel)) {
      problems.push(
        `: monitors name heldOut.rewardModel "${wanted}", which is not an earlier reward stage (${listOf(rewardModels)})`,
      );
    }
    const goesBack = [action, ...Object.values(actions)].includes('rollback');
    if (goesBack && !heldOut && !stage.prompts.sandbox) {
      problems.push(
        ': monitors go back to the best policy by a held-out reward, and there is none; give heldOut',
      );
    }
  }
  return problems;
}

/** Comparisons, demonstrations and labels that stages take from those before them. */
function dataProblems(stage: StageRecipe, { comparisons, demonstrations, judged }: Made): string[] {
  if (learnsFromComparisons(stage) && !stage.data && !comparisons) {
    return [' has no data: give it data: { path: … }, or put a rankings or compare stage before it'];
  }
  if (stage.type === 'sft' && !stage.data && !demonstrations) {
    return [' has no data: give it data: { path: … }, or put a best-of-n or critique stage before it'];
  }
  if (stage.type !== 'hybrid') return [];
  if (judged.length === 0) return [" has no judge's labels to share out: put a compare stage before it"];
  const { labels } = stage;
  if (labels === undefined || judged.includes(labels)) return [];
  return [`: labels "${labels}" is not the name of an earlier compare stage (${listOf(judged)})`];
}

function listOf(names: readonly string[]): string {
  return names.join(', ') || 'there is none';
}
