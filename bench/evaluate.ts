/** How fast suites run: items per second, beside what the bare model takes for the same tokens. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '../src/base/index.ts';
import { Encoder } from '../src/data/index.ts';
import { type BestOf, DataFolder, type Suite, scoreBestOf } from '../src/evaluate/index.ts';
import {
  type ChatAnswer,
  type ChatRequest,
  type ChoiceRequest,
  type LanguageModel,
  localModel,
} from '../src/llm/index.ts';
import {
  type DecoderConfig,
  Generator,
  makeLlamaConfig,
  type ParameterStore,
  saveModelFolder,
  scalarHeadSpec,
  scoreHeadName,
} from '../src/model/index.ts';
import {
  openRewardScorer,
  sandboxCalibrationSuite,
  sandboxSuite,
} from '../src/run/evaluation-suites/index.ts';
import { withTemplate } from '../src/run/stages/stage-run.ts';
import { prompts, writeResponse } from '../src/sandbox/index.ts';
import { ChatTemplate, type Tokenizer, trainBpe } from '../src/text/index.ts';
import { HeadScorer, ResponseScorer, type Sequence } from '../src/train/index.ts';
import { type Benchmark, type BenchmarkSettings, median, type Row, timeOf } from './benchmark.ts';
import { freshParameters } from './sizes.ts';

const longestAnswer = 48;

interface EvaluatedModel {
  readonly folder: string;
  readonly config: DecoderConfig;
  readonly parameters: ParameterStore;
  readonly tokenizer: Tokenizer;
}

/** The shape of the 5 M model, with fresh weights and a tokenizer that knows the sandbox's words. */
async function withModel<T>(
  head: 'causal' | 'reward',
  work: (model: EvaluatedModel) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'tenet-evaluate-'));
  try {
    const texts = prompts(400, 'train', { seed: 1 }).map(
      (prompt) => `${prompt.text}\n${writeResponse(prompt, 'best', new Random(1))}`,
    );
    const trained = await trainBpe(texts, { vocabSize: 4096, maxLength: 1024 });
    const tokenizer = withTemplate(trained.tokenizer, true);
    const { vocabSize, eosId, padId } = tokenizer;
    const config = makeLlamaConfig({
      ...{ vocabSize, width: 256, innerWidth: 688, layers: 4, heads: 4, maxPositions: 1024, eosId, padId },
    });
    const parameters = freshParameters(config, 1, head === 'reward' ? [scalarHeadSpec(config)] : []);
    const card = { name: 'benchmark', summary: 'Random weights.', stages: [] };
    const path = join(folder, 'model');
    await saveModelFolder(path, { config, parameters, head, card, tokenizerFiles: tokenizer.files });
    return await work({ folder: path, config, parameters, tokenizer });
  } finally {
    await rm(folder, { recursive: true });
  }
}

/**
 * Milliseconds of a suite and of the bare model, in turns, so that a change of the machine's speed meets both; the first
 * round warms up.
 * @param suite runs it on the items of a round, and gives what the bare model needs for the same
 * @param bare  gets ready, and gives what is timed
 */
async function inTurns<T>(
  { quick }: BenchmarkSettings,
  suite: (round: number) => Promise<T>,
  bare: (of: T) => () => Promise<unknown>,
): Promise<readonly [suiteMs: number, bareMs: number]> {
  const times: [number, number][] = [];
  for (let round = 0; round < (quick ? 2 : 4); round++) {
    const started = performance.now();
    const found = await suite(round);
    const suiteMs = performance.now() - started;
    times.push([suiteMs, await timeOf(bare(found))]);
  }
  const measured = times.slice(1);
  return [median(measured.map(([first]) => first)), median(measured.map(([, second]) => second))];
}

function rowOf(what: string, items: number, [suiteMs, bareMs]: readonly [number, number]): Row {
  return {
    ...{ what, ratio: bareMs / suiteMs, of: 'the bare model on the same tokens', target: { atLeast: 0.7 } },
    measured: { 'items a second': (1000 * items) / suiteMs, 'of the bare model': (1000 * items) / bareMs },
  };
}

