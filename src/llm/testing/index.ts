/** Fakes for tests of what is built on language models. */
export { type MockModel, type MockModelOptions, mockModel } from './mock-model.ts';
