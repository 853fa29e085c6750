/** What a newcomer's mistakes in a recipe and its data are told, before anything is trained. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TenetError } from '../src/base/index.ts';
import { readWarnings } from '../src/run/index.ts';
import { runTiny } from './fixtures/tiny-run.ts';

let folder: string;
let policy: string;
let rewardModel: string;
/** Data files by name. */
const files: Record<string, string> = {};
let runs = 0;

async function write(name: string, rows: readonly (object | string)[]): Promise<void> {
  files[name] = join(folder, `${name}.jsonl`);
  const lines = rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row)));
  await writeFile(files[name], lines.map((line) => `${line}\n`).join(''));
}

const times = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-errors-'));
  const long = 'word and word '.repeat(200);
  await write(
    'demonstrations',
    times(20, (i) => ({ prompt: `Question ${i}?`, completion: `Answer ${i}.` })),
  );
  await write(
    'preferences',
    times(20, (i) => ({ prompt: `Why ${i}?`, chosen: `So ${i}.`, rejected: `No ${i}` })),
  );
  await write(
    'identical',
    times(20, (i) => ({ prompt: `Why ${i}?`, chosen: `So ${i}.`, rejected: `So ${i}.` })),
  );
  await write(
    'prompts',
    times(20, (i) => ({ prompt: `Question ${i}?` })),
  );
  await write(
    'texts',
    times(20, (i) => ({ text: `Once upon a time ${i}.` })),
  );
  await write(
    'judged',
    times(20, (i) => ({ prompt: `Why ${i}?`, completion: `So ${i}.`, label: i % 4 > 0 })),
  );
  await write(
    'longPrompts',
    times(4, (i) => ({ prompt: `${i} ${long}` })),
  );
  await write(
    'longDemonstrations',
    times(4, (i) => ({ prompt: `${i} ${long}`, completion: 'Yes.' })),
  );
  await write(
    'longPreferences',
    times(4, (i) => ({ prompt: `${i} ${long}`, chosen: 'Yes.', rejected: 'No.' })),
  );
  await write('empty', []);
  await write('bad', [
    { prompt: 'a', completion: 'b' },
    '{"prompt":"a"',
    { prompt: 'x', completion: 5 },
    { promt: 'a' },
  ]);
  const made = await runTiny(join(folder, 'made'), {
    text: `
      threads: 1
      stages:
        - type: pretrain
          data: { sandbox: corpus, limit: 30 }
          tokenizer: { vocabSize: 260 }
          architecture: { width: 16, layers: 1, heads: 2, maxPositions: 96 }
          maxSteps: 1
        - { type: reward, data: { path: ${files.preferences} }, maxSteps: 1 }
    `,
  });
  policy = join(made.runFolder, 'stages/01-pretrain/model');
  rewardModel = join(made.runFolder, 'stages/02-reward/model');
});
afterAll(() => rm(folder, { recursive: true }));

/** Runs stages on the small model; `$name` stands for the path of a data file. */
async function run(...stages: string[]): Promise<string> {
  const path = join(folder, `run-${++runs}`);
  const list = stages.map((stage) => `  - { ${stage.replace(/\$(\w+)/g, (_, name) => files[name])} }`);
  await runTiny(path, { text: `threads: 1\nmodel: { path: ${policy} }\nstages:\n${list.join('\n')}\n` });
  return path;
}

async function refusal(...stages: string[]): Promise<[code: string, message: string]> {
  try {
    await run(...stages);
  } catch (error) {
    if (TenetError.is(error)) return [error.code, error.message];
    throw error;
  }
  throw new Error('it ran');
}

const ppo = (rest: string): string =>
  `type: ppo, rewardModelPath: ${rewardModel}, prompts: { path: $prompts }, ${rest}`;

it('names every bad row of a file', async () => {
  const [code, message] = await refusal('type: sft, data: { path: $bad }');
  expect(code).toBe('data');
  expect(message).toMatch(
    /3 bad rows\n.*:2: is not valid JSON.*\n.*:3 completion: expected a text.*; found 5\n.*:4 prompt: missing\n.*:4 completion: missing\nCorrect/,
  );
});