/** A reward model's benchmark: reading, encoding, scoring and counting, beside scoring alone. */
const reward = (settings: BenchmarkSettings): Promise<Row[]> =>
  withModel('reward', async ({ folder, config, parameters, tokenizer }) => {
    const random = new Random(2);
    const items = prompts(settings.quick ? 64 : 128, 'test', { seed: 1 }).map(
      (prompt): BestOf => ({
        ...{ id: prompt.id, section: 'sandbox', prompt: prompt.text },
        responses: [writeResponse(prompt, 'best', random), writeResponse(prompt, 'wrong', random)],
      }),
    );
    const encoder = new Encoder({ tokenizer, wrapInChat: true, maxLength: config.maxPositions });
    const sequences = items.flatMap(({ prompt, responses }): Sequence[] => {
      const ranking = encoder.encodeRanking({
        kind: 'ranking',
        prompt,
        responses: [...responses],
        ranks: [1, 2],
      });
      if (!ranking) throw new Error('an item does not fit');
      return ranking.responses.map((response) => ({ prompt: ranking.prompt, response }));
    });
    const scorer = await openRewardScorer(folder, settings);
    const bare = await HeadScorer.create(config, parameters, scoreHeadName, settings);
    const times = await inTurns(
      settings,
      () => scoreBestOf(items, scorer.score),
      () => () => bare.scoreLast(parameters, sequences),
    );
    await scorer[Symbol.asyncDispose]();
    await bare.release();
    return [rowOf('reward-bench, pairs', items.length, times)];
  });

interface Asked {
  readonly chats: readonly { readonly request: ChatRequest; readonly answer: ChatAnswer }[];
  readonly choices: readonly ChoiceRequest[];
}

/** A suite that asks a local model, several items at once; other ones each time, since the engine remembers beginnings. */
async function asking(
  suite: Suite,
  { folder }: EvaluatedModel,
  settings: BenchmarkSettings,
): Promise<{ readonly run: (round: number) => Promise<Asked>; readonly close: () => Promise<void> }> {
  const model = await localModel(folder, { threads: settings.threads });
  const run = async (round: number): Promise<Asked> => {
    const chats: { request: ChatRequest; answer: ChatAnswer }[] = [];
    const choices: ChoiceRequest[] = [];
    const recording: LanguageModel = {
      ...{ id: model.id, exactChoices: true, close: () => model.close() },
      async chat(request, options) {
        const answer = await model.chat(request, options);
        chats.push({ request, answer });
        return answer;
      },
      choose(request, options) {
        choices.push(request);
        return model.choose(request, options);
      },
    };
    await suite.run({
      ...{ model: recording, data: new DataFolder('.'), limit: itemsOf(settings), seed: round },
      ...{ maxTokens: longestAnswer, temperature: 0, concurrency: 32 },
    });
    const asked = chats.length + choices.length;
    if (asked !== itemsOf(settings)) throw new Error(`${asked} items were asked, not ${itemsOf(settings)}`);
    return { chats, choices };
  };
  return { run, close: () => model.close() };
}

const itemsOf = ({ quick }: BenchmarkSettings): number => (quick ? 32 : 96);

/** Answers in words: prompts, graders and the way to the engine's thread, beside one batch of as many tokens. */
const answers = (settings: BenchmarkSettings): Promise<Row[]> =>
  withModel('causal', async (model) => {
    const { run, close } = await asking(sandboxSuite, model, settings);
    const template = new ChatTemplate(model.tokenizer);
    const generator = await Generator.create(model.config, model.parameters, {
      ...{ threads: settings.threads, batchSize: 32 },
    });
    const times = await inTurns(settings, run, ({ chats }) => {
      const requests = chats.map(({ request, answer }) => ({
        prompt: promptIds(template, request),
        ...{ maxNewTokens: answer.usage.outputTokens, temperature: 0, seed: 0 },
      }));
      return () => generator.generate(requests);
    });
    await generator.release();
    await close();
    return [rowOf(`answers of up to ${longestAnswer} tokens`, itemsOf(settings), times)];
  });

/** Choices, read off the probabilities of four answers, beside a pass over each question with each of its answers. */
const choices = (settings: BenchmarkSettings): Promise<Row[]> =>
  withModel('causal', async (model) => {
    const { run, close } = await asking(sandboxCalibrationSuite, model, settings);
    const { config, parameters, tokenizer } = model;
    const template = new ChatTemplate(tokenizer);
    const scorer = await ResponseScorer.create(config, parameters, { threads: settings.threads });
    const times = await inTurns(settings, run, (asked) => {
      const sequences = asked.choices.flatMap((request): Sequence[] => {
        const prompt = promptIds(template, request);
        return request.options.map((option) => ({ prompt, response: tokenizer.encode(option) }));
      });
      return () => scorer.score(parameters, sequences);
    });
    await scorer.release();
    await close();
    return [rowOf('questions with four answers', itemsOf(settings), times)];
  });

function promptIds(template: ChatTemplate, { messages }: Pick<ChatRequest, 'messages'>): number[] {
  const turns = messages.map(({ role, content }) => ({ role, content }));
  return template.encode(turns, { addGenerationPrompt: true });
}

export const evaluate: Benchmark = {
  name: 'evaluate',
  title: 'Evaluation',
  note:
    'Suites through their own code, beside the bare model on the same tokens, all known beforehand. Questions may be above 1: their ' +
    'four answers share the pass over the question, which the bare model makes for each.',
  cases: { reward, answers, choices },
};
