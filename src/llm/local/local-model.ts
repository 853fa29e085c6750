/** `local:<folder>`: a model folder on Tenet's own engine. */

import { createHash } from 'node:crypto';
import { basename, resolve } from 'node:path';
import { TenetError } from '../../base/index.ts';
import type { ChatMessage } from '../../text/index.ts';
import { checkChatRequest, checkChoiceRequest } from '../check-request.ts';
import type {
  CallOptions,
  ChatAnswer,
  ChatRequest,
  Choice,
  ChoiceRequest,
  LanguageModel,
  Message,
  Usage,
} from '../language-model.ts';
import { optionProbabilities } from '../option-probabilities.ts';
import { LocalEngine } from './local-engine.ts';
import type { EngineOptions } from './protocol.ts';

const defaultMaxTokens = 512;

export class LocalModel implements LanguageModel {
  readonly id: string;
  readonly exactChoices = true;
  private readonly engine: LocalEngine;

  /** @param name what the id calls the model; usually its folder's name */
  constructor(engine: LocalEngine, name: string) {
    this.engine = engine;
    this.id = `local:${name}@${engine.facts.hash.replace('sha256:', '').slice(0, 12)}`;
  }

  async chat(request: ChatRequest, options: CallOptions = {}): Promise<ChatAnswer> {
    checkChatRequest(request);
    const started = performance.now();
    const answer = await refusals(
      this.engine.generate(
        {
          messages: turnsOf(request),
          continueFinal: true,
          options: {
            temperature: request.temperature ?? 1,
            topP: request.topP ?? 1,
            maxNewTokens: request.maxTokens ?? defaultMaxTokens,
            stop: request.stop,
            seed: seedOf(request),
            // The request decides alone; what the model's folder says of sampling does not.
            topK: 0,
            minP: 0,
            repetitionPenalty: 1,
          },
        },
        options,
      ),
    );
    const usage = freeUsage(answer.promptTokens, answer.outputTokens, started);
    return { text: answer.text, finish: answer.finish, usage };
  }

  async choose(request: ChoiceRequest, options: CallOptions = {}): Promise<Choice> {
    checkChoiceRequest(request);
    const started = performance.now();
    const { promptTokens, continuations } = await refusals(
      this.engine.score({ messages: turnsOf(request), continueFinal: true }, request.options, options),
    );
    expectDifferent(request.options, continuations);
    const { probabilities, mass } = optionProbabilities(continuations, request.temperature ?? 1);
    return { probabilities, mass, method: 'log-probs', usage: freeUsage(promptTokens, 0, started) };
  }

  async close(): Promise<void> {
    await this.engine.close();
  }
}

/**
 * Loads a model folder.
 * @throws TenetError('model') when the folder holds no language model
 */
export async function localModel(folder: string, options: EngineOptions = {}): Promise<LocalModel> {
  return new LocalModel(await LocalEngine.load(folder, options), nameOf(folder));
}

/** The folder's name; of a stage's `model` folder in a run, also run and stage. */
function nameOf(folder: string): string {
  const parts = resolve(folder).split(/[/\\]/);
  const [run, stages, stage, model] = parts.slice(-4);
  return model === 'model' && stages === 'stages' ? `${run}/${stage}` : basename(resolve(folder));
}

/**
 * The engine's seed for a request. Mixed with the conversation, so that one seed for thousands of items does not
 * give all of them the same luck.
 */
function seedOf({ messages, seed = 0 }: ChatRequest): number {
  return createHash('sha256')
    .update(JSON.stringify([seed, messages]))
    .digest()
    .readUInt32LE();
}

function turnsOf({ messages }: { readonly messages: readonly Message[] }): ChatMessage[] {
  return messages.map(({ role, content }) => ({ role, content }));
}

function freeUsage(inputTokens: number, outputTokens: number, started: number): Usage {
  return { inputTokens, outputTokens, costUsd: 0, latencyMs: performance.now() - started, cached: false };
}

function expectDifferent(
  options: readonly string[],
  scored: readonly { readonly ids: readonly number[] }[],
): void {
  const seen = new Map<string, string>();
  scored.forEach(({ ids }, i) => {
    const key = ids.join(',');
    const other = seen.get(key);
    if (other !== undefined) {
      throw new TenetError(
        'usage',
        `The options ${JSON.stringify(other)} and ${JSON.stringify(options[i])} are the same tokens to this model; ` +
          'give options that differ in more than white space at their ends.',
      );
    }
    seen.set(key, options[i]);
  });
}

/** What the engine finds wrong with one conversation, such as its length, is a refusal of the model. */
async function refusals<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!TenetError.is(error) || !['usage', 'data', 'model'].includes(error.code)) throw error;
    throw new TenetError('provider', error.message, { cause: error, details: error.details });
  }
}
