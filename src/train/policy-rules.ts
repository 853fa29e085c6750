/** Rules between the options that methods share that learn from groups of sampled responses. */
import type { OptionProblem } from './option-rules.ts';

export function groupProblems(options: {
  readonly batchSize: number;
  readonly numGenerations: number;
  readonly stepsPerGeneration?: number;
  readonly importanceSamplingMode?: string | null;
  readonly importanceSamplingClipMin?: number | null;
  readonly importanceSamplingClipMax?: number;
}): OptionProblem[] {
  const { batchSize, numGenerations, stepsPerGeneration = 1 } = options;
  const problems: OptionProblem[] = [];
  if (batchSize % numGenerations !== 0) {
    problems.push({
      option: 'batchSize',
      rule: `must be a multiple of numGenerations, ${numGenerations}, so that groups are whole`,
    });
  }
  if (batchSize % stepsPerGeneration !== 0) {
    problems.push({
      option: 'stepsPerGeneration',
      rule: `must divide batchSize, ${batchSize}, into equal steps`,
    });
  }
  const { importanceSamplingClipMin: low = null, importanceSamplingClipMax: high = 3 } = options;
  if (low !== null && low >= high) {
    problems.push({
      option: 'importanceSamplingClipMin',
      rule: `must be below importanceSamplingClipMax, ${high}`,
    });
  }
  return problems;
}
