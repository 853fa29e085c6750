export {
  AdamW,
  type AdamWOptions,
  type AdamWResult,
  type AdamWState,
  type AdamWStepOptions,
  type Gradients,
  type NonFiniteGradient,
} from './adamw.ts';
export { type Dim, formatShape, type Shape } from './dims.ts';
export { type EncodedGraph, encodeGraph } from './encode.ts';
export { allocateFloats } from './float-memory.ts';
export { gradients } from './gradients.ts';
export { type DType, Graph, type GraphOptions, Tensor, type TensorData } from './graph.ts';
export * from './ops/index.ts';
export { learningRateAt, type ScheduleOptions } from './schedule.ts';
export {
  type Device,
  type Feed,
  type Feeds,
  Session,
  type SessionOptions,
  type TensorValue,
} from './session.ts';
