/** The objectives of a stage, opened: reward models, functions, rules, judges and the sandbox's gold. */
import { basename, dirname, join } from 'node:path';
import { hashFile, TenetError } from '../../base/index.ts';
import { constitutionReward, loadConstitution } from '../../constitution/index.ts';
import { type LanguageModel, openModel } from '../../llm/index.ts';
import { singleHead } from '../../model/index.ts';
import { goldReward, parsePrompt } from '../../sandbox/index.ts';
import {
  loadTextReward,
  modelObjective,
  type Objective,
  objectiveOf,
  type RewardItem,
  type RewardMember,
  ruleOf,
  type StateListener,
  textReward,
} from '../../train/index.ts';
import type { ObjectiveOptions } from '../reward-options.ts';
import type { StageOf } from '../run-recipe.ts';
import { constitutionInput, criticSpec } from './feedback.ts';
import { checkReward, refuseOtherTokenizer } from './reward-checks.ts';
import { type StageRun, type StartModel, startModel } from './stage-run.ts';

export type JudgeOptions = NonNullable<StageOf<'rloo'>['judge']>;

export interface OpenObjective extends Objective {
  /** Where its values come from, for reports: `reward model harmless`, `rule length`. */
  readonly source: string;
  /** Of reward models: the first of them. */
  readonly model?: StartModel;
}

export interface OpenObjectives {
  readonly objectives: readonly OpenObjective[];
  /** Frees the judges. */
  release(): Promise<void>;
}

/**
 * Opens every objective.
 * @param options.allowWeakReward true: reward models of this run need not be better than chance
 * @param options.onStates told the states of the reward model, where there is exactly one
 * @throws TenetError('usage') naming the objective that cannot be opened; TenetError('preflight') for a reward model that
 *   would misread the policy or knows nothing
 */
export async function openObjectives(
  wanted: readonly ObjectiveOptions[],
  stage: StageRun,
  policy: StartModel,
  options: OpenOptions,
): Promise<OpenObjectives> {
  const judges: LanguageModel[] = [];
  const release = async (): Promise<void> => {
    await Promise.all(judges.map((judge) => judge.close()));
  };
  try {
    const objectives: OpenObjective[] = [];
    const onStates = wanted.flatMap(placesOf).length === 1 ? options.onStates : undefined;
    for (const objective of wanted) {
      const { name, weight, atLeast, atMost } = objective;
      const role = { name, weight, atLeast, atMost };
      objectives.push({
        ...(await open(objective, stage, policy, { ...options, onStates, judges })),
        ...role,
      });
    }
    return { objectives, release };
  } catch (error) {
    await release();
    throw error;
  }
}

interface OpenOptions {
  readonly allowWeakReward: boolean;
  readonly onStates?: StateListener;
}

type Opened = Pick<OpenObjective, 'score' | 'source' | 'model'>;

async function open(
  objective: ObjectiveOptions,
  stage: StageRun,
  policy: StartModel,
  options: OpenOptions & { readonly judges: LanguageModel[] },
): Promise<Opened> {
  const { name } = objective;
  if (objective.rule) {
    const rule = ruleOf(objective.rule);
    const score = async (items: readonly RewardItem[]) => ({ values: items.map(rule) });
    return { score, source: `rule ${objective.rule.type}` };
  }
  if (objective.gold) {
    const part = objective.gold;
    const score = async (items: readonly RewardItem[]) => ({
      values: items.map(({ promptText, responseText }) =>
        parsePrompt(promptText) ? goldReward(promptText, responseText.trim())[part] : null,
      ),
    });
    return { score, source: `gold ${part}` };
  }
  if (objective.function !== undefined) return openFunction(objective, objective.function, stage);
  if (objective.judge) {
    const { judge, reward } = await openJudge(objective.judge, stage, policy, `objective ${name}`);
    options.judges.push(judge);
    return { score: objectiveOf(name, reward).score, source: `judge ${judge.id}` };
  }
  return openModels(objective, stage, policy, options);
}

