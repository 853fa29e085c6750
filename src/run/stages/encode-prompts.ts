/** Prompts for sampling, with a word to the user about those that leave no room for a response. */
import type { Example } from '../../data/index.ts';
import { checkPrompts, type PolicyPrompt } from '../../train/index.ts';
import { describeLosses } from './encode-texts.ts';
import { expectPrompts } from './expect-examples.ts';
import { encoderFor, promptText, type StageRun, type StartModel } from './stage-run.ts';

/**
 * Leaves out prompts that do not fit the model's positions together with a response.
 * @throws TenetError('preflight') when none is left, or no response could end
 */
export function encodePrompts(
  stage: StageRun,
  start: StartModel,
  examples: readonly Example[],
  responseLength: number,
): PolicyPrompt[] {
  expectPrompts(stage, examples);
  const encoder = encoderFor(stage, start.tokenizer, start.config.maxPositions);
  const prompts = examples.flatMap((example): PolicyPrompt[] => {
    const ids = encoder.encodePrompt(example, { reserve: responseLength });
    return ids ? [{ ids, text: promptText(example) }] : [];
  });
  checkPrompts(prompts, {
    stage: `Stage "${stage.name}"`,
    maxPositions: start.config.maxPositions,
    responseLength,
    stopIds: start.stopIds,
    leftOut: encoder.counts.tooLong,
  });
  const losses = describeLosses(encoder);
  if (losses) stage.context.warn(losses);
  return prompts;
}
