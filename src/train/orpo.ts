/**
 * Odds ratio preference optimisation: fine-tuning on the chosen responses and telling them from the rejected ones in
 * one loss, without a reference model. It can start from a base model.
 *
 * The cross-entropy is over the chosen responses, as in the paper; TRL's is over their prompts too.
 *
 * @see Hong et al. 2024, arXiv:2403.07691, eqs. 4, 6 and 7.
 */
import { orpoLoss } from '../objective/index.ts';
import type { StageContext } from './context.ts';
import type { OrpoOptions } from './orpo-options.ts';
import type { PairInputs, PairResult } from './pair-batch.ts';
import { trainReferenceFree } from './reference-free.ts';

/** Trains `inputs.parameters` in place. */
export function trainOrpo(
  options: OrpoOptions,
  inputs: PairInputs,
  context: StageContext,
): Promise<PairResult> {
  return trainReferenceFree(
    {
      name: 'ORPO',
      lossOf: ({ chosen, rejected, chosenCrossEntropy, pairTotal }) =>
        orpoLoss({
          chosenLogProbs: chosen.meanLogProbs,
          rejectedLogProbs: rejected.meanLogProbs,
          chosenCrossEntropy,
          beta: options.beta,
          pairTotal,
        }),
    },
    options,
    inputs,
    context,
  );
}
