export * from './activation.ts';
export * from './attention.ts';
export { expand, type ReduceOptions, reshape, sum } from './broadcast.ts';
export * from './cumulative-max.ts';
export * from './elementwise.ts';
export * from './erf.ts';
export * from './gather.ts';
export * from './matmul.ts';
export * from './normalise.ts';
export {
  cumulativeSum,
  logSoftmax,
  logSumExp,
  max,
  mean,
  softmax,
} from './reduce.ts';
export * from './rotary.ts';
export { concat, range, split, transpose, zeros } from './shape.ts';
export * from './token-log-probs.ts';
