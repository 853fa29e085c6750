/**
 * The evaluate stage: every policy of the run answers the same held-out prompts; what changed is measured with
 * intervals and shown side by side.
 */
import { resolve } from 'node:path';
import { meanOf, TenetError } from '../../base/index.ts';
import type { Example } from '../../data/index.ts';
import { Generator, scoreHeadName } from '../../model/index.ts';
import { bootstrapMean, type Interval, studentInterval, wilsonInterval } from '../../objective/index.ts';
import { type GoldReward, goldReward } from '../../sandbox/index.ts';
import {
  drawsFor,
  HeadScorer,
  ResponseScorer,
  type RewardEvaluation,
  type RewardItem,
} from '../../train/index.ts';
import { addTables, type EvaluationCell, type EvaluationTable } from '../evaluation.ts';
import { loadData } from '../load-data.ts';
import type { ObjectiveOptions } from '../reward-options.ts';
import type { StageOf, StageRecipe } from '../run-recipe.ts';
import { expectPrompts } from './expect-examples.ts';
import { labelCosts, labelCostTable, totalUsd } from './label-cost.ts';
import { type OpenObjective, type OpenObjectives, openObjectives } from './objectives.ts';
import {
  encoderFor,
  promptText,
  type StageResult,
  type StageRun,
  type StartModel,
  sampled,
  startModel,
} from './stage-run.ts';

/** One model's answers to all prompts, with a value per prompt for everything measured. */
interface Answers {
  readonly model: string;
  readonly texts: readonly string[];
  readonly measures: Readonly<Record<string, Float64Array>>;
}

interface Measure {
  readonly name: string;
  readonly unit?: string;
  readonly better?: 'higher' | 'lower';
  /** True: 0 or 1 per prompt. */
  readonly isShare?: boolean;
}

const goldMeasures: readonly (keyof GoldReward)[] = [
  'total',
  'helpful',
  'honest',
  'harmless',
  'concise',
  'wellFormed',
];
const goldNames: Readonly<Record<keyof GoldReward, string>> = {
  total: 'gold reward',
  helpful: 'helpful',
  honest: 'honest',
  harmless: 'harmless',
  concise: 'concise',
  wellFormed: 'well-formed',
};

/** The stages after which a policy has moved away from what it had learnt to write. */
const aligningStages: ReadonlySet<StageRecipe['type']> = new Set([
  ...(['ppo', 'rloo', 'grpo', 'reinforce-plus-plus', 'online-dpo', 'raft'] as const),
  ...(['dpo', 'kto', 'orpo', 'cpo', 'simpo'] as const),
]);