/** Any function that a module exports; which file it was is part of the run's record. */
async function openFunction(
  { name, export: exportName, timeoutMs, concurrency }: ObjectiveOptions,
  path: string,
  stage: StageRun,
): Promise<Opened> {
  const reward = await loadTextReward(path, exportName);
  const hash = await hashFile(path);
  await stage.run.recordInputs([{ kind: 'code', name: `${stage.name} objective ${name}`, path, hash }]);
  const call = textReward(reward, { name: `"${name}" (${basename(path)})`, timeoutMs, concurrency });
  return { score: objectiveOf(name, call).score, source: `function ${basename(path)}` };
}

/** @see Lee et al. 2023, arXiv:2309.00267: d-RLAIF */
export async function openJudge(
  options: JudgeOptions,
  stage: StageRun,
  policy: StartModel,
  purpose: string,
): Promise<{ readonly judge: LanguageModel; readonly reward: ReturnType<typeof constitutionReward> }> {
  const { model: wanted, constitution: path = 'default', ...scoring } = options;
  const constitution = await loadConstitution(path);
  await stage.run.recordInputs([constitutionInput(constitution, `${stage.name} ${purpose}`)]);
  const spec = wanted === undefined ? `local:${policy.folder}` : await criticSpec(stage, wanted, 'judge');
  const judge = await openModel(spec, { engine: { threads: stage.threads } });
  return { judge, reward: constitutionReward(judge, constitution, { ...scoring, seed: stage.seed }) };
}

/** One reward model, or several as an ensemble; of one with several heads one, or all. */
async function openModels(
  objective: ObjectiveOptions,
  stage: StageRun,
  policy: StartModel,
  { allowWeakReward, onStates }: OpenOptions,
): Promise<Opened> {
  const { name, ensemble: rule, spreadWeight } = objective;
  const places = placesOf(objective);
  const models: StartModel[] = [];
  for (const [i, place] of places.entries()) {
    const role = `reward model ${name}${places.length > 1 ? ` ${i + 1}` : ''}`;
    const model = await startModel(stage, { ...place, head: 'reward', role });
    refuseOtherTokenizer(policy, model, stage.name);
    if (!allowWeakReward) checkReward(stage, model.name, objective.head);
    models.push(model);
  }
  const members = models.map((model) => memberOf(model, objective, stage.name));
  const score = await modelObjective(members, { threads: stage.threads, rule, spreadWeight, onStates });
  const count = members.reduce((sum, { heads = [0] }) => sum + heads.length, 0);
  const names = models.map(placeOf).join(', ');
  const head = objective.head === undefined ? '' : `, head ${objective.head}`;
  const source = `reward model${models.length > 1 ? 's' : ''} ${names}${head}${count > 1 ? ` (ensemble of ${count}, ${rule ?? 'mean'})` : ''}`;
  return { score, source, model: models[0] };
}

/** Where the reward models of an objective are. */
function placesOf({
  rewardModel,
  rewardModelPath,
}: ObjectiveOptions): ({ readonly from: string } | { readonly path: string })[] {
  return [
    ...[rewardModel ?? []].flat().map((from) => ({ from })),
    ...[rewardModelPath ?? []].flat().map((path) => ({ path })),
  ];
}

/** The stage that made a model, or the end of its path: `04-reward/model`. */
function placeOf({ name, folder }: StartModel): string {
  return name === basename(folder) ? join(basename(dirname(folder)), name) : name;
}

/**
 * The heads of a reward model that take part in an objective.
 * @throws TenetError('usage') where it has several for several objectives, and none of them is named
 */
export function memberOf(
  model: StartModel,
  { name, head }: Pick<ObjectiveOptions, 'name' | 'head'>,
  stage: string,
): RewardMember {
  const { config, parameters } = model;
  const { kind, names, means } = model.heads ?? singleHead;
  const heads = head === undefined ? names.map((_, i) => i) : [names.indexOf(head)];
  if (heads.includes(-1) || (head === undefined && kind === 'objectives')) {
    throw new TenetError(
      'usage',
      `stage "${stage}": objective "${name}" ${head === undefined ? 'does not say which head of' : `asks for head "${head}" of`} reward model ` +
        `${placeOf(model)}, which has: ${names.join(', ')}. Choose one: rewards: [{ name: ${name}, head: ${names[0]}, … }].`,
    );
  }
  return { config, parameters, heads, ...(means && { means: heads.map((i) => means[i]) }) };
}
