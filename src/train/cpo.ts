/**
 * Contrastive preference optimisation and SimPO, which is the same with another loss and other defaults.
 *
 * @see Xu et al. 2024, arXiv:2401.08417, eq. 3; Meng et al. 2024, arXiv:2405.14734, eq. 6.
 */
import { cpoLoss } from '../objective/index.ts';
import type { Tensor } from '../tensor/index.ts';
import type { StageContext } from './context.ts';
import type { CpoOptions, SimpoOptions } from './cpo-options.ts';
import type { PairGraph, PairInputs, PairResult } from './pair-batch.ts';
import { trainReferenceFree } from './reference-free.ts';

/** Trains `inputs.parameters` in place. */
export function trainCpo(
  options: CpoOptions,
  inputs: PairInputs,
  context: StageContext,
): Promise<PairResult> {
  const lossOf = (graph: PairGraph): ReturnType<typeof cpoLossOf> => cpoLossOf(graph, options);
  return trainReferenceFree({ name: 'CPO', lossOf }, options, inputs, context);
}

/** Trains `inputs.parameters` in place. */
export function trainSimpo(
  options: SimpoOptions,
  inputs: PairInputs,
  context: StageContext,
): Promise<PairResult> {
  const lossOf = (graph: PairGraph): ReturnType<typeof cpoLossOf> =>
    cpoLossOf(graph, { ...options, lossType: 'simpo' });
  return trainReferenceFree({ name: 'SimPO', lossOf }, options, inputs, context);
}

function cpoLossOf(
  graph: PairGraph,
  options: CpoOptions,
): { readonly loss: Tensor; readonly metrics: object } {
  const { chosen, rejected } = graph;
  const perToken = options.lossType === 'simpo' || options.lossType === 'ipo';
  return cpoLoss({
    chosenLogProbs: perToken ? chosen.meanLogProbs : chosen.logProbs,
    rejectedLogProbs: perToken ? rejected.meanLogProbs : rejected.logProbs,
    chosenCrossEntropy: graph.chosenCrossEntropy,
    lossType: options.lossType,
    beta: options.beta,
    simpoGamma: options.simpoGamma,
    cpoAlpha: options.cpoAlpha,
    labelSmoothing: options.labelSmoothing,
    pairTotal: graph.pairTotal,
  });
}