export async function runEvaluate(options: StageOf<'evaluate'>, stage: StageRun): Promise<StageResult> {
  const { context, run, seed } = stage;
  const { examples, inputs } = await loadData(options.prompts, {
    purpose: `${stage.name} prompts`,
    lines: true,
    folder: context.folder,
    seed,
  });
  await run.recordInputs(inputs);
  expectPrompts(stage, examples);
  const inSandbox = options.prompts.sandbox === 'prompts';

  // Step 1. The same prompts for every policy, oldest first; divergence is measured from what was there before the
  // first stage that follows preferences or rewards.
  const names = policyNames(stage);
  const reward = await newestReward(stage);
  const aligned = stage.finished.find(({ type }) => aligningStages.has(type));
  const referenceName = aligned ? (names[names.indexOf(aligned.name) - 1] ?? null) : null;
  const reference = referenceName
    ? { ...(await startPolicy(stage, referenceName)), name: referenceName }
    : null;
  const objectives = await openEvaluated(options, stage, referenceName ?? names[0]);
  const answers: Answers[] = [];
  try {
    for (const [i, name] of names.entries()) {
      const policy = await startPolicy(stage, name);
      const compared = reference && i > names.indexOf(referenceName as string) ? reference : null;
      const parts = { options, stage, reward, reference: compared, inSandbox };
      answers.push(await answer(name, policy, examples, { ...parts, objectives: objectives.objectives }));
      context.progress(i + 1, names.length);
    }
  } finally {
    await objectives.release();
  }

  // Step 2. Tables.
  const measures: Measure[] = [
    ...(inSandbox ? goldMeasures.map((key) => ({ name: goldNames[key], better: 'higher' as const })) : []),
    ...(reward ? [{ name: 'reward model', better: 'higher' as const }] : []),
    ...(reference ? [{ name: `KL from ${referenceName}`, unit: 'nats' }] : []),
    { name: 'length', unit: 'tokens' },
    { name: 'ended', unit: '%', better: 'higher', isShare: true },
  ];
  const costs = labelCosts(run.manifest.stages);
  const tables: EvaluationTable[] = [
    {
      title: 'Models on held-out prompts',
      columns: [
        ...measures.map(({ name, unit, better }) => ({
          name,
          ...(unit && { unit }),
          ...(better && { better }),
        })),
        ...(costs ? [{ name: 'label cost', unit: '$', better: 'lower' as const }] : []),
      ],
      rows: answers.map(({ model, measures: values }) => ({
        name: model,
        cells: [
          ...measures.map((measure) => cellOf(values[measure.name], measure)),
          ...(costs ? [{ value: totalUsd(costs.get(model)) }] : []),
        ],
      })),
      note: `${answers[0].texts.length} prompts, one response each at temperature ${options.temperature}; 95 % intervals of the mean (Student), shares by Wilson.`,
    },
  ];
  const headline = inSandbox
    ? goldNames.total
    : reward || objectives.objectives.length === 0
      ? 'reward model'
      : measureOf(objectives.objectives[0].name);
  const changes = changeTable(answers, headline, seed);
  if (changes) tables.push(changes);
  if (costs) tables.push(labelCostTable(names, costs));
  if (objectives.objectives.length > 0) tables.push(objectivesTable(answers, objectives.objectives));
  const rewardTable = rewardModelTable(stage);
  if (rewardTable) tables.push(rewardTable);
  // Several stages evaluate on prompts of their own, and each keeps its tables.
  const isOnly = stage.recipe.stages.filter(({ type }) => type === 'evaluate').length === 1;
  await addTables(
    run.path,
    isOnly ? tables : tables.map((table) => ({ ...table, title: `${stage.name}: ${table.title}` })),
  );

  // Step 3. The first prompts with everybody's answers.
  for (const [i, example] of examples.slice(0, options.samples).entries()) {
    answers.forEach(({ model, texts, measures: values }, step) => {
      const scores = Object.fromEntries(
        [headline, 'reward model'].filter((name) => values[name]).map((name) => [name, values[name][i]]),
      );
      context.sample({ step, model, prompt: promptText(example), response: texts[i], scores });
    });
  }
  const means = Object.fromEntries(
    answers.map(({ model, measures: values }) => [
      model,
      values[headline] ? meanOf(applicable(values[headline])) : null,
    ]),
  );
  return { prompts: examples.length, headline, means };
}

/** The run's policies, oldest first: the base model, then what each stage made. */
function policyNames(stage: StageRun): string[] {
  const made = stage.finished.filter(({ result }) => result.model?.head === 'causal').map(({ name }) => name);
  return stage.recipe.model ? ['base', ...made] : made;
}

/** The run's newest reward model; null where there is none, or it has no one score. */
async function newestReward(stage: StageRun): Promise<StartModel | null> {
  if (!stage.finished.some(({ result }) => result.model?.head === 'reward')) return null;
  const model = await startModel(stage, { head: 'reward' });
  return model.heads?.kind === 'objectives' ? null : model;
}

function startPolicy(stage: StageRun, name: string): Promise<StartModel> {
  const isBase =
    name === 'base' && stage.recipe.model && !stage.finished.some((finished) => finished.name === name);
  return startModel(
    stage,
    isBase && stage.recipe.model ? { path: resolve(stage.recipe.model.path) } : { from: name },
  );
}

