/** Prompts for sampling, with a word to the user about those that leave no room for a response. */
import type { Example } from '../../data/index.ts';
import { checkPrompts, type PolicyPrompt } from '../../train/index.ts';
import { describeLosses } from './encode-texts.ts';
import { expectPrompts } from './expect-examples.ts';
import { encoderFor, promptText, type StageRun, type StartModel } from './stage-run.ts';

/** A prompt as the policy reads it, and the example it comes from. */
export interface EncodedPrompt {
  readonly prompt: PolicyPrompt;
  readonly example: Example;
}

/** The option of a stage that limits its responses; TRL calls it differently from method to method. */
export type ResponseLimit = { readonly responseLength: number } | { readonly maxCompletionLength: number };

/** Most tokens of a response, and what the option is called. */
export function limitOf(limit: ResponseLimit): {
  readonly responseLength: number;
  readonly lengthOption: string;
} {
  return 'responseLength' in limit
    ? { responseLength: limit.responseLength, lengthOption: 'responseLength' }
    : { responseLength: limit.maxCompletionLength, lengthOption: 'maxCompletionLength' };
}

/** Prompts alone; see `encodePromptsOf`. */
export function encodePrompts(
  stage: StageRun,
  start: StartModel,
  examples: readonly Example[],
  limit: ResponseLimit,
): PolicyPrompt[] {
  return encodePromptsOf(stage, start, examples, limit).map(({ prompt }) => prompt);
}

/**
 * Leaves out prompts that do not fit the model's positions together with a response.
 * @throws TenetError('preflight') when none is left, or no response could end
 */
export function encodePromptsOf(
  stage: StageRun,
  start: StartModel,
  examples: readonly Example[],
  limit: ResponseLimit,
): EncodedPrompt[] {
  expectPrompts(stage, examples);
  const { responseLength, lengthOption } = limitOf(limit);
  const encoder = encoderFor(stage, start.tokenizer, start.config.maxPositions);
  const encoded = examples.flatMap((example): EncodedPrompt[] => {
    const ids = encoder.encodePrompt(example, { reserve: responseLength });
    return ids ? [{ prompt: { ids, text: promptText(example) }, example }] : [];
  });
  checkPrompts(
    encoded.map(({ prompt }) => prompt),
    {
      stage: `Stage "${stage.name}"`,
      maxPositions: start.config.maxPositions,
      responseLength,
      lengthOption,
      stopIds: start.stopIds,
      leftOut: encoder.counts.tooLong,
    },
  );
  const losses = describeLosses(encoder);
  if (losses) stage.context.warn(losses);
  return encoded;
}
