/** Fakes for tests of what is built on language models. */

export {
  type Fault,
  type MisbehavingServer,
  type MisbehavingServerOptions,
  misbehavingServer,
  passingFaults,
  randomFaults,
  type ServedAnswer,
  type ServedMessage,
  type ServedRequest,
} from './misbehaving-server.ts';
export { type MockModel, type MockModelOptions, mockModel } from './mock-model.ts';
