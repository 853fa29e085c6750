export { type Dim, formatShape, type Shape } from './dims.ts';
export { encodeGraph } from './encode.ts';
export { gradients } from './gradients.ts';
export { type DType, Graph, type GraphOptions, Tensor, type TensorData } from './graph.ts';
export * from './ops/index.ts';
export {
  type Device,
  type Feed,
  type Feeds,
  Session,
  type SessionOptions,
  type TensorValue,
} from './session.ts';
