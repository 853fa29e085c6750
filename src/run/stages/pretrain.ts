/** The pretrain stage: a tokenizer and a model from nothing but text. */
import { Random } from '../../base/index.ts';
import { type Content, type Example, textOf } from '../../data/index.ts';
import { initialiseParameters, makeLlamaConfig, ParameterStore, parameterSpecs } from '../../model/index.ts';
import { trainBpe } from '../../text/index.ts';
import { trainSft } from '../../train/index.ts';
import { holdOut, loadData } from '../load-data.ts';
import type { StageOf } from '../run-recipe.ts';
import { encodeTexts } from './encode-texts.ts';
import { demonstrationsOf } from './expect-examples.ts';
import {
  encoderFor,
  finishModel,
  type StageResult,
  type StageRun,
  settingsOf,
  withTemplate,
} from './stage-run.ts';

export async function runPretrain(options: StageOf<'pretrain'>, stage: StageRun): Promise<StageResult> {
  const { context, run, seed } = stage;

  // Step 1. Text, and a vocabulary learnt from it. Training the tokenizer is repeatable, so a resumed run
  // learns the same one again.
  const { examples, inputs } = await loadData(options.data, {
    purpose: `${stage.name} data`,
    folder: context.folder,
    seed,
  });
  await run.recordInputs(inputs);
  const { train, heldOut } = holdOut(demonstrationsOf(stage, examples, context.warn), options.heldOut, seed);
  const trained = await trainBpe(train.map(plainText), {
    vocabSize: options.tokenizer.vocabSize,
    maxLength: options.architecture.maxPositions,
  });
  if (trained.tokenizer.vocabSize < options.tokenizer.vocabSize) {
    context.warn(
      `The text has words for a vocabulary of ${trained.tokenizer.vocabSize} entries only, not ${options.tokenizer.vocabSize}; the model is made that small.`,
    );
  }
  const tokenizer = withTemplate(trained.tokenizer, stage.recipe.wrapInChat);

  // Step 2. A model with fresh weights.
  const { width, heads } = options.architecture;
  const config = makeLlamaConfig({
    vocabSize: tokenizer.vocabSize,
    tiedEmbeddings: true,
    ...options.architecture,
    kvHeads: options.architecture.kvHeads ?? heads,
    innerWidth: options.architecture.innerWidth ?? Math.ceil((width * 8) / 3 / 32) * 32,
    eosId: tokenizer.eosId,
    padId: tokenizer.padId,
  });
  const parameters = new ParameterStore(parameterSpecs(config));
  initialiseParameters(parameters, new Random(seed).fork('initial weights'));

  // Step 3. Next-token prediction on every token.
  const maxLength = Math.min(options.maxLength, config.maxPositions);
  const encoder = encoderFor(stage, tokenizer, maxLength);
  const policy = { tooLong: 'split', lossOn: 'all' } as const;
  const result = await trainSft(
    { ...options, maxLength, seed, threads: stage.threads },
    {
      name: 'Pre-training',
      config,
      parameters,
      examples: encodeTexts(encoder, train, policy),
      heldOut: encodeTexts(encoder, heldOut, policy),
      stopIds: tokenizer.eosId === null ? [] : [tokenizer.eosId],
      needsStop: true,
    },
    context,
  );
  const metrics = { parameters: parameters.count, ...result, heldOutLoss: result.heldOutLoss ?? Number.NaN };
  const made = await finishModel(
    stage,
    { config, parameters, tokenizerFiles: tokenizer.files, generationConfig: null, card: [] },
    { head: 'causal', settings: settingsOf(options), metrics: finite(metrics), data: inputs },
  );
  return { ...result, parameters: parameters.count, vocabSize: tokenizer.vocabSize, ...made };
}

/** All the text of an example, for learning the vocabulary. */
function plainText(example: Example): string {
  if (example.kind === 'text') return example.text;
  if (example.kind === 'chat') return contentText(example.messages);
  return example.kind === 'completion'
    ? `${contentText(example.prompt)}\n\n${contentText(example.completion)}`
    : '';
}

function contentText(content: Content): string {
  return typeof content === 'string' ? content : content.map(textOf).join('\n\n');
}

/** Metrics that are numbers. */
export function finite(metrics: Readonly<Record<string, unknown>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(metrics).filter((entry): entry is [string, number] => Number.isFinite(entry[1])),
  );
}
