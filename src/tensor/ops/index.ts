export * from './activation.ts';
export * from './attention.ts';
export * from './elementwise.ts';
export * from './gather.ts';
export * from './matmul.ts';
export * from './normalise.ts';
export {
  cumulativeSum,
  logSoftmax,
  logSumExp,
  max,
  mean,
  type ReduceOptions,
  softmax,
  sum,
} from './reduce.ts';
export * from './rotary.ts';
export { concat, expand, reshape, split, transpose, zeros } from './shape.ts';
export * from './token-log-probs.ts';