async function answer(
  name: string,
  policy: StartModel,
  examples: readonly Example[],
  {
    options,
    stage,
    reward,
    reference,
    inSandbox,
    objectives,
  }: {
    options: StageOf<'evaluate'>;
    stage: StageRun;
    reward: StartModel | null;
    reference: StartModel | null;
    inSandbox: boolean;
    objectives: readonly OpenObjective[];
  },
): Promise<Answers> {
  const engine = { threads: stage.threads };
  const encoder = encoderFor(stage, policy.tokenizer, policy.config.maxPositions);
  const random = drawsFor(stage.seed, 'evaluation', 0); // the same draws for every model
  const prompts = examples.map((example) => {
    const ids = encoder.encodePrompt(example, {
      reserve: options.responseLength,
      tooLong: 'truncate-prompt',
    });
    if (ids) return ids;
    throw new TenetError(
      'usage',
      `stage "${stage.name}": responseLength is ${options.responseLength}, but ${name} holds only ` +
        `${policy.config.maxPositions} tokens, prompt included; lower responseLength.`,
    );
  });
  const generator = await Generator.create(policy.config, policy.parameters, engine);
  const sampling = generator.generate(
    prompts.map((prompt) => ({
      prompt,
      maxNewTokens: options.responseLength,
      temperature: options.temperature,
      stopIds: policy.stopIds,
      seed: random.uint32(),
    })),
    { signal: stage.context.signal },
  );
  const generations = await sampled(stage, sampling).finally(() => generator.release());
  const items = generations.map(
    ({ ids, finish }, i): RewardItem => ({
      prompt: prompts[i],
      response: ids,
      promptText: promptText(examples[i]),
      responseText: policy.tokenizer.decode(Array.from(ids), { skipSpecialTokens: true }).trim(),
      ended: finish === 'stop',
    }),
  );
  const measures: Record<string, Float64Array> = {
    length: Float64Array.from(items, ({ response }) => response.length),
    ended: Float64Array.from(items, ({ ended }) => (ended ? 1 : 0)),
  };
  if (inSandbox) {
    const golds = items.map((item) => goldReward(item.promptText, item.responseText));
    for (const key of goldMeasures) measures[goldNames[key]] = Float64Array.from(golds, (gold) => gold[key]);
  }
  for (const { name: objective, score } of objectives) {
    const { values } = await score(items);
    measures[measureOf(objective)] = Float64Array.from(values, (value) => value ?? Number.NaN);
  }
  if (reward) {
    const scorer = await HeadScorer.create(reward.config, reward.parameters, scoreHeadName, engine);
    const scores = await scorer.scoreHeads(reward.parameters, items); // several: an ensemble's
    measures['reward model'] = Float64Array.from(
      items,
      (_, i) => scores.reduce((sum, head) => sum + head[i], 0) / scores.length,
    );
    await scorer.release();
  }
  if (reference) {
    const scorer = await ResponseScorer.create(policy.config, policy.parameters, {
      ...engine,
      temperature: options.temperature || 1,
    });
    const own = await scorer.logProbs(policy.parameters, items);
    const other = await scorer.logProbs(reference.parameters, items);
    await scorer.release();
    measures[`KL from ${reference.name}`] = Float64Array.from(own, (logProbs, i) =>
      logProbs.reduce((sum, logProb, t) => sum + logProb - other[i][t], 0),
    );
  }
  return { model: name, texts: items.map(({ responseText }) => responseText), measures };
}

/** The values of the prompts that a measure applies to. */
function applicable(values: Float64Array): Float64Array {
  return values.filter((value) => !Number.isNaN(value));
}

function cellOf(found: Float64Array | undefined, { isShare }: Pick<Measure, 'isShare'>): EvaluationCell {
  const values = applicable(found ?? new Float64Array(0));
  if (values.length < 2) return { value: null };
  if (!isShare) return toCell(studentInterval(values));
  return toCell(
    wilsonInterval(
      values.reduce((sum, value) => sum + value, 0),
      values.length,
    ),
    100,
  );
}

function toCell({ estimate, low, high }: Interval, factor = 1): EvaluationCell {
  return { value: estimate * factor, low: low * factor, high: high * factor };
}

/** The objectives that the stages before have learnt from, each once; a later stage's word counts. */
async function openEvaluated(
  { objectives }: StageOf<'evaluate'>,
  stage: StageRun,
  start: string,
): Promise<OpenObjectives> {
  const before = new Set(stage.finished.map(({ name }) => name));
  const wanted = new Map<string, ObjectiveOptions>();
  for (const one of objectives ? stage.recipe.stages : []) {
    if (!('rewards' in one) || !before.has(one.name ?? one.type)) continue;
    for (const objective of one.rewards ?? []) wanted.set(objective.name, objective);
  }
  if (wanted.size === 0) return { objectives: [], release: async () => {} };
  const policy = await startPolicy(stage, start);
  return openObjectives([...wanted.values()], stage, policy, { allowWeakReward: true });
}