it('says when a file holds nothing', async () => {
  expect(await refusal('type: sft, data: { path: $empty }')).toEqual([
    'data',
    `${files.empty} holds no usable record for the sft data; check it with "tenet data check ${files.empty}".`,
  ]);
});

it.each([
  [
    'type: sft, data: { path: $prompts }',
    'stage "sft" can use plain texts, conversations, prompts with completions, preferences or rankings, but its data holds prompts alone;',
  ],
  [
    'type: reward, data: { path: $demonstrations }',
    'stage "reward" can use preferences or rankings, but its data holds prompts with completions;',
  ],
  [
    'type: evaluate, prompts: { path: $texts }',
    'stage "evaluate" can use prompts alone, prompts with completions, preferences or rankings, step-by-step judgements, but its data holds plain texts;',
  ],
  [
    'type: rankings, prompts: { path: $prompts }',
    'stage "rankings": simulated annotators can only judge prompts of the sandbox;',
  ],
])('says which records a stage needs: %s', async (stage, message) => {
  expect((await refusal(stage))[1]).toContain(message);
});

it.each([
  [
    'type: sft, data: { path: $longDemonstrations }',
    'stage "sft" has nothing to train on. Of 4 examples 4 were cut to the maximum length, 4 had no token that counts and were left out. An example may have 96 tokens:',
  ],
  [
    'type: reward, data: { path: $longPreferences }',
    'stage "reward" has nothing to train on. Of 4 examples 4 were too long and left out. An example may have 96 tokens:',
  ],
  [
    'type: reward, data: { path: $identical }',
    '- all 18 rankings hold the same response several times, so nothing can be learnt;',
  ],
])('refuses data that teach nothing: %s', async (stage, message) => {
  const [code, text] = await refusal(stage);
  expect(code).toBe('preflight');
  expect(text).toContain(message);
});

it.each([
  [
    'prompts that are too long',
    'responseLength: 8',
    '$longPrompts',
    "none of the 4 prompts fits the model's 96 positions together with a response of 8;",
  ],
  [
    'responses that are too long',
    'responseLength: 500',
    '$prompts',
    "none of the 20 prompts fits the model's 96 positions together with a response of 500; lower responseLength, or give shorter prompts",
  ],
])('refuses %s for the context', async (_, option, prompts, message) => {
  const [code, text] = await refusal(ppo(option).replace('$prompts', prompts));
  expect(code).toBe('preflight');
  expect(text).toContain(message);
});

it('refuses a reward model that was not shown to be better than chance', async () => {
  const [code, text] = await refusal(
    'type: reward, data: { path: $preferences }, maxSteps: 1, learningRate: 1.0e-9',
    'type: ppo, prompts: { path: $prompts }, responseLength: 8',
  );
  expect(code).toBe('preflight');
  expect(text).toMatch(
    /the reward model agrees with \S+ % of 2 held-out pairs, which cannot be told from chance/,
  );
});

it('refuses models that are not what the stage needs', async () => {
  expect(await refusal(ppo('responseLength: 8').replace(rewardModel, policy))).toEqual([
    'model',
    `stage "ppo": ${policy} is a language model, and a reward model is needed (one that a reward stage has made)`,
  ]);
  const text = `model: { path: ${rewardModel} }\nstages:\n  - { type: sft, data: { path: ${files.demonstrations} } }\n`;
  const wrongBase = join(folder, 'wrong-base');
  await expect(runTiny(wrongBase, { text })).rejects.toThrow(
    `model.path ${rewardModel} is a reward model, and a language model is needed`,
  );
  expect(existsSync(wrongBase)).toBe(false); // so that the run can begin there once the model is right
});

