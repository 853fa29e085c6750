/** What is checked before and while a method learns from sampled responses. */
import { TenetError } from '../base/index.ts';
import type { StageContext } from './context.ts';
import type { PolicyInputs } from './group-sampler.ts';
import { checkPrompts } from './preflight.ts';

/** Refuses prompts that leave no room for a response, and a penalty without a reference. */
export function checkPolicyInputs(
  stage: string,
  options: { readonly maxCompletionLength: number; readonly beta: number },
  inputs: PolicyInputs,
): void {
  checkPrompts(inputs.prompts, {
    stage,
    maxPositions: inputs.config.maxPositions,
    responseLength: options.maxCompletionLength,
    stopIds: inputs.stopIds,
    lengthOption: 'maxCompletionLength',
  });
  if (options.beta > 0 && !inputs.reference) {
    throw new TenetError(
      'usage',
      `${stage} with beta ${options.beta} needs the parameters of a reference model (usually a copy of the policy); ` +
        'give them as `reference`, or set beta to 0',
    );
  }
}

/** Tells the user, once, of rewards that tell no two responses apart. */
export class SpreadWatch {
  private warned = false;

  check(fractionWithoutSpread: number, iteration: number, context: StageContext): void {
    if (fractionWithoutSpread < 1 || this.warned) return;
    this.warned = true;
    context.warn(
      `Iteration ${iteration}: in every group all responses have the same reward, so nothing is learnt from them. ` +
        'The prompts are too hard or too easy, or the reward is constant.',
    );
  }
}
