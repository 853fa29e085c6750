/**
 * Writes the reference of recipes from the schema that checks them: `docs/recipes.md` for people and
 * `docs/recipe.schema.json` for editors.
 *
 *   npx tsx scripts/generate-docs.ts
 *
 * A test (`tests/docs.test.ts`) fails when the files in the repository are not what this writes.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { optionsJsonSchema, optionsMarkdown } from '../src/run/describe-options.ts';
import { policyMonitors } from '../src/run/monitor-options.ts';
import { objectiveOptions, rewardMixOption } from '../src/run/reward-options.ts';
import { dataSource, recipeSchema, type StageRecipe, stageSchema } from '../src/run/run-recipe.ts';
import { ruleOptions } from '../src/train/index.ts';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** What each stage does, in the order of a usual recipe. */
const about: Readonly<Record<StageRecipe['type'], string>> = {
  pretrain:
    'Learns a byte-level BPE vocabulary from text, creates a Llama-shaped model and trains it to predict the next token. Alone: `tenet train pretrain`.',
  sft: 'Fine-tunes the model on demonstrations; by default only responses count in the loss. Alone: `tenet train sft`.',
  rankings:
    'The policy answers each prompt several times and the simulated annotators of the sandbox world rank the answers. Rankings made by people come from a file instead, as `data` of the reward stage.',
  critique:
    'Phase 1 of Constitutional AI: the policy answers prompts, and a critic criticises and revises the answers under principles of a constitution; the revisions become demonstrations for sft. Every step is in the ledger. Alone: `tenet critique`; see [constitution.md](constitution.md).',
  compare:
    'Phase 2: the policy answers each prompt several times, and a judge compares the answers under a constitution; the soft labels become comparisons for reward. Says how far the judge can be trusted. Alone: `tenet compare`; see [constitution.md](constitution.md).',
  hybrid:
    'Shares a compare stage’s items between its judge and people: people label a random sample, the judge is calibrated on it and labels alone where people would agree often enough, people label the rest, an adjudicator decides where both disagree, and audits watch over it. Waits for people and goes on with --resume. See [labelling.md](labelling.md).',
  reward:
    'Trains a reward model from comparisons or K-way rankings, starting from the policy, and measures it on held-out pairs beside trivial rules. Alone: `tenet train reward`.',
  dpo: 'Trains the policy directly on comparisons, without a reward model and without sampling. Alone: `tenet train dpo`.',
  kto: 'Trains the policy on responses that were each judged desirable or not, without pairs. Alone: `tenet train kto`.',
  orpo: 'Fine-tunes on the chosen responses and tells them from the rejected ones in one loss, without a reference model; it can start from a base model. Alone: `tenet train orpo`.',
  cpo: 'Trains the policy on comparisons without a reference model. Alone: `tenet train cpo`.',
  simpo:
    'The same on log-probabilities per token with a margin, with the defaults of the SimPO paper. Alone: `tenet train simpo`.',
  ppo: 'The policy answers prompts, the reward model scores the answers, and proximal policy optimisation moves the policy under a KL penalty to where it started. Alone: `tenet train ppo`.',
  rloo: 'The policy answers each prompt several times; each answer is measured against the mean of the others, so that no value function is needed. Alone: `tenet train rloo`.',
  grpo: 'The policy answers each prompt several times; each answer is measured by the mean and the spread of its group. Alone: `tenet train grpo`.',
  'reinforce-plus-plus':
    'PPO’s clipped loss without a value function: what follows a token is whitened over the whole batch, or, with `baseline: group`, the score less the mean of its group. Alone: `tenet train reinforce-plus-plus`.',
  'online-dpo':
    'The policy answers each prompt several times; the best and the worst answer by the reward model make a pair, and DPO learns from these pairs. Alone: `tenet train online-dpo`.',
  'best-of-n':
    'The policy answers each prompt N times and the best answers by the reward model become a data file, which an sft stage after it learns from unless it names other data. The report shows what the best of 1, 2, … N yields, and the bound log n − (n − 1) / n of its divergence from the policy. Alone: `tenet train best-of-n`.',
  raft: 'Rejection sampling: the policy answers each prompt N times and is fine-tuned on the best answers; then the better policy answers again. Alone: `tenet train raft`.',
  evaluate:
    'Every policy of the run answers the same held-out prompts; reward, divergence, length and (in the sandbox) the gold reward are compared with 95 % intervals, and answers are shown side by side in the report.',
  guard:
    'Trains a guard’s classifiers from data and from what people have judged of a guard’s cases, straight from the ledger, and measures them beside the guard that they are to replace and beside the keywords. The guard is in the stage’s folder `guard`. See [guard.md](guard.md#from-blocks-to-better-guards).',
};