function measureOf(objective: string): string {
  return `objective ${objective}`;
}

/** What the policies were to get better at, before and after. */
function objectivesTable(answers: readonly Answers[], objectives: readonly OpenObjective[]): EvaluationTable {
  return {
    kind: 'objectives',
    title: 'Objectives on held-out prompts',
    columns: objectives.map(({ name, weight = 1, atLeast, atMost }) => ({
      name,
      better: atMost !== undefined || (atLeast === undefined && weight < 0) ? 'lower' : 'higher',
      ...(atLeast !== undefined && { unit: `at least ${atLeast}`, atLeast }),
      ...(atMost !== undefined && { unit: `at most ${atMost}`, atMost }),
    })),
    rows: answers.map(({ model, measures }) => ({
      name: model,
      cells: objectives.map(({ name }) => cellOf(measures[measureOf(name)], {})),
    })),
    note: `${objectives.map(({ name, source }) => `${name}: ${source}`).join('; ')}. 95 % intervals of the mean (Student).`,
  };
}

/** What each stage changed, prompt by prompt against the model before it; null with one model. */
function changeTable(answers: readonly Answers[], headline: string, seed: number): EvaluationTable | null {
  const comparable = answers.filter(({ measures }) => measures[headline]);
  if (comparable.length < 2) return null;
  return {
    title: `Change in ${headline}`,
    columns: [{ name: 'difference', better: 'higher' }],
    rows: comparable.slice(1).map(({ model, measures }, i) => {
      const before = comparable[i];
      const differences = applicable(
        measures[headline].map((value, j) => value - before.measures[headline][j]),
      );
      const cell = differences.length < 2 ? { value: null } : toCell(bootstrapMean(differences, { seed }));
      return { name: `${model} − ${before.model}`, cells: [cell] };
    }),
    note: 'Differences on the same prompts; 95 % intervals by bootstrap. An interval without 0 is a change that chance does not explain.',
  };
}

/** The newest reward model on held-out pairs, beside trivial rules and, in the sandbox, the ceiling; head by head. */
function rewardModelTable(stage: StageRun): EvaluationTable | null {
  const trained = stage.finished.findLast(({ type }) => type === 'reward');
  const { evaluation, heads, ceiling } = (trained?.result ?? {}) as {
    readonly evaluation?: RewardEvaluation;
    readonly heads?: Readonly<Record<string, RewardEvaluation | null>>;
    readonly ceiling?: number;
  };
  if (!trained || !(evaluation || heads)) return null;
  const measured = Object.entries(heads ?? {}).flatMap(([name, one]) => (one ? [[name, one] as const] : []));
  const percent = (interval: Interval): EvaluationCell[] => [toCell(interval, 100)];
  return {
    title: 'Reward model on held-out pairs',
    columns: [{ name: 'accuracy', unit: '%', better: 'higher' }],
    rows: [
      ...(evaluation ? [{ name: trained.name, cells: percent(evaluation.accuracy) }] : []),
      ...measured.map(([name, one]) => ({ name: `${trained.name}, ${name}`, cells: percent(one.accuracy) })),
      ...(evaluation
        ? [
            { name: 'longest wins', cells: percent(evaluation.longestWins) },
            { name: 'shortest wins', cells: percent(evaluation.shortestWins) },
            ...(evaluation.firstWins ? [{ name: 'first wins', cells: percent(evaluation.firstWins) }] : []),
          ]
        : measured.map(([name, one]) => ({
            name: `longest wins, ${name}`,
            cells: percent(one.longestWins),
          }))),
      ...(ceiling === undefined
        ? []
        : [{ name: 'ceiling that annotator noise allows', cells: [{ value: 100 * ceiling }] }]),
    ],
    note: evaluation
      ? `${evaluation.pairs} pairs; calibration error ${evaluation.calibrationError.toFixed(3)}; 95 % intervals by Wilson.`
      : `${measured.map(([name, one]) => `${name}: ${one.pairs} pairs, calibration error ${one.calibrationError.toFixed(3)}`).join('; ')}; 95 % intervals by Wilson.`,
  };
}
