import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  describeOptions,
  filePath,
  optionsHelp,
  optionsJsonSchema,
  optionsMarkdown,
  parseRecipe,
  readRecipe,
} from './index.ts';

const sft = z.object({
  stage: z.literal('sft'),
  lr: z.number().positive().default(2e-5).describe('Peak learning rate; TRL SFTConfig.'),
  epochs: z.number().int().min(1).default(3).describe('Passes over the data.'),
  data: filePath().describe('Instruction rows.'),
});
const ppo = z.object({
  stage: z.literal('ppo'),
  klCoef: z.number().min(0).default(0.05).describe('Reward units per nat | of KL.'),
  schedule: z.enum(['linear', 'cosine']).default('linear').describe('Shape of the learning rate.'),
  optimizer: z.object({ beta1: z.number().default(0.9).describe('Decay of the mean.') }).prefault({}),
});
const schema = z.object({
  model: filePath().describe('Base model.'),
  seed: z.union([z.number(), z.string()]).default(0).describe('Seed.'),
  stages: z.array(z.discriminatedUnion('stage', [sft, ppo])).min(1),
});

function parse(text: string, set: string[] = []) {
  return parseRecipe(text, {
    schema,
    file: 'recipe.yaml',
    folder: '/recipes',
    set,
    shortcuts: (recipe) => {
      const list = (recipe as { stages?: { stage: string }[] }).stages ?? [];
      return Object.fromEntries(list.map(({ stage }, i) => [stage, ['stages', i]]));
    },
  });
}

/** The lines below the heading of the error. */
function problemsOf(text: string, set: string[] = []): string[] {
  try {
    parse(text, set);
  } catch (error) {
    expect(error).toMatchObject({ code: 'usage' });
    return (error as Error).message
      .split('\n')
      .slice(1)
      .map((line) => line.trim());
  }
  return [];
}

const good = 'model: base\nstages:\n  - {stage: sft, data: ../rows.jsonl}\n  - stage: ppo\n';

describe('parseRecipe', () => {
  it('fills in defaults and makes paths absolute, from the folder of the recipe', () => {
    const { value, resolved } = parse(good);
    expect(value).toEqual({
      model: '/recipes/base',
      seed: 0,
      stages: [
        { stage: 'sft', lr: 2e-5, epochs: 3, data: '/rows.jsonl' },
        { stage: 'ppo', klCoef: 0.05, schedule: 'linear', optimizer: { beta1: 0.9 } },
      ],
    });
    expect(parse(resolved)).toEqual({ value, resolved }); // a resolved recipe resolves to itself
  });

  it('makes paths absolute also where a list of them or something else may stand', () => {
    const paths = z.object({ data: z.union([filePath(), z.array(filePath()), z.number()]) });
    const read = (text: string) => parseRecipe(text, { schema: paths, file: 'r', folder: '/recipes' }).value;
    expect(read('data: ../a.jsonl')).toEqual({ data: '/a.jsonl' });
    expect(read('data: [a.jsonl, /b.jsonl]')).toEqual({ data: ['/recipes/a.jsonl', '/b.jsonl'] });
    expect(read('data: 3')).toEqual({ data: 3 });
  });

  it('reports every problem at once, with line, column and the fix', () => {
    const text = `model: base
sed: 3
seed: [1]
stages:
  - stage: sft
    lr: high
    epochs: 0
  - stage: ppo
    klcoef: 0.1
    klCoef: -1
    schedule: cosin
    optimizer: {beta: 2}
  - stage: dpo
  - {}
`;
    expect(problemsOf(text)).toEqual([
      'recipe.yaml:2:1: unknown option "sed" in the recipe; did you mean "seed"?',
      'recipe.yaml:3:7: seed (Seed) must be a number or text, is [1].',
      'recipe.yaml:5:5: stages[0].data (Instruction rows) is required and missing; it must be text.',
      'recipe.yaml:6:9: stages[0].lr (Peak learning rate) must be a number, is "high".',
      'recipe.yaml:7:13: stages[0].epochs (Passes over the data) must be at least 1, is 0.',
      'recipe.yaml:9:5: unknown option "klcoef" in stages[1]; did you mean "klCoef"?',
      'recipe.yaml:10:13: stages[1].klCoef (Reward units per nat | of KL) must be at least 0, is -1.',
      'recipe.yaml:11:15: stages[1].schedule (Shape of the learning rate) must be one of "linear", "cosine", is "cosin" (did you mean "cosine"?).',
      'recipe.yaml:12:17: unknown option "beta" in stages[1].optimizer; did you mean "beta1"?',
      'recipe.yaml:13:12: stages[2].stage must be one of "sft", "ppo", is "dpo" (did you mean "ppo"?).',
      'recipe.yaml:14:5: stages[3].stage must be one of "sft", "ppo", is missing.',
    ]);
  });

  it('names the default when a value was left empty', () => {
    expect(problemsOf(`${good}    klCoef:\n`)).toEqual([
      'recipe.yaml:5:12: stages[1].klCoef (Reward units per nat | of KL) must be a number, is empty; leave the key out for the default 0.05.',
    ]);
  });

  it.each([
    ['a: [1', 'recipe.yaml:1:6: Flow sequence'],
    ['model: x\nmodel: y', 'recipe.yaml:2:1: Map keys must be unique'],
    ['model: &a [*a]', 'aliases cannot be resolved'],
    ['model: !weird x', 'recipe.yaml:1:8: Unresolved tag: !weird'],
    ['- 1', 'recipe.yaml:1:1: the recipe must be a map of options, is [1].'],
    ['', 'recipe.yaml:1:1: model (Base model) is required and missing'],
  ])('says what is wrong with %j', (text, problem) => {
    expect(problemsOf(text).join('\n')).toContain(problem);
  });

  it('keeps the words of a rule that the schema words itself', () => {
    const even = z.object({
      n: z.number().refine((n) => n % 2 === 0, 'give an even number, for the two halves.'),
    });
    expect(() => parseRecipe('n: 3', { schema: even, file: 'r', folder: '/' })).toThrow(
      'r:1:4: n is 3: give an even number, for the two halves.',
    );
  });

  it('never throws anything but a TenetError, whatever the text', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.string()), (text, set) => {
        try {
          parse(text, set);
        } catch (error) {
          expect(error).toMatchObject({ name: 'TenetError', code: 'usage' });
        }
      }),
    );
  });

  it('reads the file, and says why it cannot', async () => {
    await expect(readRecipe('/nowhere/r.yaml', { schema })).rejects.toThrow(
      'recipe /nowhere/r.yaml cannot be read: there is no such file.',
    );
    await expect(readRecipe('/', { schema })).rejects.toThrow('it is a folder');
  });
});

