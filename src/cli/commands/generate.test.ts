import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { Random } from '../../base/index.ts';
import {
  initialiseParameters,
  makeLlamaConfig,
  ParameterStore,
  parameterSpecs,
  saveModelFolder,
} from '../../model/index.ts';
import { trainBpe } from '../../text/index.ts';
import { catchOutput } from '../testing/catch-output.ts';
import { generateCommand } from './generate.ts';

let folder: string;
let base: string;
let assistant: string;
const caught = catchOutput();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-generate-'));
  const { tokenizer } = await trainBpe(['the cat sat on the mat '.repeat(9)], { vocabSize: 270 });
  const config = makeLlamaConfig({
    vocabSize: tokenizer.vocabSize,
    width: 16,
    layers: 1,
    heads: 2,
    innerWidth: 16,
    maxPositions: 64,
    initializerRange: 0.3,
  });
  const parameters = new ParameterStore(parameterSpecs(config));
  initialiseParameters(parameters, new Random(4));
  const card = { name: 'tiny', summary: 'Random weights for a test.', stages: [] };
  [base, assistant] = [join(folder, 'base'), join(folder, 'assistant')];
  await saveModelFolder(base, { config, parameters, card, tokenizerFiles: tokenizer.files });
  const template = "{% for m in messages %}{{ m.role + ': ' + m.content + '\\n' }}{% endfor %}";
  const { files } = tokenizer.withChatTemplate(template);
  await saveModelFolder(assistant, { config, parameters, card, tokenizerFiles: files });
});
afterAll(() => rm(folder, { recursive: true }));

async function run(...words: string[]): Promise<string> {
  caught.printed = '';
  const limits = ['--max-new-tokens', '6', '--threads', '1'];
  await generateCommand()
    .option('--json')
    .exitOverride()
    .parseAsync([...words, ...limits], { from: 'user' });
  return caught.printed;
}
const records = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

it('streams a single response, the same for the same seed', async () => {
  const first = await run('-m', base, '-p', 'the cat');
  expect(first).toMatch(/[^\n]/);
  expect(first.endsWith('\n')).toBe(true);
  expect(await run('-m', base, '-p', 'the cat')).toBe(first);
  expect(await run('-m', base, '-p', 'the cat', '--seed', '1')).not.toBe(first);
  const [record] = records(await run('-m', base, '-p', 'the cat', '--json'));
  expect(record).toMatchObject({ type: 'generation', index: 0, prompt: 'the cat' });
  expect(`${record.completion}\n`).toBe(first);
});

it('continues texts with a base model, and answers with a model that has a chat template', async () => {
  const promptTokens = async (...words: string[]) =>
    records(await run(...words, '-p', 'the cat', '--json'))[0].promptTokens;
  const plain = await promptTokens('-m', base);
  expect(await promptTokens('-m', assistant, '--no-chat')).toBe(plain);
  expect(await promptTokens('-m', assistant)).toBeGreaterThan(plain as number);
  expect(await promptTokens('-m', base, '--chat')).toBeGreaterThan(plain as number);
  const withSystem = await promptTokens('-m', assistant, '--system', 'sat on the mat');
  expect(withSystem).toBeGreaterThan((await promptTokens('-m', assistant)) as number);
});

it('answers the prompts of a file several times, into a data file', async () => {
  const [input, output] = [join(folder, 'prompts.jsonl'), join(folder, 'responses.jsonl')];
  const conversation = [{ role: 'user', content: 'on the mat' }];
  await writeFile(
    input,
    `${JSON.stringify({ prompt: 'the cat' })}\n${JSON.stringify({ prompt: conversation })}\n`,
  );
  const text = await run('-m', assistant, '-f', input, '-n', '2', '-o', output, '--no-chat');
  expect(text).toBe(`${output}: 4 responses\n`);
  const found = records(await readFile(output, 'utf8'));
  expect(found.map(({ prompt }) => prompt)).toEqual(['the cat', 'the cat', conversation, conversation]);
  expect(found[0].completion).not.toBe(found[1].completion);
  expect(found[2].completion).toEqual([{ role: 'assistant', content: expect.any(String) }]);
  const shown = await run('-m', assistant, '-f', input, '--no-chat');
  expect(shown).toMatch(/^── 1\/2 the cat\n.*\n\n── 2\/2 on the mat\n.*\n\n$/s);
});

it('reads one prompt from each line of a text file', async () => {
  const input = join(folder, 'prompts.txt');
  await writeFile(input, 'the cat\non the mat\n');
  const found = records(await run('-m', base, '-f', input, '--json'));
  expect(found.map(({ prompt }) => prompt)).toEqual(['the cat', 'on the mat']);
});

it('ends before a stop text, in which \\n is a new line', async () => {
  const [{ completion }] = records(await run('-m', base, '-p', 'sat', '--json'));
  const stop = String(completion).slice(2, 4);
  const [stopped] = records(await run('-m', base, '-p', 'sat', '--json', '--stop', 'x\\n', '--stop', stop));
  expect(stopped.completion).toBe(String(completion).slice(0, String(completion).indexOf(stop)));
  expect(stopped.finish).toBe('stop');
});

it('refuses wrong use', async () => {
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  await expect(run('-p', 'a')).rejects.toThrow(/required option '-m, --model <folder>'/);
  await expect(run('-m', base, '-p', 'a', '-f', 'b')).rejects.toThrow(/--prompt or --file, not both/);
  await expect(run('-m', base, '-p', 'a', '-n', '0')).rejects.toThrow(/whole number from 1/);
  await expect(run('-m', base, '-p', 'a', '--temperature', 'hot')).rejects.toThrow(/Give a number/);
  await expect(run('-m', base, '-p', 'a', '-o', 'a.xyz')).rejects.toThrow(/name the output .jsonl/);
});