it('finds all stages that lack something before the first begins', async () => {
  const text = `
    stages:
      - { type: reward }
      - { type: ppo, prompts: { sandbox: prompts }, rewardModel: rewrd }
      - { type: sft, data: { sandbox: demonstrations }, model: base }
  `;
  await expect(runTiny(join(folder, 'order'), { text })).rejects.toThrow(
    'The recipe cannot run:\n' +
      '  stages[0] (reward) has no model to start from: give the recipe model: { path: … }, or put a pretrain stage first\n' +
      '  stages[0] (reward) has no data: give it data: { path: … }, or put a rankings or compare stage before it\n' +
      '  stages[1] (ppo) has no model to start from: give the recipe model: { path: … }, or put a pretrain stage first\n' +
      '  stages[1] (ppo): rewardModel "rewrd" is not the name of an earlier reward stage (reward)\n' +
      '  stages[2] (sft) has no model to start from: give the recipe model: { path: … }, or put a pretrain stage first\n' +
      '  stages[2] (sft): model "base" is not the name of an earlier stage (reward, ppo)',
  );
});

it('finds stages that name one which does not make what they need', async () => {
  const text = `
    model: { path: ${policy} }
    stages:
      - { type: rankings, prompts: { sandbox: prompts } }
      - { type: reward, model: rankings }
      - { type: compare, prompts: { sandbox: prompts }, judge: reward }
      - { type: critique, prompts: { sandbox: prompts }, critic: reviewer }
      - { type: hybrid, labels: rankings, people: sandbox }
      - { type: ppo, prompts: { sandbox: prompts }, model: reward }
      - { type: rloo, prompts: { sandbox: prompts }, judge: { model: jugde } }
      - { type: evaluate, prompts: { sandbox: prompts } }
  `;
  await expect(runTiny(join(folder, 'kinds'), { text })).rejects.toThrow(
    'The recipe cannot run:\n' +
      '  stages[1] (reward): model "rankings" is a stage that makes no language model; those that do: base\n' +
      '  stages[2] (compare): judge "reward" is neither an earlier stage with a language model (there is none) nor a model such as openai:gpt-4.1-mini or local:<folder>\n' +
      '  stages[3] (critique): critic "reviewer" is neither an earlier stage with a language model (there is none) nor a model such as openai:gpt-4.1-mini or local:<folder>\n' +
      '  stages[4] (hybrid): labels "rankings" is not the name of an earlier compare stage (compare)\n' +
      '  stages[5] (ppo): model "reward" is a stage that makes no language model; those that do: base\n' +
      '  stages[6] (rloo): judge.model "jugde" is neither an earlier stage with a language model (ppo) nor a model such as openai:gpt-4.1-mini or local:<folder>',
  );
});

it('finds ways of judging that do not go together before anything is read', async () => {
  const text = `
    model: { path: ${policy} }
    stages: [{ type: compare, prompts: { sandbox: prompts }, judging: pointwise, chainOfThought: true, fewShot: 2 }]
  `;
  await expect(runTiny(join(folder, 'judging'), { text })).rejects.toThrow(
    /chainOfThought.*does not go with judging: pointwise.*fewShot.*does not go with judging: pointwise/s,
  );
});

it('finds shapes of a model that cannot be before anything is read', async () => {
  const text = `
    stages:
      - type: pretrain
        data: { sandbox: corpus }
        architecture: { width: 30, heads: 4, kvHeads: 3 }
  `;
  await expect(runTiny(join(folder, 'shape'), { text })).rejects.toThrow(
    /width .* is 30: must be a multiple of 2 · heads.*kvHeads .* is 3: must divide heads/s,
  );
});

it('stops when the training breaks down, and says where the batch is', async () => {
  const [code, message] = await refusal(
    'type: sft, data: { path: $demonstrations }, learningRate: 1.0e30, lrSchedulerType: constant, batchSize: 4',
  );
  expect(code).toBe('training');
  expect(message).toMatch(
    /^Training broke down: the (loss|gradient) .*broken-batch\.json\. Usual causes: a learning rate too high/,
  );
});

it('leaves undesirable responses out of supervised training, with a warning', async () => {
  const path = await run('type: sft, data: { path: $judged }, maxSteps: 1, heldOut: 0');
  expect((await readWarnings(path)).map(({ message }) => message)).toEqual([
    '5 of 20 examples are marked as undesirable, or not judged, and are left out.',
  ]);
});