const introduction = `# Recipes

<!-- Written by scripts/generate-docs.ts from src/run/run-recipe.ts; do not edit by hand. -->

A recipe is a YAML file that says what a run does: the model it starts from and a list of stages. Everything not
written has the default below. \`tenet run recipe.yaml\` runs it, \`tenet run recipe.yaml --dry-run\` prints the plan.

\`\`\`yaml
# yaml-language-server: $schema=./recipe.schema.json   (editors complete and check with this line)
model: { path: ../models/my-base-model }
stages:
  - { type: sft, data: { path: demonstrations.jsonl }, learningRate: 0.0001 }
  - { type: reward, data: { path: comparisons.jsonl.gz } }
  - { type: ppo, prompts: { path: prompts.jsonl }, klCoef: 0.05 }
  - { type: evaluate, prompts: { path: held-out-prompts.jsonl } }
\`\`\`

- **Paths** start from the folder of the recipe.
- **Overrides**: \`--set ppo.klCoef=0.1\` changes an option without editing the file; the first word is the name of a
  stage (its type, unless it has a \`name\`) or an option of the recipe. Values are YAML: \`--set sft.data.path=[a.jsonl, b.jsonl]\`.
  Paths given this way start from the current folder.
- **Models pass from stage to stage**: a stage starts from the newest policy before it, and scores with the newest reward
  model. \`model:\` and \`rewardModel:\` in a stage name another stage instead.
- **Unknown options are refused**, all at once, each with line and column and the nearest known name.
- Option names and defaults are those of [TRL](https://github.com/huggingface/trl) in camelCase wherever TRL has the option; a
  text in brackets says where a default comes from.
`;

/** The generated files: path from the root of the repository → content. */
export function generatedDocs(): ReadonlyMap<string, string> {
  const sections = [
    introduction,
    '## The recipe\n',
    optionsMarkdown(recipeSchema),
    '## Data sources\n',
    'What `data` and `prompts` of a stage may say. Formats: [data.md](data.md).\n',
    optionsMarkdown(dataSource),
    ...objectiveSections(),
    ...monitorSection(),
  ];
  const order = Object.keys(about);
  const stages = stageSchema.options.toSorted(
    (a, b) => order.indexOf(a.shape.type.value) - order.indexOf(b.shape.type.value),
  );
  for (const stage of stages) {
    const type = stage.shape.type.value;
    sections.push(`## Stage ${type}\n`, `${about[type]}\n`, arranged(optionsMarkdown(stage)));
  }
  return new Map([
    ['docs/recipes.md', sections.join('\n')],
    [
      'docs/recipe.schema.json',
      formatted('docs/recipe.schema.json', JSON.stringify(editorSchema(), null, 2)),
    ],
  ]);
}

/** What `rewards` and `rewardMix` of a stage may say, once for all stages. */
function objectiveSections(): string[] {
  return [
    '## Objectives\n',
    'What an entry of `rewards` may say, in every stage in which the policy practises. See [objectives.md](objectives.md).\n',
    optionsMarkdown(objectiveOptions),
    '`rewardMix` says how they become one reward:\n',
    optionsMarkdown(rewardMixOption),
    ...ruleOptions.options.flatMap((rule) => {
      const { type } = rule.shape;
      const [head, ruler, ...rows] = optionsMarkdown(rule).trimEnd().split('\n');
      const own = rows.filter((row) => !row.startsWith('| `type`'));
      return [`Rule \`${type.value}\`: ${type.description}\n`, [head, ruler, ...own, ''].join('\n')];
    }),
  ];
}

/** What `monitors` of a stage may say, once for all stages. */
function monitorSection(): string[] {
  const rows = optionsMarkdown(policyMonitors).split('\n');
  return [
    '## Monitors\n',
    'What `monitors` may say in every stage in which the policy practises; in a reward stage only what concerns metrics. `heldOut` is an [objective](#objectives) without a weight. See [monitors.md](monitors.md).\n',
    rows.filter((row) => !row.startsWith('| `heldOut.')).join('\n'),
  ];
}

function editorSchema(): Record<string, unknown> {
  return { ...optionsJsonSchema(recipeSchema), title: 'Tenet recipe' };
}

/** Inputs come first; the options of a data source have a section of their own, and the type is the heading. */
function arranged(table: string): string {
  const [head, ruler, ...rows] = table.trimEnd().split('\n');
  const nameOf = (row: string): string => /^\| `([^`]+)`/.exec(row)?.[1] ?? '';
  const isInput = (row: string): boolean =>
    ['name', 'model', 'rewardModel', 'rewardModelPath', 'rewards', 'rewardMix', 'data', 'prompts'].includes(
      nameOf(row),
    );
  const shown = rows.filter(
    (row) => nameOf(row) !== 'type' && !/^(data|prompts|rewards\[\]|rewardMix|monitors)\./.test(nameOf(row)),
  );
  const ordered = [...shown.filter(isInput), ...shown.filter((row) => !isInput(row))];
  return [head, ruler, ...ordered, ''].join('\n');
}

/** As the linter wants it. */
function formatted(path: string, content: string): string {
  const biome = join(root, 'node_modules/.bin/biome');
  const args = ['format', `--stdin-file-path=${path}`];
  return execFileSync(biome, args, { cwd: root, input: content, encoding: 'utf8' });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, content] of generatedDocs()) {
    writeFileSync(join(root, path), content);
    console.log(path);
  }
}