describe('--set', () => {
  it('overrides by dotted path and by stage name, with YAML values', () => {
    const { value } = parse(good, [
      'seed=7',
      'ppo.klCoef=1e-2',
      'stages.1.schedule=cosine',
      'ppo.optimizer.beta1=0.5',
    ]);
    expect(value).toMatchObject({
      seed: 7,
      stages: [{}, { klCoef: 0.01, schedule: 'cosine', optimizer: { beta1: 0.5 } }],
    });
  });

  it('takes paths from the current folder, as a shell completes them', () => {
    expect(parse(good, ['model=here']).value.model).toBe(`${process.cwd()}/here`);
  });

  it('reports what is wrong by the override itself', () => {
    const set = [
      'ppo.klCoeff=3',
      'pppo.x=1',
      'ppo.schedule=linaer',
      'nothing',
      'stages.9.lr=1',
      '__proto__.x=1',
      'seed=[',
      'model.x=1',
    ];
    expect(problemsOf(good, set)).toEqual([
      '--set ppo.klCoeff=3: unknown option "klCoeff" in ppo; did you mean "klCoef"?',
      '--set pppo.x=1: unknown option "pppo" in the recipe; did you mean "ppo"?',
      '--set nothing: has no value; write it as --set path.to.option=value.',
      '--set stages.9.lr=1: stages has 2 items, counted from 0; there is no item "9".',
      expect.stringMatching(/^--set __proto__\.x=1: unknown option "__proto__"/),
      expect.stringMatching(/^--set seed=\[: the value is not YAML/),
      '--set model.x=1: unknown option "x": model has no options.',
      '--set ppo.schedule=linaer: stages[1].schedule (Shape of the learning rate) must be one of "linear", "cosine", is "linaer" (did you mean "linear"?).',
    ]);
    expect(({} as { x?: number }).x).toBeUndefined();
  });
});

describe('descriptions of options', () => {
  it('come from the schema alone', () => {
    expect(describeOptions(ppo)).toEqual([
      { name: 'stage', type: '"ppo"', required: true, description: '' },
      {
        name: 'klCoef',
        type: 'number ≥ 0',
        default: '0.05',
        required: false,
        description: 'Reward units per nat | of KL.',
      },
      {
        name: 'schedule',
        type: '"linear" | "cosine"',
        default: '"linear"',
        required: false,
        description: 'Shape of the learning rate.',
      },
      {
        name: 'optimizer.beta1',
        type: 'number',
        default: '0.9',
        required: false,
        description: 'Decay of the mean.',
      },
    ]);
  });

  it('say type and bounds in words', () => {
    const types = z.object({
      a: z.number().int().min(1),
      b: z.number().gt(0).max(1),
      c: z.array(z.string()),
      d: z.boolean().optional(),
      e: filePath().nullable().default(null),
      f: z.record(z.string(), z.number()),
    });
    expect(describeOptions(types).map(({ type }) => type)).toEqual([
      'whole number ≥ 1',
      'number > 0, ≤ 1',
      'list of text',
      'true | false',
      'path | null',
      'map to number',
    ]);
  });

  it('make help text that fits the width', () => {
    const help = optionsHelp(sft, 40);
    expect(help).toContain('  lr  number > 0  (default 0.00002)\n      Peak learning rate; TRL SFTConfig.');
    expect(help).toContain('  data  path  (required)');
    const long = optionsHelp(z.object({ a: z.string().describe('word '.repeat(40)) }), 40);
    expect(Math.max(...long.split('\n').map((line) => line.length))).toBeLessThanOrEqual(40);
  });

  it('make a Markdown table whose cells hold', () => {
    const lines = optionsMarkdown(ppo).trimEnd().split('\n');
    expect(lines[3]).toBe('| `klCoef` | number ≥ 0 | `0.05` | Reward units per nat \\| of KL. |');
    for (const line of lines) expect(line.replaceAll('\\|', '').split('|')).toHaveLength(6);
  });

  it('make a JSON Schema that refuses unknown keys and requires only what has no default', () => {
    expect(optionsJsonSchema(sft)).toMatchObject({
      additionalProperties: false,
      required: ['stage', 'data'],
      properties: { lr: { default: 2e-5, description: 'Peak learning rate; TRL SFTConfig.' } },
    });
  });
});
